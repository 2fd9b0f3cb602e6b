"""Sales sends a lead back, with a reason."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from leads.actions.pass_stage import StageRefused, pass_stage
from leads.models import FollowUp, Lead, LeadEvent, RejectionReason, Stage, User

# Reasons that time can heal send a lead back to marketing; the others end it.
FINAL_REASONS = frozenset(
    [RejectionReason.BAD_FIT, RejectionReason.BAD_DATA, RejectionReason.DUPLICATE, RejectionReason.COMPETITOR]
)
REJECTABLE = frozenset([Stage.MQL, Stage.SAL, Stage.SQL])


def reject_lead(*, lead_id: int, reason: str, by: User, at: datetime, note: str = "") -> Lead:
    """MQL, SAL or SQL to Recycled or, for a final reason, Disqualified; open follow-ups are closed as not needed.

    Raises StageRefused for another stage or an unknown reason, Lead.DoesNotExist.
    """
    if reason not in RejectionReason.values:
        raise StageRefused("Choose a reason: it tells marketing what to change.")
    with transaction.atomic():
        lead = Lead.objects.live().select_for_update().get(pk=lead_id)
        if lead.stage not in REJECTABLE:
            raise StageRefused(f"A {Stage(lead.stage).label.lower()} cannot be rejected; only an MQL, SAL or SQL can.")
        to = Stage.DISQUALIFIED if reason in FINAL_REASONS else Stage.RECYCLED
        because = note.strip() or RejectionReason(reason).label
        pass_stage(lead=lead, to=to, at=at, by=by, because=because, reason=reason)
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
    return lead
