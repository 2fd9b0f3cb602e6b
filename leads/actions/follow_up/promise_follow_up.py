"""A person promises the next contact with a lead."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from leads.actions.follow_up.complete_follow_up import FollowUpRefused
from leads.models import FollowUp, Lead, LeadEvent, User
from leads.queries.mail import opt_outs


def promise_follow_up(*, lead_id: int, kind: str, due_at: datetime, by: User, at: datetime) -> FollowUp:
    """Plan a contact for the lead's owner (or the person, where nobody owns it).

    Raises FollowUpRefused for a moment in the past, an unknown kind, mail to somebody who gets none, or a second open
    promise of a kind.
    """
    if kind not in FollowUp.Kind.values:
        raise FollowUpRefused("kind", "Choose how you will make contact.")
    if due_at <= at:
        raise FollowUpRefused("due_at", "Choose a moment that is still to come.")
    lead = Lead.objects.live().select_related("owner").get(pk=lead_id)
    if kind == FollowUp.Kind.EMAIL and (refused := opt_outs([lead]).get(lead_id)):
        raise FollowUpRefused("kind", f"No email may be sent: {refused.words}. Choose another way of contact.")
    try:
        with transaction.atomic():
            follow_up = FollowUp.objects.create(
                lead=lead, owner=lead.owner or by, kind=kind, because=f"promised by {by}", planned_at=at, due_at=due_at
            )
            LeadEvent.objects.create(
                lead=lead,
                kind=LeadEvent.Kind.FOLLOW_UP_PLANNED,
                happened_at=at,
                recorded_at=at,
                by=by,
                details={"kind": kind, "due_at": due_at.isoformat()},
            )
    except IntegrityError as error:
        label = FollowUp.Kind(kind).label.lower()
        raise FollowUpRefused(
            "", f"There is an open follow-up of this kind ({label}) already: complete it first."
        ) from error
    return follow_up
