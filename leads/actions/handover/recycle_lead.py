"""A lead is put off: it comes back to its owner on a day."""

from __future__ import annotations

from datetime import date, datetime

from leads.actions.handover.reject_lead import step_out
from leads.models import Lead, Stage, User


def recycle_lead(
    *, lead_id: int, reason: str, comes_back_on: date | None, by: User, at: datetime, note: str = ""
) -> Lead:
    """MQL, SAL, SQL or Disqualified to Recycled, until a day where one is given. Raises as `reject_lead` does."""
    return step_out(
        step="recycle",
        lead_id=lead_id,
        to=Stage.RECYCLED,
        reason=reason,
        by=by,
        at=at,
        note=note,
        comes_back_on=comes_back_on,
    )
