"""Take costs back: their days are unknown again, not zero."""

from __future__ import annotations

from datetime import date

from django.db import transaction

from leads.models import CampaignCost


def forget_costs(*, campaign: int, first: date, last: date, source: str) -> int:
    """Remove what one source said of a campaign's days, both ends included. Returns how many days that were."""
    with transaction.atomic():
        rows = CampaignCost.objects.filter(campaign=campaign, spent_on__range=(first, last), source=source)
        return rows.delete()[0]
