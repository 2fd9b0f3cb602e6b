"""Enqueue: write down which leads are owed to which CRM. One row per lead and connection; later changes ride on it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F

from integrations.models import Connection, PendingPush
from integrations.pure.daily import next_sync
from integrations.queries.active import active_connections
from leads.actions.lead_changes import LeadChanges
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
            written += len(_enqueue(connections, ids, at=at, not_before=not_before, reason=reason))
    return written


def enqueue_new_leads(
    *, lead_ids: Sequence[int], at: datetime, reason: str, settings: InForce, changes: LeadChanges
) -> dict[int, list[PendingPush]]:
    """Owe leads that are made in the caller's ``changes``, which write the rows; returns those of each lead."""
    connections = active_connections(settings)
    if not connections or not lead_ids:
        return {}
    not_before = next_sync(at, settings.company.tz)
    rows = {
        lead_id: [_owed(connection, lead_id, at, not_before, reason) for connection in connections]
        for lead_id in lead_ids
    }
    for owed in rows.values():
        for each in owed:
            changes.add(each)
    return rows


def enqueue_captured(
    *, lead_ids: Sequence[int], at: datetime, reason: str, settings: InForce
) -> dict[int, list[PendingPush]]:
    """Like `enqueue_leads` for a few leads whose rows the caller has locked; returns the rows of each."""
    connections = active_connections(settings)
    if not connections or not lead_ids:
        return {}
    rows = _enqueue(connections, lead_ids, at=at, not_before=next_sync(at, settings.company.tz), reason=reason)
    return {lead_id: [rows[connection.pk, lead_id] for connection in connections] for lead_id in lead_ids}


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
                written += len(_enqueue([connection], missing, at=at, not_before=not_before, reason="changed"))
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
    return len(_enqueue([connection], sorted(lead_ids), at=at, not_before=not_before, reason=reason))


def _knows(push: PendingPush, recorded_at: datetime, read_from: datetime) -> bool:
    """Whether what a push sent, or will send, includes an event recorded and readable at these times."""
    if push.state == _State.PENDING or push.changed_at == recorded_at:
        return True  # reads the lead when it is sent, or was written in the event's own transaction
    return push.state in _CLOSED and push.settled_at is not None and push.changed_at > read_from


def _enqueue(
    connections: Sequence[Connection], lead_ids: Sequence[int], *, at: datetime, not_before: datetime, reason: str
) -> dict[tuple[int, int], PendingPush]:
    """The rows as they are then, by connection and lead."""
    if not lead_ids:
        return {}
    existing = PendingPush.objects.filter(connection__in=connections, lead__in=lead_ids)
    # Locked in one order, so that two writers with overlapping leads cannot wait for each other.
    locked = existing.select_for_update().order_by("lead_id", "connection_id")
    rows = {(row.connection_id, row.lead_id): row for row in locked.only("connection", "lead", "state", "not_before")}
    known = [row.pk for row in rows.values()]
    new = {
        (connection.pk, lead_id): _owed(connection, lead_id, at, not_before, reason)
        for lead_id in lead_ids
        for connection in connections
        if (connection.pk, lead_id) not in rows
    }
    # Somebody else may have just enqueued it: their row sends what we wrote.
    PendingPush.objects.bulk_create(new.values(), ignore_conflicts=True)
    closed = [row for row in rows.values() if row.state in _CLOSED]
    if closed:
        PendingPush.objects.filter(pk__in=[row.pk for row in closed]).update(
            state=_State.PENDING, not_before=not_before, attempts=0, last_error="", error_field="", error_code="",
            candidates=[], settled_at=None,
        )  # fmt: skip
        for row in closed:
            row.state, row.not_before = _State.PENDING, not_before
    if known:
        PendingPush.objects.filter(pk__in=known).update(version=F("version") + 1, changed_at=at, reason=reason[:80])
    # What is told of a connection is at hand.
    at_hand = {connection.pk: connection for connection in connections}
    for row in rows.values():
        row.connection = at_hand[row.connection_id]
    return rows | new


def _owed(connection: Connection, lead_id: int, at: datetime, not_before: datetime, reason: str) -> PendingPush:
    return PendingPush(connection=connection, lead_id=lead_id, not_before=not_before, changed_at=at, reason=reason[:80])


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]
