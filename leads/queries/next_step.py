"""What to do with a lead next, in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from leads.models import FollowUp, Stage
from leads.pure.words import days


def next_step(lead: Any, at: datetime) -> tuple[str, str]:
    """What to do with a lead from `by_next_step` or `day_of`, and the tone (bad, warn, accent or none)."""
    kind = FollowUp.Kind(lead.step_kind).label if lead.step_kind else ""
    if kind and lead.step_due_at < at:
        return f"{kind} overdue by {_span(at - lead.step_due_at)}", "bad"
    if lead.stage == Stage.MQL:
        promise = f", {kind.lower()} due in {_span(lead.step_due_at - at)}" if kind else ""
        return f"Accept or reject this MQL{promise}", "warn"
    if kind:
        return f"{kind} due in {_span(lead.step_due_at - at)}", "accent"
    if lead.stage in (Stage.SAL, Stage.SQL):
        return "No next contact is planned", "warn"
    return "Nothing is due", ""


def _span(delta: timedelta) -> str:
    return days(round(delta.total_seconds() / 86_400, 2))
