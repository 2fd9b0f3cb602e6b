"""Settle a batch of pushes by their outcomes, in one transaction guarded by the fence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

from django.db import transaction

from integrations.actions.push.draft_leads import LeadDraft
from integrations.actions.runs.hold_connection import Held
from integrations.actions.runs.log_run import RunLog
from integrations.connectors.base import Created, Outcome, Rejected, RetryLater, Unchanged, Unknown, Updated
from integrations.models import ExternalRecord, PendingPush, RecordKind, SyncRecord
from integrations.pure.backoff import full_jitter

MAX_TRIES = 12
_State = PendingPush.State
_Outcome = SyncRecord.Outcome
_COLUMNS = (
    "state", "not_before", "attempts", "lease_until", "is_unclear", "quiet_until", "last_error", "error_field",
    "error_code", "candidates", "makes_new", "settled_at",
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
            told = _apply(row, result, at, rng)
            if told and isinstance(result, (Created, Updated)):
                told = told._replace(note=_lost(drafts[row.lead_id], result))
            if told:
                facts = {"kind": RecordKind.PERSON, "way": SyncRecord.Way.OUT, "lead_id": row.lead_id}
                changes = _sent(drafts.get(row.lead_id), result)
                facts |= {"remote_id": told.remote_id, "note": told.note, "code": told.code}
                log.add(told.outcome, at, changes=changes, **facts)
            if result is not None:
                log.run.unchanged += isinstance(result, Unchanged)
                if row.version != versions[row.pk] and row.state != _State.PENDING:
                    row.state, row.not_before, row.attempts, row.settled_at = _State.PENDING, at, 0, None
        PendingPush.objects.bulk_update(rows.values(), _COLUMNS, batch_size=200)
        links.write()
        log.flush(at, seen=len(results))


class _Told(NamedTuple):
    """What a run's log says about a row."""

    outcome: SyncRecord.Outcome
    remote_id: str = ""
    note: str = ""
    code: str = ""


def _apply(row: PendingPush, result: Result | None, at: datetime, rng: Random) -> _Told | None:
    """Write the result into the row; returns what there is to tell about it, None where nothing is news."""
    row.lease_until = None
    match result:
        case None:
            row.state, row.attempts = _State.PENDING, max(0, row.attempts - 1)
            return None
        case RetryLater(reason=reason, after=after):
            _put_off(row, f"Put off: {reason}", at, max(after, full_jitter(attempt=row.attempts, rng=rng)))
            return _Told(_Outcome.SKIPPED, note=reason)
        case Unknown(reason=reason):
            row.is_unclear = True
            _put_off(row, f"Answer lost: {reason}", at, full_jitter(attempt=row.attempts, rng=rng))
            return _Told(_Outcome.UNCLEAR, note=row.last_error)
        case Rejected(field=field, code=code):
            why = result.message or code
            _close(row, _State.REJECTED, at, why=why, field=field, code=code)
            row.candidates = [{"id": each.remote_id, "name": each.name} for each in result.candidates]
            return _Told(_Outcome.REJECTED, note=f"{field}: {why}" if field else why, code=code[:80])
        case Skipped(reason=reason):
            _close(row, _State.DONE, at)
            return _Told(_Outcome.SKIPPED, note=reason)
        case Unchanged():
            _close(row, _State.DONE, at)
            return None
        case Created(remote_id=remote_id):
            _close(row, _State.DONE, at)
            return _Told(_Outcome.CREATED, remote_id)
        case Updated(remote_id=remote_id):
            _close(row, _State.DONE, at)
            return _Told(_Outcome.UPDATED, remote_id)


def _put_off(row: PendingPush, why: str, at: datetime, wait: timedelta) -> None:
    """Due again after a while; dead after too many tries."""
    row.last_error, row.not_before = why[:400], at + wait
    row.state = _State.PENDING if row.attempts < MAX_TRIES else _State.DEAD
    row.settled_at = None if row.state == _State.PENDING else at


def _close(row: PendingPush, state: str, at: datetime, *, why: str = "", field: str = "", code: str = "") -> None:
    row.state, row.last_error, row.error_field, row.error_code = state, why[:400], field[:80], code[:80]
    row.candidates, row.makes_new = [], False
    row.settled_at, row.is_unclear, row.quiet_until = at, False, None


def _sent(drafted: LeadDraft | None, result: Result | None) -> dict[str, list[str]]:
    """What an update told the CRM anew, where we know what it held; a new record is told everything."""
    if drafted is None or drafted.link is None or not isinstance(result, Updated):
        return {}
    known, left = drafted.link.snapshot, result.left
    sent = {name: value for name, value in drafted.agreed.items() if drafted.names.get(name) not in left}
    return {name: [known[name], value] for name, value in sent.items() if known.get(name, value) != value}


def _lost(drafted: LeadDraft, result: Created | Updated) -> str:
    """What was cut or left out on the way."""
    left = sorted(local for local, name in drafted.names.items() if name in result.left)
    words = [f"The CRM's contacts have no place for {', '.join(left)}."] if left else []
    return " ".join((*drafted.notes, *words))


class _Links:
    """The records that leads are known under, collected for one write."""

    def __init__(self, held: Held, at: datetime) -> None:
        self.connection, self.at = held.connection, at
        self.wanted: list[tuple[LeadDraft, str]] = []
        self.left: dict[int, frozenset[str]] = {}
        self.taken: dict[str, int | None] = {}

    def put(self, drafted: LeadDraft, result: Created | Updated | Unchanged) -> Result:
        """Remember the link; refused when the CRM answers with the record of somebody else."""
        if not isinstance(result, Unchanged) and result.left:
            self.left[drafted.lead.pk] = result.left
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
            link.remote_id, link.content_hash, link.lacks_key = remote_id, drafted.content_hash, False
            left = self.left.get(drafted.lead.pk, frozenset())
            agreed = {name: value for name, value in drafted.agreed.items() if drafted.names.get(name) not in left}
            link.snapshot = {**link.snapshot, **agreed}
            link.synced_at, link.archived_at = self.at, None
            (known if link.pk else new).append(link)
        ExternalRecord.objects.bulk_create(new, batch_size=200)
        columns = ["remote_id", "content_hash", "snapshot", "synced_at", "archived_at", "lacks_key"]
        ExternalRecord.objects.bulk_update(known, columns, batch_size=200)
