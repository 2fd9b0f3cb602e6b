"""Sales accepts an MQL as worth working."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from leads.actions.pass_stage import StageRefused, pass_stage
from leads.models import Lead, Stage, User
from leads.pure import lifecycle


def accept_lead(*, lead_id: int, by: User, at: datetime) -> Lead:
    """MQL to SAL; accepting twice is harmless. Raises StageRefused for a lead that is not an MQL, Lead.DoesNotExist."""
    with transaction.atomic():
        lead = Lead.objects.live().select_for_update().get(pk=lead_id)
        if lead.stage == Stage.SAL:
            return lead
        try:
            lifecycle.check_step("accept", lead.stage)
        except lifecycle.PassageRefused as error:
            raise StageRefused(str(error)) from error
        pass_stage(lead=lead, to=Stage.SAL, at=at, by=by, because=f"accepted by {by}")
    return lead
