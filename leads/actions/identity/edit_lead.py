"""Edit what is known of a lead, as far as no other system decides it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from leads.actions.identity.revise_leads import Revision, revise_leads
from leads.models import Lead, User
from leads.pure.refused import Refused
from leads.queries.kept_elsewhere import lead_fields_kept_elsewhere


class LeadEditRefused(Refused):
    """Nothing was written; ``fields`` says of each field at fault why."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {why}" for name, why in fields.items()))
        self.fields = fields


def edit_lead(
    *, lead_id: int, values: Mapping[str, Any], source: str, at: datetime, by: User | None = None
) -> list[str]:
    """Write the values that differ, all or none, and return their names; the score follows. ``source`` names who says
    it. Raises LeadEditRefused."""
    with transaction.atomic():
        lead = Lead.objects.live().select_for_update().get(pk=lead_id)
        asked = {name: value for name, value in values.items() if (getattr(lead, name) or "") != (value or "")}
        kept = lead_fields_kept_elsewhere(lead_id) if asked else {}
        if refused := {name: f"{kept[name]} decides this field: change it there." for name in asked if name in kept}:
            raise LeadEditRefused(refused)
        (revised,) = revise_leads(revisions=[Revision(lead_id, asked)], source=source, at=at, by=by)
        if revised.refused:
            raise LeadEditRefused(revised.refused)  # what was written goes back with the transaction
    return list(revised.written)
