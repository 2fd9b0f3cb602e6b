"""Settle a batch of pushes by their outcomes, in one transaction guarded by the fence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from django.db import transaction

from integrations.actions.draft_leads import LeadDraft
from integrations.actions.hold_connection import Held
from integrations.actions.log_run import RunLog
from integrations.actions.note_health import full_jitter
from integrations.connectors.base import Created, Outcome, Rejected, RetryLater, Unchanged, Unknown, Updated
from integrations.models import ExternalRecord, PendingPush, RecordKind, SyncRecord

MAX_TRIES = 12
_State = PendingPush.State
_COLUMNS = (
    "state", "not_before", "attempts", "lease_until", "is_unclear", "quiet_until", "last_error", "error_field",
    "settled_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Skipped:
    """There is nothing to send, and why."""

    key: str
    reason: str


Result = Outcome | Skipped


def settle_push(
    *,
    held: Held,
    log: RunLog,
    claimed: Sequence[PendingPush],
    drafts: Mapping[int, LeadDraft],
    results: Mapping[int, Result],
    rng: Random,
) -> None:
    """Write what became of each claimed row; rows without a result were not sent and keep their try.

    Rows that somebody else has taken over meanwhile are left alone. A row whose lead changed while it was being sent
    stays due.
    """
    with transaction.atomic():
        at = held.keep()
        # In the order in which capture locks the same rows, or two of us wait for each other.
        mine = (
            PendingPush.objects.select_for_update(of=("self",))
            .order_by("lead_id")
            .filter(pk__in=[row.pk for row in claimed], fence=held.fence, state=_State.LEASED)
        )
        rows = {row.pk: row for row in mine}
        versions = {row.pk: row.version for row in claimed}
        links = _Links(held, at)
        for row in rows.values():
            result = results.get(row.lead_id)
            if isinstance(result, (Created, Updated, Unchanged)):
                result = links.put(drafts[row.lead_id], result)
            _apply(row, result, at, rng)
            if result is not None:
                _note(log, row, result, at, _sent(drafts.get(row.lead_id), result))
                if row.version != versions[row.pk] and row.state != _State.PENDING:
                    row.state, row.not_before, row.attempts, row.settled_at = _State.PENDING, at, 0, None
        PendingPush.objects.bulk_update(rows.values(), _COLUMNS, batch_size=200)
        links.write()
        log.flush(at, seen=len(results))


def _apply(row: PendingPush, result: Result | None, at: datetime, rng: Random) -> None:
    row.lease_until = None
    if result is None:
        row.state, row.attempts = _State.PENDING, max(0, row.attempts - 1)
        return
    if isinstance(result, (RetryLater, Unknown)):
        row.is_unclear = row.is_unclear or isinstance(result, Unknown)
        row.last_error = f"{'Answer lost' if isinstance(result, Unknown) else 'Put off'}: {result.reason}"[:400]
        after = result.after if isinstance(result, RetryLater) else timedelta()
        row.not_before = at + max(after, full_jitter(attempt=row.attempts, rng=rng))
        row.state = _State.PENDING if row.attempts < MAX_TRIES else _State.DEAD
        row.settled_at = None if row.state == _State.PENDING else at
        return
    row.settled_at, row.is_unclear, row.quiet_until = at, False, None
    if isinstance(result, Rejected):
        row.state, row.error_field = _State.REJECTED, result.field[:80]
        row.last_error = (result.message or result.code)[:400]
    else:
        row.state, row.error_field, row.last_error = _State.DONE, "", ""


def _note(
    log: RunLog, row: PendingPush, result: Result, at: datetime, sent: Mapping[str, list[str]] | None = None
) -> None:
    outcome, remote_id, note = SyncRecord.Outcome.UPDATED, "", ""
    match result:
        case Unchanged():
            log.run.unchanged += 1
            return
        case Created(remote_id=remote_id):
            outcome = SyncRecord.Outcome.CREATED
        case Updated(remote_id=remote_id):
            pass
        case Rejected():
            outcome = SyncRecord.Outcome.REJECTED
            note = f"{result.field}: {result.message or result.code}" if result.field else result.message
        case Unknown():
            outcome, note = SyncRecord.Outcome.UNCLEAR, row.last_error
        case RetryLater() | Skipped():
            outcome, note = SyncRecord.Outcome.SKIPPED, result.reason
    facts = {"kind": RecordKind.PERSON, "way": SyncRecord.Way.OUT, "lead_id": row.lead_id, "remote_id": remote_id}
    log.add(outcome, at, note=note, changes=sent or {}, **facts)


def _sent(drafted: LeadDraft | None, result: Result) -> dict[str, list[str]]:
    """What an update told the CRM anew, where we know what it held; a new record is told everything."""
    if drafted is None or drafted.link is None or not isinstance(result, Updated):
        return {}
    known = drafted.link.snapshot
    return {name: [known[name], value] for name, value in drafted.agreed.items() if known.get(name, value) != value}


class _Links:
    """The records that leads are known under, collected for one write."""

    def __init__(self, held: Held, at: datetime) -> None:
        self.connection, self.at = held.connection, at
        self.wanted: list[tuple[LeadDraft, str]] = []
        self.taken: dict[str, int | None] = {}

    def put(self, drafted: LeadDraft, result: Created | Updated | Unchanged) -> Result:
        """Remember the link; refused when the CRM answers with the record of somebody else."""
        if drafted.link is not None and drafted.link.remote_id == result.remote_id:
            if not (isinstance(result, Unchanged) and drafted.is_unchanged and drafted.link.content_hash):
                self.wanted.append((drafted, result.remote_id))
            return result
        holder = ExternalRecord.objects.filter(
            connection=self.connection, kind=RecordKind.PERSON, remote_id=result.remote_id
        ).exclude(lead=drafted.lead)
        # Asked per new record, but only where the CRM did not create it just now.
        is_taken = result.remote_id in self.taken or (not isinstance(result, Created) and holder.exists())
        if is_taken:
            message = f"The CRM answered with {result.remote_id}, which belongs to another lead of ours."
            return Rejected(result.key, "record_taken", message)
        self.taken[result.remote_id] = drafted.lead.pk
        self.wanted.append((drafted, result.remote_id))
        return result

    def write(self) -> None:
        """One insert for what is new, one update for what was known."""
        new: list[ExternalRecord] = []
        known: list[ExternalRecord] = []
        for drafted, remote_id in self.wanted:
            link = drafted.link or ExternalRecord(connection=self.connection, kind=RecordKind.PERSON, lead=drafted.lead)
            link.remote_id, link.content_hash = remote_id, drafted.content_hash
            link.snapshot = {**link.snapshot, **drafted.agreed}
            link.synced_at, link.archived_at = self.at, None
            (known if link.pk else new).append(link)
        ExternalRecord.objects.bulk_create(new, batch_size=200)
        columns = ["remote_id", "content_hash", "snapshot", "synced_at", "archived_at"]
        ExternalRecord.objects.bulk_update(known, columns, batch_size=200)
