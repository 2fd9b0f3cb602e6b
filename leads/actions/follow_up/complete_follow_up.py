"""A rep keeps a promised contact and says how it went."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from leads.models import FollowUp, LeadEvent, User
from leads.pure.refused import Refused


class FollowUpRefused(Refused):
    """The follow-up cannot be completed so; the message tells a person why."""


def complete_follow_up(*, follow_up_id: int, outcome: str, by: User, at: datetime, note: str = "") -> FollowUp:
    """Close an open follow-up with an Outcome. Raises FollowUpRefused when it is closed, FollowUp.DoesNotExist."""
    if outcome not in FollowUp.Outcome.values:
        raise FollowUpRefused("Choose how the contact went.")
    with transaction.atomic():
        changed = FollowUp.objects.open().filter(pk=follow_up_id).update(done_at=at, outcome=outcome, note=note.strip())
        follow_up = FollowUp.objects.select_related("lead", "owner").get(pk=follow_up_id)
        if not changed:
            raise FollowUpRefused("This follow-up was completed before.")
        LeadEvent.objects.create(
            lead=follow_up.lead,
            kind=LeadEvent.Kind.FOLLOW_UP_DONE,
            happened_at=at,
            recorded_at=at,
            by=by,
            details={"kind": follow_up.kind, "outcome": outcome},
        )
    return follow_up
