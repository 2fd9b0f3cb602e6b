"""Which run the present credits are from."""

from __future__ import annotations

from attribution.models import AttributionRun
from leads.models import Role, User


def last_run() -> AttributionRun | None:
    """The newest run whose credits are in place; None before the first."""
    return AttributionRun.objects.filter(state=AttributionRun.State.DONE).order_by("-finished_at", "-pk").first()


def may_run(user: User) -> bool:
    """Whether a person may have everything computed anew: admins."""
    return user.has_role(Role.ADMIN)
