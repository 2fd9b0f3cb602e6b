"""Deliver queued events: each is claimed, posted once and settled; what failed is tried again with growing pauses.

A worker that dies after the post leaves a claim that ends; the event is then sent again under the id it had, by which
receivers know repeats. So every event arrives at least once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F

from integrations.connectors.webhook import Posted, post_event
from leads.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from leads.pure.webhooks import PATIENCE, pause_after, signature

log = structlog.get_logger(__name__)

AT_ONCE = 500
# A claim without an end was interrupted. Longer than any time-out of ours.
LEASE = timedelta(minutes=2)
GONE = 410
_State = WebhookDelivery.State


def deliver_webhooks(*, clock: Callable[[], datetime], chance: Callable[[], float]) -> int:
    """Post what is due; returns how many were taken. An endpoint that fails rests until the next call."""
    resting: set[int] = set()
    taken = 0
    for delivery in _due(clock, resting):
        at = clock()
        posted = _post(delivery, at)
        _settle(delivery, posted, at, chance())
        taken += posted.is_taken
        if not posted.is_taken:
            resting.add(delivery.endpoint_id)
    return taken


def deliver_now(*, delivery: WebhookDelivery, clock: Callable[[], datetime], chance: float) -> Posted | None:
    """Post one delivery at once, as for a test; None where a worker is at it already."""
    at = clock()
    if not _claim(delivery, at):
        return None
    posted = _post(delivery, at)
    _settle(delivery, posted, at, chance)
    return posted


def _due(clock: Callable[[], datetime], resting: set[int]) -> Iterator[WebhookDelivery]:
    """Waiting deliveries of active endpoints that do not rest, oldest first; each is claimed when yielded."""
    at = clock()
    rows = WebhookDelivery.objects.filter(state=_State.WAITING, not_before__lte=at, endpoint__is_active=True)
    for delivery in rows.select_related("endpoint", "event").order_by("not_before", "pk")[:AT_ONCE]:
        if delivery.endpoint_id not in resting and _claim(delivery, clock()):
            yield delivery


def _claim(delivery: WebhookDelivery, at: datetime) -> bool:
    mine = WebhookDelivery.objects.filter(pk=delivery.pk, state=_State.WAITING, not_before=delivery.not_before)
    delivery.not_before = at + LEASE
    return mine.update(not_before=delivery.not_before) == 1


def _post(delivery: WebhookDelivery, at: datetime) -> Posted:
    event, endpoint = delivery.event, delivery.endpoint
    timestamp = int(at.timestamp())
    told = _headers(event.message_id, timestamp)
    signed = signature(secrets=endpoint.secrets(at), message_id=event.message_id, timestamp=timestamp, body=event.body)
    return post_event(
        url=endpoint.url,
        body=event.body,
        headers={**told, "webhook-signature": signed},
        allow_loopback=settings.SANDBOX_CRM_ALLOWED,
    )


def _headers(message_id: str, timestamp: int) -> dict[str, str]:
    return {"content-type": "application/json", "webhook-id": message_id, "webhook-timestamp": str(timestamp)}


@transaction.atomic
def _settle(delivery: WebhookDelivery, posted: Posted, at: datetime, chance: float) -> None:
    """Note the try, and what becomes of the delivery and its endpoint."""
    event, endpoint = delivery.event, delivery.endpoint
    WebhookAttempt.objects.create(
        delivery=delivery,
        at=at,
        url=endpoint.url,
        headers=_headers(event.message_id, int(at.timestamp())),
        status=posted.status,
        answer=posted.answer,
        error=posted.error,
        milliseconds=posted.milliseconds,
    )
    # Whoever claimed it after our claim had ended settles it.
    mine = WebhookDelivery.objects.filter(pk=delivery.pk, state=_State.WAITING, not_before=delivery.not_before)
    row = WebhookEndpoint.objects.filter(pk=endpoint.pk)
    if posted.is_taken:
        mine.update(state=_State.DELIVERED, settled_at=at)
        row.update(failing_since=None, delivered_at=at)
        return
    log.warning("webhook_not_taken", endpoint=endpoint.pk, kind=event.kind, status=posted.status, error=posted.error)
    pause = pause_after(delivery.tries + 1, chance=chance, asked=posted.after)
    if pause is None:
        mine.update(state=_State.FAILED, tries=F("tries") + 1, settled_at=at)
    else:
        mine.update(tries=F("tries") + 1, not_before=at + pause)
    row.filter(failing_since__isnull=True).update(failing_since=at)
    because = ""
    if posted.status == GONE:
        because = "It answered 410: it wants nothing more."
    elif row.filter(failing_since__lte=at - PATIENCE).exists():
        because = "Nothing was taken for three days."
    if because:
        row.update(is_active=False, disabled_because=because)
