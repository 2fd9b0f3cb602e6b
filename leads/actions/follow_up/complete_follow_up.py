"""A rep keeps a promised contact and says how it went."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from leads.models import FollowUp, LeadEvent, User
from leads.pure.refused import FieldRefused


class FollowUpRefused(FieldRefused):
    """The follow-up cannot be completed so; the message tells a person why."""


def complete_follow_up(
    *, follow_up_id: int, outcome: str, by: User, at: datetime, note: str = "", done_at: datetime | None = None
) -> FollowUp:
    """Close an open follow-up with an Outcome; ``done_at`` is when the contact took place, without it ``at``.

    Raises FollowUpRefused when it is closed, FollowUp.DoesNotExist.
    """
    done_at = done_at or at
    if outcome not in FollowUp.Outcome.values:
        raise FollowUpRefused("outcome", "Choose how the contact went.")
    with transaction.atomic():
        opened = FollowUp.objects.open().filter(pk=follow_up_id)
        changed = opened.update(done_at=done_at, outcome=outcome, note=note.strip())
        follow_up = FollowUp.objects.select_related("lead", "owner").get(pk=follow_up_id)
        if not changed:
            raise FollowUpRefused("", "This follow-up was completed before.")
        LeadEvent.objects.create(
            lead=follow_up.lead,
            kind=LeadEvent.Kind.FOLLOW_UP_DONE,
            happened_at=done_at,
            recorded_at=at,
            by=by,
            details={"kind": follow_up.kind, "outcome": outcome},
        )
    return follow_up
