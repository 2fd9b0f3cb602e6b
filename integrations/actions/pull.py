"""Pull: bring the deals that changed in a CRM here. The only road by which somebody else's facts reach `leads`.

A window runs from the watermark, less an overlap, to the *server's* clock at the start of the run. Each page commits
together with the place to go on from, so a run that dies is continued, not repeated; the watermark itself moves with
the last page. Reading twice what has not changed writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

import structlog
from django.db import transaction

from integrations.actions.enqueue import enqueue_leads
from integrations.actions.hold_connection import Clock, Held, LeaseLost, hold_connection
from integrations.actions.log_run import Progress, RunLog, start_run
from integrations.actions.note_health import note_failure, note_success
from integrations.actions.open_connector import open_connector
from integrations.actions.read_deals import DealReader, ReadDeal
from integrations.actions.read_reference import record_reference
from integrations.connectors.base import (
    Connector,
    CrmError,
    Misuse,
    QuotaDay,
    RemoteRecord,
    StageChange,
    Throttled,
    Window,
)
from integrations.models import Connection, ExternalRecord, RecordKind, SyncRecord, SyncRun, Watermark
from leads.actions.record_opportunity import Recorded, record_opportunities

log = structlog.get_logger(__name__)

# Changes become visible over there some time after their stamp; what is read twice is recognized by its content.
OVERLAP = timedelta(minutes=10)
_Outcome = SyncRecord.Outcome


def pull_connection(
    *,
    connection_id: int,
    clock: Clock,
    seed: int = 0,
    reason: str = "pull",
    is_full: bool = False,
    connector: Connector | None = None,
) -> SyncRun:
    """Hold the connection and pull; ``is_full`` reads from the beginning. Raises ConnectionBusy."""
    with hold_connection(connection_id=connection_id, clock=clock) as held:
        opened = connector or open_connector(connection=held.connection)
        try:
            return pull_held(held=held, connector=opened, rng=Random(seed), reason=reason, is_full=is_full)
        finally:
            if connector is None:
                opened.close()


def pull_held(
    *,
    held: Held,
    connector: Connector,
    rng: Random,
    reason: str,
    is_full: bool = False,
    progress: Progress | None = None,
) -> SyncRun:
    """Pull into a held connection; never raises for what the CRM does."""
    run = start_run(held=held, direction=SyncRun.Direction.PULL, reason=reason, connector=connector, progress=progress)
    try:
        note = _pull(held, connector, run, is_full)
    except CrmError as error:
        until = note_failure(connection=held.connection, error=error, at=held.clock(), rng=rng)
        is_limit = isinstance(error, (QuotaDay, Throttled))
        text = f"{error}" + (f" It goes on after {until:%Y-%m-%d %H:%M} UTC." if until else "")
        return run.close(SyncRun.State.STOPPED if is_limit else SyncRun.State.FAILED, held.clock(), text)
    except LeaseLost as lost:
        log.warning("lease_lost", connection=held.connection.slug)
        return run.close(SyncRun.State.FAILED, held.clock(), str(lost))
    except BaseException as error:
        run.close(SyncRun.State.FAILED, held.clock(), f"An error of ours: {type(error).__name__}. It is in the log.")
        raise
    note_success(connection=held.connection, at=held.clock())
    return run.close(SyncRun.State.DONE, held.clock(), note)


def _pull(held: Held, connector: Connector, run: RunLog, is_full: bool) -> str:
    reference = connector.reference()
    record_reference(held=held, reference=reference)
    mark, _ = Watermark.objects.get_or_create(connection=held.connection, kind=RecordKind.DEAL)
    is_resumed = bool(mark.resume_token and mark.window_ends_at)
    if not is_resumed:
        mark.window_ends_at, mark.resume_token = reference.server_time, ""
        if is_full:
            mark.read_to = None
    try:
        _read_window(held, connector, run, mark)
    except Misuse:
        if not is_resumed:
            raise
        # The place to go on from is not known over there any more: read the window anew.
        mark.window_ends_at, mark.resume_token = reference.server_time, ""
        _read_window(held, connector, run, mark)
    return "Went on where an earlier run ended." if is_resumed else ""


def _read_window(held: Held, connector: Connector, run: RunLog, mark: Watermark) -> None:
    if mark.window_ends_at is None:
        raise ValueError("the caller opens the window first")
    window = Window(mark.read_to and mark.read_to - OVERLAP, mark.window_ends_at)
    reader = DealReader(held.connection)
    held.keep()
    for page in connector.changes("deal", window, mark.resume_token or None):
        deals = reader.changed(page.records)
        held.keep()
        history = _history(connector, deals)
        _apply_page(held, run, reader, deals, history, page.records, mark, page.resume)


def _history(connector: Connector, deals: Sequence[ReadDeal]) -> dict[str, list[StageChange]]:
    """The past of the deals that changed; one call per hundred, none where nothing changed."""
    lines: dict[str, list[StageChange]] = {}
    ids = [deal.record.remote_id for deal in deals]
    if ids and connector.capabilities.history:
        for line in connector.stage_history(ids):
            lines.setdefault(line.deal_id, []).append(line)
    return lines


def _apply_page(
    held: Held,
    run: RunLog,
    reader: DealReader,
    deals: Sequence[ReadDeal],
    history: dict[str, list[StageChange]],
    records: Sequence[RemoteRecord],
    mark: Watermark,
    resume: str | None,
) -> None:
    """Rows, links and the place to go on from, in one transaction under the fence."""
    with transaction.atomic():
        at = held.keep()
        for deal in deals:
            reader.read(deal, history.get(deal.record.remote_id, []))
        readable = [deal for deal in deals if deal.facts is not None]
        facts = [deal.facts for deal in readable if deal.facts is not None]
        recorded = record_opportunities(deals=facts, at=at) if facts else []
        _link(held.connection, deals, recorded, at)
        _note(run, deals, recorded, at)
        run.run.unchanged += len(records) - len(deals)
        enqueue_leads(lead_ids={pk for each in recorded for pk in each.moved}, at=at, reason="deal changed")
        if resume is None:
            mark.read_to, mark.window_ends_at, mark.resume_token = mark.window_ends_at, None, ""
        else:
            # Too long a token is not kept: a run that dies then reads its window from the start.
            mark.resume_token = resume if len(resume) <= 500 else ""
        mark.save(update_fields=["read_to", "window_ends_at", "resume_token"])
        run.flush(at, seen=len(records))


def _link(connection: Connection, deals: Sequence[ReadDeal], recorded: Sequence[Recorded], at: datetime) -> None:
    """Remember what was read. A deal with a problem keeps no hash, so it is looked at again whenever it is met."""
    opportunities = iter(recorded)
    new: list[ExternalRecord] = []
    known: list[ExternalRecord] = []
    for deal in deals:
        link = deal.link or ExternalRecord(connection=connection, kind=RecordKind.DEAL, remote_id=deal.record.remote_id)
        if deal.facts is not None:
            link.opportunity = next(opportunities).opportunity
        link.content_hash = deal.content_hash if deal.facts is not None or deal.is_skipped else ""
        link.remote_changed_at, link.synced_at = deal.record.modified_at, at
        link.archived_at = deal.record.modified_at if deal.record.is_archived else None
        (known if link.pk else new).append(link)
    ExternalRecord.objects.bulk_create(new, batch_size=200)
    columns = ["opportunity", "content_hash", "remote_changed_at", "synced_at", "archived_at"]
    ExternalRecord.objects.bulk_update(known, columns, batch_size=200)


def _note(run: RunLog, deals: Sequence[ReadDeal], recorded: Sequence[Recorded], at: datetime) -> None:
    opportunities = iter(recorded)
    for deal in deals:
        remote_id = deal.record.remote_id
        if deal.facts is None:
            outcome = _Outcome.SKIPPED if deal.is_skipped else _Outcome.REJECTED
            run.add(outcome, at, remote_id=remote_id, note=deal.problem)
            continue
        each = next(opportunities)
        facts = {"opportunity": each.opportunity, "remote_id": remote_id}
        note = "Archived in the CRM." if deal.record.is_archived else ""
        if each.is_created:
            run.add(_Outcome.CREATED, at, note=note, **facts)
        elif each.changes:
            run.add(_Outcome.UPDATED, at, changes=each.changes, note=note, **facts)
        else:
            run.run.unchanged += 1
        for person in deal.strangers:
            words = f"Person {person.person_id} of deal {remote_id} is none of our leads."
            run.add(_Outcome.SKIPPED, at, opportunity=each.opportunity, remote_id=person.person_id, note=words)
