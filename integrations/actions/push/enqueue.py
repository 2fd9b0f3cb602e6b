"""Enqueue: write down which leads are owed to which CRM. One row per lead and connection; later changes ride on it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F

from integrations.models import Connection, PendingPush
from integrations.pure.daily import next_sync
from integrations.queries.active import active_connections
from leads.models import Company, LeadEvent
from leads.queries.in_force import InForce

CHUNK = 500
# News that a CRM has no use for; everything else may change what it should show.
SILENT = (LeadEvent.Kind.FOLLOW_UP_PLANNED, LeadEvent.Kind.FOLLOW_UP_DONE, LeadEvent.Kind.ACTIVITY_LOGGED)

_State = PendingPush.State
_CLOSED = (_State.DONE, _State.REJECTED, _State.DEAD)


def enqueue_leads(*, lead_ids: Collection[int], at: datetime, reason: str) -> int:
    """Owe these leads to every active connection at the next daily sync; returns the rows written.

    Belongs into the transaction of the change. A row that is waiting or being sent only gets a new ``version``, so a
    push under way knows that it must go again; a settled row is opened afresh.
    """
    connections = list(Connection.objects.active().order_by("pk"))
    if not connections or not lead_ids:
        return 0
    not_before = next_sync(at, Company.current().tz)
    written = 0
    with transaction.atomic(savepoint=False):
        for ids in _chunks(sorted(set(lead_ids))):
            written += _enqueue(connections, ids, at=at, not_before=not_before, reason=reason)
    return written


def enqueue_new_leads(
    *, lead_ids: Sequence[int], at: datetime, reason: str, settings: InForce
) -> dict[int, list[PendingPush]]:
    """Owe leads that this very transaction made, for which nothing is written yet; returns the rows of each lead."""
    connections = active_connections(settings)
    if not connections or not lead_ids:
        return {}
    not_before = next_sync(at, settings.company.tz)
    rows = {
        lead_id: [_owed(connection, lead_id, at, not_before, reason) for connection in connections]
        for lead_id in lead_ids
    }
    PendingPush.objects.bulk_create([each for owed in rows.values() for each in owed], batch_size=CHUNK)
    return rows


def enqueue_news(*, events: Mapping[int, datetime], at: datetime) -> int:
    """Enqueue what events tell of leads; returns the rows written. Repeats are harmless.

    ``events``: by id, each with the moment from which it could be read, which may be long after its own time.
    """
    connections = list(Connection.objects.active().order_by("pk"))
    if not connections or not events:
        return 0
    not_before = next_sync(at, Company.current().tz)
    written = 0
    for ids in _chunks(sorted(events)):
        newest = _newest({pk: events[pk] for pk in ids})
        with transaction.atomic(savepoint=False):
            for connection in connections:
                known = PendingPush.objects.filter(connection=connection, lead__in=newest)
                told = {push.lead_id for push in known if _knows(push, *newest[push.lead_id])}
                missing = [lead_id for lead_id in sorted(newest) if lead_id not in told]
                written += _enqueue([connection], missing, at=at, not_before=not_before, reason="changed")
    return written


def _newest(events: Mapping[int, datetime]) -> dict[int, tuple[datetime, datetime]]:
    """By lead, when its last news was recorded, and from when on all of it could be read."""
    news = LeadEvent.objects.filter(pk__in=events, lead__merged_into__isnull=True).exclude(kind__in=SILENT)
    newest: dict[int, tuple[datetime, datetime]] = {}
    for pk, lead, recorded in news.values_list("pk", "lead", "recorded_at"):
        before = newest.get(lead, (recorded, events[pk]))
        newest[lead] = max(before[0], recorded), max(before[1], recorded, events[pk])
    return newest


def enqueue_for(
    *, connection: Connection, lead_ids: Sequence[int], not_before: datetime, at: datetime, reason: str
) -> int:
    """Owe up to ``CHUNK`` leads to one connection, in the caller's transaction; returns the rows written."""
    return _enqueue([connection], sorted(lead_ids), at=at, not_before=not_before, reason=reason)


def _knows(push: PendingPush, recorded_at: datetime, read_from: datetime) -> bool:
    """Whether what a push sent, or will send, includes an event recorded and readable at these times."""
    if push.state == _State.PENDING or push.changed_at == recorded_at:
        return True  # reads the lead when it is sent, or was written in the event's own transaction
    return push.state in _CLOSED and push.settled_at is not None and push.changed_at > read_from


def _enqueue(
    connections: Sequence[Connection], lead_ids: Sequence[int], *, at: datetime, not_before: datetime, reason: str
) -> int:
    if not lead_ids:
        return 0
    existing = PendingPush.objects.filter(connection__in=connections, lead__in=lead_ids)
    # Locked in one order, so that two writers with overlapping leads cannot wait for each other.
    locked = existing.select_for_update().order_by("lead_id", "connection_id")
    known = {(connection, lead): pk for connection, lead, pk in locked.values_list("connection", "lead", "pk")}
    PendingPush.objects.bulk_create(
        [
            _owed(connection, lead_id, at, not_before, reason)
            for lead_id in lead_ids
            for connection in connections
            if (connection.pk, lead_id) not in known
        ],
        ignore_conflicts=True,  # somebody else has just enqueued it: their row sends what we wrote
    )
    if known:
        ours = PendingPush.objects.filter(pk__in=known.values())
        ours.filter(state__in=_CLOSED).update(
            state=_State.PENDING, not_before=not_before, attempts=0, last_error="", error_field="", error_code="",
            candidates=[], settled_at=None,
        )  # fmt: skip
        ours.update(version=F("version") + 1, changed_at=at, reason=reason[:80])
    return len(lead_ids) * len(connections)


def _owed(connection: Connection, lead_id: int, at: datetime, not_before: datetime, reason: str) -> PendingPush:
    return PendingPush(connection=connection, lead_id=lead_id, not_before=not_before, changed_at=at, reason=reason[:80])


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]
