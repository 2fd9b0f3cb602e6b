"""Record what other systems are to be told: rows that a worker delivers, in the transaction of whoever writes them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from leads.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from leads.pure.webhooks import TEST, WORKFLOW

_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """An event: ``key`` says what it is about, ``data`` is told as JSON, ``lead_id`` whose erasure takes it along.

    It goes to the endpoints that subscribe to its ``kind``, or to ``endpoint_ids`` alone.
    """

    kind: str
    key: str
    occurred_at: datetime
    data: Mapping[str, Any]
    lead_id: int | None = None
    endpoint_ids: Collection[int] | None = None


def record_event(*, news: News, at: datetime) -> int:
    """One event; see :func:`record_events`."""
    return record_events(news=[news], at=at)


def record_events(*, news: Sequence[News], at: datetime) -> int:
    """Queue events for the active endpoints that want them; returns how many deliveries are new.

    An event whose key was recorded before keeps its text and goes only to endpoints that it was not meant for yet.
    """
    endpoints = list(WebhookEndpoint.objects.active().order_by("pk")) if news else []
    wanted = {each.key: (each, to) for each in news if (to := _receivers(each, endpoints))}
    if not wanted:
        return 0
    with transaction.atomic(savepoint=False):
        rows = [
            WebhookEvent(
                kind=each.kind,
                key=each.key,
                occurred_at=each.occurred_at,
                recorded_at=at,
                body=_body(each),
                lead_id=each.lead_id,
            )
            for each, _ in wanted.values()
        ]
        WebhookEvent.objects.bulk_create(rows, ignore_conflicts=True, batch_size=_BATCH)
        written = 0
        keys = sorted(wanted)
        for start in range(0, len(keys), _BATCH):
            known = dict(WebhookEvent.objects.filter(key__in=keys[start : start + _BATCH]).values_list("key", "pk"))
            pairs = [(pk, endpoint) for key, pk in known.items() for endpoint in wanted[key][1]]
            present = set(
                WebhookDelivery.objects.filter(event__in=known.values()).values_list("event_id", "endpoint_id")
            )
            made = [
                WebhookDelivery(event_id=pk, endpoint_id=endpoint, not_before=at, created_at=at)
                for pk, endpoint in pairs
                if (pk, endpoint) not in present
            ]
            WebhookDelivery.objects.bulk_create(made, ignore_conflicts=True, batch_size=_BATCH)
            written += len(made)
    return written


def known_keys(keys: Collection[str]) -> set[str]:
    """Those that were recorded before."""
    listed, found = sorted(keys), set[str]()
    for start in range(0, len(listed), _BATCH):
        rows = WebhookEvent.objects.filter(key__in=listed[start : start + _BATCH])
        found |= set(rows.values_list("key", flat=True))
    return found


def _receivers(news: News, endpoints: Sequence[WebhookEndpoint]) -> list[int]:
    if news.endpoint_ids is not None:
        return [each.pk for each in endpoints if each.pk in news.endpoint_ids]
    if news.kind in (TEST, WORKFLOW):
        return []
    return [each.pk for each in endpoints if news.kind in each.events]


def _body(news: News) -> str:
    told = {"type": news.kind, "timestamp": news.occurred_at.isoformat(), "data": news.data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))
