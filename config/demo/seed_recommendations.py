"""What marketing and sales did about the recommendations of past weekly reports, as if in the meetings after them."""

from __future__ import annotations

from datetime import datetime, timedelta

from alignment.actions.report.decide_recommendation import decide_recommendation
from alignment.models import Recommendation, WeeklyReport
from config.demo.team import MAIL_DOMAIN
from leads.models import User
from leads.past.acting import Door, act, backdated

MARKETING, SALES = "nadia.moreau", "oliver.reid"
AFTER = timedelta(days=1, hours=4)
# By kind: by whom, whether it is dismissed, and why. The last of a report stays open.
_ANSWERS = {
    "move_budget": (MARKETING, False, "A third of it moves next month; we look again after four weeks."),
    "raise_budget": (MARKETING, False, "Raised by a fifth, in two steps."),
    "review_budget": (SALES, True, "Its deals take longer than a quarter; judged again when they close."),
    "find_cause": (SALES, False, "Sales operations looks into it until Thursday."),
}


def answer(report: WeeklyReport, *, until: datetime) -> None:
    """Answer what the report asked first, but for its last question, on the day after it came out."""
    at = report.published_at + AFTER
    asked = list(Recommendation.objects.filter(report=report).order_by("position"))
    if at > until:
        return
    for row in asked[:-1] if len(asked) > 1 else asked[: int(report.starts_on.isocalendar().week % 2)]:
        who, is_dismissed, reason = _ANSWERS[row.kind]
        by = User.objects.get(email=f"{who}@{MAIL_DOMAIN}")
        if row.state == Recommendation.State.OPEN:
            with backdated(at), act(Door.PAGE, actor=by.pk, because=by.right):
                decide_recommendation(recommendation=row, is_dismissed=is_dismissed, by=by, reason=reason, at=at)


__all__ = ["answer"]
