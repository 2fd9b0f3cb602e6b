"""Take costs back: their days are unknown again, not zero."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from django.db import transaction
from django.db.models import QuerySet

from leads.actions.campaigns.keep_cost_history import Amount, Day, Said, hold_costs, keep_cost_history
from leads.models import CampaignCost


def forget_costs(*, campaign: int, first: date, last: date, source: str, said: Said, at: datetime) -> int:
    """Remove what one source said of a campaign's days, both ends included. Returns how many days that were."""
    with transaction.atomic():
        hold_costs([campaign])
        rows = CampaignCost.objects.filter(campaign=campaign, spent_on__range=(first, last), source=source)
        return _forget(rows, said, at)


def forget_cost_rows(*, ids: Collection[int], said: Said, at: datetime) -> int:
    """Remove these costs, of whatever campaigns and sources. Returns how many there were."""
    with transaction.atomic():
        rows = CampaignCost.objects.filter(pk__in=ids)
        hold_costs(rows.values_list("campaign_id", flat=True))
        return _forget(rows, said, at)


def _forget(rows: QuerySet[CampaignCost], said: Said, at: datetime) -> int:
    by_source: dict[str, list[Day]] = {}
    found = list(rows.order_by("campaign", "spent_on"))
    for row in found:
        by_source.setdefault(row.source, []).append(Day(row.campaign_id, row.spent_on, Amount.of(row), None))
    CampaignCost.objects.filter(pk__in=[row.pk for row in found]).delete()
    for source, days in by_source.items():
        keep_cost_history(days=days, source=source, said=said, at=at)
    return len(found)
