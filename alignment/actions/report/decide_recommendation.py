"""Decide about a recommendation, or dismiss it; either way with a reason that stays."""

from __future__ import annotations

from datetime import datetime

from alignment.models import Recommendation
from alignment.queries.report import may_decide
from leads.models import User
from leads.pure.refused import Refused

MOST = 500
State = Recommendation.State


class DecisionRefused(Refused):
    """It was not decided; the message says why."""


def decide_recommendation(
    *, recommendation: Recommendation, is_dismissed: bool, by: User, reason: str, at: datetime
) -> None:
    """Close an open recommendation: decided, or dismissed. Raises DecisionRefused."""
    reason = " ".join(reason.split())
    if not may_decide(by):
        raise DecisionRefused("Marketing directors, sales leaders and admins decide about recommendations.")
    if not reason or len(reason) > MOST:
        raise DecisionRefused(f"Say what was decided and why, in at most {MOST} characters.")
    standing = Recommendation.objects.filter(pk=recommendation.pk, state=State.OPEN)
    closed = standing.update(
        state=State.DISMISSED if is_dismissed else State.DECIDED,
        closed_at=at,
        closed_by=by,
        closed_by_name=by.name or by.email,
        reason=reason,
    )
    if not closed:
        raise DecisionRefused("Somebody has decided about it already.")
