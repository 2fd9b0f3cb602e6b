"""Hear webhooks: keep verified hints, once per event, and later go and look at what they name. Never data of theirs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from random import Random

from django.db.models import QuerySet

from integrations.actions.connections.open_connector import connector_of, open_connector
from integrations.actions.pull.pull import pulled_kinds, take_records
from integrations.actions.runs.guard_run import guard_run
from integrations.actions.runs.hold_connection import Clock, ConnectionBusy, Held, hold_connection
from integrations.actions.runs.log_run import RunLog, start_run
from integrations.connectors.base import Connector, CrmError, Hint, Kind, Misuse, RawWebhook, RemoteRecord
from integrations.models import Connection, ExternalRecord, RecordKind, SyncHint, SyncRun
from integrations.pure.mapping import Direction
from integrations.queries.mapping import rules_of
from leads.pure.refused import Refused

CHUNK = 100
# More than this in one look is a sync's work; the rest waits for the next sweep.
MOST = 1000
REASON = "webhook"
NO_WAY = ("host_refused", "redirect_refused")


class WebhookRefused(Refused):
    """Nobody we know sent this, or it cannot be verified. The caller is told no more than that."""


def hear_webhook(*, key: str, raw: RawWebhook, at: datetime) -> int:
    """Verify a webhook and keep its hints; returns the connection's id, 0 where there is nothing new to look at.

    Raises WebhookRefused. A replay finds its hints kept already and adds nothing.
    """
    connection = Connection.objects.active().filter(webhook_key=key).first() if key else None
    if connection is None:
        raise WebhookRefused("unknown key")
    try:
        connector = open_connector(connection=connection)
    except CrmError as error:
        raise WebhookRefused(error.code) from error
    try:
        hints = connector.parse_webhook(raw)
    except CrmError as error:
        raise WebhookRefused(error.code) from error
    finally:
        connector.close()
    rows = [
        SyncHint(
            connection=connection,
            event_id=_event_id(hint, raw)[:160],
            kind=hint.kind,
            remote_id=hint.remote_id[:120],
            is_gone=hint.is_gone,
            merged_into=hint.merged_into[:120],
            received_at=at,
        )
        for hint in hints
    ]
    before = _open(connection).count()
    SyncHint.objects.bulk_create(rows, batch_size=200, ignore_conflicts=True)
    return connection.pk if _open(connection).count() > before else 0


def look_at_hints(
    *, clock: Clock, seed: int, connection_id: int | None = None, connector: Connector | None = None
) -> int:
    """Fetch what open hints name, of this connection or all; returns the hints that are settled.

    A connection that is busy or pauses keeps its hints for the next sweep.
    """
    ready = Connection.objects.ready(clock()).filter(hints__looked_at__isnull=True, hints__isnull=False).distinct()
    if connection_id is not None:
        ready = ready.filter(pk=connection_id)
    done = 0
    for pk in list(ready.values_list("pk", flat=True)):
        try:
            with hold_connection(connection_id=pk, clock=clock) as held:
                done += _look(held, connector, Random(seed))
        except (ConnectionBusy, CrmError):
            continue
    return done


def _look(held: Held, connector: Connector | None, rng: Random) -> int:
    hints = list(_open(held.connection).order_by("pk")[:MOST])
    with connector_of(connection=held.connection, given=connector) as opened:
        wanted = _worth(held.connection, hints, opened)
        if wanted:
            run = start_run(held=held, direction=SyncRun.Direction.PULL, reason=REASON, connector=opened)
            ended = guard_run(run=run, held=held, rng=rng, work=lambda: _fetch(held, opened, run, wanted))
            if ended.state != SyncRun.State.DONE:
                return 0
    return SyncHint.objects.filter(pk__in=[hint.pk for hint in hints]).update(looked_at=held.clock())


def _worth(connection: Connection, hints: Sequence[SyncHint], connector: Connector) -> dict[Kind, list[SyncHint]]:
    """The hints that are worth a call, by kind, each record once.

    Our own pushes are hinted at too: a person of whom we read no field is left alone unless they are gone, and so is
    one who is none of our leads.
    """
    reads = any(rule.direction is not Direction.PUSH for rule in rules_of(connection)["person"])
    links = ExternalRecord.objects.filter(connection=connection, remote_id__in={hint.remote_id for hint in hints})
    known = {(_kind(link.kind), link.remote_id): link for link in links}
    wanted: dict[Kind, list[SyncHint]] = {kind: [] for kind in pulled_kinds(connector)}
    seen: set[tuple[str, str]] = set()
    # Of several words on one record, the one that says what became of it.
    for hint in sorted(hints, key=lambda each: (not each.merged_into, not each.is_gone)):
        name, link = (_kind(hint.kind), hint.remote_id), known.get((_kind(hint.kind), hint.remote_id))
        is_released = hint.event_id.startswith("released ")
        kind = next((each for each in wanted if each == hint.kind), None)
        if kind is None or name in seen:
            continue
        if kind != "deal" and (link is None or not (reads or hint.is_gone or is_released)):
            continue
        if link is not None and link.held_at is not None:
            continue
        seen.add(name)
        wanted[kind].append(hint)
    return {kind: rows for kind, rows in wanted.items() if rows}


def _fetch(held: Held, connector: Connector, run: RunLog, wanted: dict[Kind, list[SyncHint]]) -> str:
    absent, refused = 0, 0
    for kind, hints in wanted.items():
        for start in range(0, len(hints), CHUNK):
            part = hints[start : start + CHUNK]
            ids = [hint.remote_id for hint in part]
            into = {hint.remote_id: hint.merged_into for hint in part if hint.merged_into and kind == "person"}
            held.keep()
            try:
                records = connector.fetch(kind, list(dict.fromkeys([*ids, *into.values()])))
            except Misuse as error:
                if error.code in NO_WAY:
                    raise
                # An id that the CRM will not hear of would be asked for again by every sweep.
                refused += len(ids)
                continue
            merged = _merged(into, records, held.clock())
            take_records(held=held, connector=connector, run=run, kind=kind, records=[*records.values(), *merged])
            missing = sorted(set(ids) - records.keys() - {record.remote_id for record in merged})
            absent += len(missing)
            _mark_missing(held, kind, missing)
    notes = [f"{absent} records are not there any more."] if absent else []
    notes += [f"{refused} records were not shown; the next sync reads what changed of them."] if refused else []
    return " ".join(notes)


def _merged(into: Mapping[str, str], records: Mapping[str, RemoteRecord], at: datetime) -> list[RemoteRecord]:
    """People who are not shown any more, and said to be merged into somebody who is: what was said is so."""
    found: list[RemoteRecord] = []
    for lost in into.keys() - records.keys():
        alive = into[lost]
        for _ in into:  # whoever lives on may have been merged in turn
            alive = alive if alive in records else into.get(alive, alive)
        if alive in records and not records[alive].is_archived:
            found.append(RemoteRecord("person", lost, None, {}, at, is_archived=True, merged_into=alive))
    return found


def _mark_missing(held: Held, kind: Kind, ids: Sequence[str]) -> None:
    """A record that the CRM does not show any more: its link says so. What that means for a deal the pass over deleted
    records says, with the CRM's own date."""
    if ids:
        kinds: Sequence[str] = (RecordKind.PERSON, RecordKind.CONTACT) if kind == "person" else (kind,)
        links = ExternalRecord.objects.filter(connection=held.connection, kind__in=kinds, remote_id__in=ids)
        links.filter(archived_at__isnull=True).update(archived_at=held.clock())


def _open(connection: Connection) -> QuerySet[SyncHint]:
    return SyncHint.objects.filter(connection=connection, looked_at__isnull=True)


def _kind(kind: str) -> str:
    return RecordKind.PERSON if kind == RecordKind.CONTACT else kind


def _event_id(hint: Hint, raw: RawWebhook) -> str:
    """The vendor's id of the event; else the body stands for it, so that the same delivery is the same event."""
    return hint.event_id or hashlib.sha256(raw.body).hexdigest()
