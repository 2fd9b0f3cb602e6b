"""Which run the present credits are from."""

from __future__ import annotations

from django.db.models import QuerySet

from attribution.models import AttributionRun
from leads.models import Role, User
from leads.past.span import moment


def last_run() -> AttributionRun | None:
    """The newest run whose credits are in place; None before the first. In the past: whose credits were in place."""
    done = runs_known().filter(state=AttributionRun.State.DONE)
    return done.order_by("-finished_at", "-pk").first()


def runs_known() -> QuerySet[AttributionRun]:
    """Every run, however far it has come; in the past those that had ended by then, as what they did is only known
    from their end."""
    at = moment()
    return AttributionRun.objects.filter(finished_at__lte=at) if at else AttributionRun.objects.all()


def may_run(user: User) -> bool:
    """Whether a person may have everything computed anew: admins."""
    return user.has_role(Role.ADMIN)
