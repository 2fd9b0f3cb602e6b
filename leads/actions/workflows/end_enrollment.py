"""A person takes a lead out of a workflow."""

from __future__ import annotations

from datetime import datetime

from leads.models import Enrollment, User
from leads.pure.refused import Refused
from leads.queries.workflows.access import may_change_workflows


class EndRefused(Refused):
    """The enrollment cannot be ended; the message says why."""


def end_enrollment(*, enrollment: Enrollment, by: User, at: datetime) -> None:
    """Take no further step for the lead. Raises EndRefused."""
    if not may_change_workflows(by):
        raise EndRefused("Admins end enrollments.")
    mine = Enrollment.objects.running().filter(pk=enrollment.pk)
    if mine.update(state=Enrollment.State.ENDED, step=None, ended_at=at, ended_because=f"Ended by {by}") != 1:
        raise EndRefused("The enrollment has ended already.")
