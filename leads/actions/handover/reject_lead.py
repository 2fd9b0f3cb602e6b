"""Sales sends a lead back with a reason: to be tried again, perhaps on a day, or out for good."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from leads.actions.pass_stage import StageRefused, pass_stage
from leads.models import Company, FollowUp, Lead, LeadEvent, Recycling, RejectionReason, Stage, User
from leads.pure import lifecycle

# Reasons that time can heal send a lead back to marketing; the others end it.
FINAL_REASONS = frozenset(
    [RejectionReason.BAD_FIT, RejectionReason.BAD_DATA, RejectionReason.DUPLICATE, RejectionReason.COMPETITOR]
)


def reject_lead(
    *, lead_id: int, reason: str, by: User, at: datetime, note: str = "", comes_back_on: date | None = None
) -> Lead:
    """MQL, SAL or SQL to Recycled or, for a final reason, Disqualified; open follow-ups are closed as not needed.

    With a day the lead is recycled until then, whatever the reason. Raises StageRefused for another stage, an unknown
    reason or a day that is past, Lead.DoesNotExist.
    """
    is_final = reason in FINAL_REASONS and comes_back_on is None
    to = Stage.DISQUALIFIED if is_final else Stage.RECYCLED
    return step_out(
        step="reject", lead_id=lead_id, to=to, reason=reason, by=by, at=at, note=note, comes_back_on=comes_back_on
    )


def step_out(
    *,
    step: str,
    lead_id: int,
    to: Stage,
    reason: str,
    by: User,
    at: datetime,
    note: str = "",
    comes_back_on: date | None = None,
) -> Lead:
    """Take a lead off the ladder by a step of `leads.pure.lifecycle.STEPS`; raises as `reject_lead` does."""
    if reason not in RejectionReason.values:
        raise StageRefused("Choose a reason: it tells marketing what to change.")
    if comes_back_on is not None and comes_back_on <= at.astimezone(Company.current().tz).date():
        raise StageRefused("Choose a day that is still to come.")
    with transaction.atomic():
        lead = Lead.objects.live().select_for_update().get(pk=lead_id)
        try:
            lifecycle.check_step(step, lead.stage)
        except lifecycle.PassageRefused as error:
            raise StageRefused(str(error)) from error
        because = note.strip() or RejectionReason(reason).label
        pass_stage(lead=lead, to=to, at=at, by=by, because=because, reason=reason)
        _close_follow_ups(lead, because, by, at)
        Recycling.objects.waiting().filter(lead=lead).update(returned_at=at)
        if comes_back_on is not None:
            Recycling.objects.create(
                lead=lead, comes_back_on=comes_back_on, because=because[:300], by=by, created_at=at
            )
    return lead


def _close_follow_ups(lead: Lead, because: str, by: User, at: datetime) -> None:
    closed = (
        FollowUp.objects.open()
        .filter(lead=lead)
        .update(done_at=at, outcome=FollowUp.Outcome.NOT_NEEDED, note=f"Rejected: {because}")
    )
    if closed:
        LeadEvent.objects.create(
            lead=lead,
            kind=LeadEvent.Kind.FOLLOW_UP_DONE,
            happened_at=at,
            recorded_at=at,
            by=by,
            details={"outcome": FollowUp.Outcome.NOT_NEEDED},
        )
