"""A lead is out for good, with a reason."""

from __future__ import annotations

from datetime import datetime

from leads.actions.handover.reject_lead import step_out
from leads.models import Lead, Stage, User


def disqualify_lead(*, lead_id: int, reason: str, by: User, at: datetime, note: str = "") -> Lead:
    """Lead, MQL, SAL, SQL or Recycled to Disqualified, whatever the reason. Raises as `reject_lead` does."""
    return step_out(step="disqualify", lead_id=lead_id, to=Stage.DISQUALIFIED, reason=reason, by=by, at=at, note=note)
