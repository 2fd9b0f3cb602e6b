"""Push: bring the leads that are owed to a CRM there, each once, whatever dies on the way.

The intent is committed before the call (the row is leased under our fence), the call happens outside any transaction,
and the answer is settled under the same fence. A row that a dead process left leased may have been written: it is
looked up before it is sent again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random

from django.db import transaction
from django.db.models import F, Q

from integrations.actions.push.draft_leads import LeadDraft, draft_leads
from integrations.actions.push.settle_push import MAX_TRIES, Result, Skipped, settle_push
from integrations.actions.runs.guard_run import guard_run
from integrations.actions.runs.hold_connection import LEASE, Held
from integrations.actions.runs.log_run import Progress, RunLog, start_run
from integrations.connectors.base import (
    Connector,
    CrmError,
    Draft,
    Misuse,
    Outage,
    Outcome,
    Rejected,
    RetryLater,
    Unchanged,
    Unknown,
)
from integrations.models import PendingPush, SyncRun
from integrations.pure.mapping import changes
from integrations.pure.merging import agree

# How long a create whose answer was lost may still appear in the CRM.
QUIET = timedelta(minutes=2)
# A batch refused as a whole is halved to find the culprit; this many refusals in a row are nobody's culprit.
MOST_REFUSALS = 12
_State = PendingPush.State


def push_held(
    *, held: Held, connector: Connector, rng: Random, reason: str, progress: Progress | None = None
) -> SyncRun:
    """Push everything that is due on a held connection; never raises for what the CRM does."""
    run = start_run(held=held, direction=SyncRun.Direction.PUSH, reason=reason, connector=connector, progress=progress)
    push = _Push(held, connector, rng, run)
    return guard_run(run=run, held=held, rng=rng, work=push.drain)


class _Push:
    """One drain."""

    def __init__(self, held: Held, connector: Connector, rng: Random, run: RunLog) -> None:
        self.held, self.connector, self.rng, self.run = held, connector, rng, run
        self.refusals, self.fresh = 0, set[int]()
        self.size = connector.capabilities.batch_size

    def drain(self) -> str:
        due = PendingPush.objects.due(self.held.clock()).filter(connection=self.held.connection)
        count = due.count()
        self.run.expect(count)
        able = self.connector.capabilities
        self.connector.beat = self.held.keep
        # Many at once take one long call; what is left over goes as ever.
        self.size = able.bulk_size if able.bulk_from and count >= able.bulk_from else able.batch_size
        while claimed := self.claim():
            self.send(claimed)
        return ""

    def claim(self) -> list[PendingPush]:
        """Lease the next batch: what is due, and what an earlier holder left behind."""
        connection = self.held.connection
        with transaction.atomic():
            at = self.held.keep()
            is_due = Q(state=_State.PENDING, not_before__lte=at)
            is_left_behind = Q(state=_State.LEASED, fence__lt=self.held.fence)
            free = PendingPush.objects.select_for_update(skip_locked=True, of=("self",))
            rows = list(
                free.filter(is_due | is_left_behind, connection=connection).order_by("not_before", "pk")[: self.size]
            )
            # Whatever kills the process again and again must not hold up the rest for ever.
            spent = [row.pk for row in rows if row.attempts >= MAX_TRIES]
            PendingPush.objects.filter(pk__in=spent).update(
                state=_State.DEAD, lease_until=None, settled_at=at, last_error="Tried too often without an answer."
            )
            left = [row.pk for row in rows if row.state == _State.LEASED]
            PendingPush.objects.filter(pk__in=left).update(is_unclear=True)
            kept = [row for row in rows if row.pk not in spent]
            PendingPush.objects.filter(pk__in=[row.pk for row in kept]).update(
                state=_State.LEASED,
                fence=self.held.fence,
                lease_until=at + LEASE,
                attempts=F("attempts") + 1,
                quiet_until=at + QUIET,
            )
        for row in kept:
            row.is_unclear = row.is_unclear or row.pk in left
        return kept if kept or not rows else self.claim()

    def send(self, claimed: Sequence[PendingPush]) -> None:
        """Look up, call, settle. What stops the connection is raised after the settling."""
        self.fresh = {row.lead_id for row in claimed if row.makes_new}
        drafts = draft_leads(connection=self.held.connection, lead_ids=[row.lead_id for row in claimed])
        results: dict[int, Result] = {}
        stop: CrmError | None = None
        try:
            open_drafts = self.prepare(claimed, drafts, results)
            stop = self.call(open_drafts, results)
        except CrmError as error:
            stop = error
        settle_push(held=self.held, log=self.run, claimed=claimed, drafts=drafts, results=results, rng=self.rng)
        if stop is not None:
            raise stop

    def prepare(
        self, claimed: Sequence[PendingPush], drafts: dict[int, LeadDraft], results: dict[int, Result]
    ) -> list[LeadDraft]:
        """What really has to be sent; the rest gets its result here."""
        unclear = {row.lead_id: row for row in claimed if row.is_unclear and row.lead_id in drafts}
        found = self.connector.find("person", [drafts[each].draft.key for each in unclear]) if unclear else {}
        to_send: list[LeadDraft] = []
        for row in claimed:
            drafted = drafts.get(row.lead_id)
            if drafted is None:  # deleted since it was claimed, and the row with it
                continue
            key = drafted.draft.key
            record = found.get(key)
            if drafted.lead.merged_into_id is not None:
                results[row.lead_id] = Skipped(key, "Merged into another lead, which is sent instead.")
            elif drafted.hold:
                results[row.lead_id] = Skipped(key, drafted.hold)
            elif drafted.refusal is not None and row.lead_id not in unclear:
                results[row.lead_id] = drafted.refusal
            elif record is not None and not record.is_archived and _holds(record.fields, drafted.whole):
                results[row.lead_id] = Unchanged(key, record.remote_id)
            elif row.lead_id not in unclear and drafted.is_unchanged and drafted.link:
                results[row.lead_id] = Unchanged(key, drafted.link.remote_id)
            elif row.lead_id in unclear and record is None and self.is_too_early(row):
                results[row.lead_id] = RetryLater(key, "An earlier create may still appear.", QUIET)
            elif record is not None:
                to_send.append(replace(drafted, draft=replace(drafted.draft, if_new=None)))
            else:
                to_send.append(drafted)
        return to_send

    def is_too_early(self, row: PendingPush) -> bool:
        """A create that cannot be repeated safely waits until the lost one would have appeared."""
        is_safe = self.connector.capabilities.idempotent_upsert
        return not is_safe and row.quiet_until is not None and row.quiet_until > self.held.clock()

    def call(self, to_send: Sequence[LeadDraft], results: dict[int, Result]) -> CrmError | None:
        """Send drafts; returns the error that stops the connection, if any."""
        if not to_send:
            return None
        self.held.keep()
        fresh = self.fresh
        drafts = [replace(each.draft, is_new=True) if each.lead.pk in fresh else each.draft for each in to_send]
        answered, error = self.upsert(drafts)
        for drafted, outcome in zip(to_send, answered, strict=False):
            results[drafted.lead.pk] = outcome
        rest = to_send[len(answered) :]
        if not isinstance(error, Misuse) or error.code in ("host_refused", "redirect_refused", "unsupported"):
            if answered and all(isinstance(outcome, (Unknown, RetryLater)) for outcome in answered):
                error = error or _unwell(answered)
            return error
        self.refusals = 0 if answered else self.refusals + 1
        if self.refusals >= MOST_REFUSALS:
            return error
        if len(rest) == 1:
            results[rest[0].lead.pk] = Rejected(rest[0].draft.key, error.code, str(error)[:300], error.field)
            return None
        half = len(rest) // 2
        return self.call(rest[:half], results) or self.call(rest[half:], results)

    def upsert(self, drafts: Sequence[Draft]) -> tuple[list[Outcome], CrmError | None]:
        """The outcomes that came, and the error that ended them."""
        answered: list[Outcome] = []
        try:
            for outcome in self.connector.upsert("person", drafts):
                answered.append(outcome)
        except CrmError as error:
            return answered, error
        self.refusals = 0
        # A connector that says nothing about a draft has not said that it was not written.
        answered += [Unknown(draft.key, "no outcome") for draft in drafts[len(answered) :]]
        return answered, None


def _holds(theirs: object, ours: object) -> bool:
    """Whether their record already says all of ours; empty text and nothing are the same."""
    differing = changes(theirs, ours)  # type: ignore[arg-type]
    return all(agree(change.before, change.after) for change in differing)


def _unwell(outcomes: Sequence[Outcome]) -> CrmError:
    reasons = {outcome.reason for outcome in outcomes if isinstance(outcome, (Unknown, RetryLater))}
    waits = [outcome.after for outcome in outcomes if isinstance(outcome, RetryLater)]
    said = ", ".join(sorted(reasons))
    return Outage(f"The CRM did not answer clearly: {said}.", code="unclear", after=max(waits, default=None))
