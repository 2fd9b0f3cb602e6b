"""The campaign that deserves most of what a lead's deals are worth, for systems that show one campaign per person."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from attribution.models import AttributionRun, Credit, JourneyScope, JourneyState
from leads.models import Company, OpportunityContact


def attributed_campaigns(lead_ids: Collection[int]) -> dict[int, str]:
    """The name of the campaign with the largest share of credit by lead, under the company's usual method; over all
    deals of the lead, by the lead's own touches. Leads without credit are absent. Three queries."""
    deals = OpportunityContact.objects.filter(lead__in=lead_ids).values("opportunity")
    credits = Credit.objects.filter(
        opportunity__in=deals,
        scope=JourneyScope.CONTACTS,
        method=Company.current().default_method,
        touchpoint__lead__in=lead_ids,
        campaign__isnull=False,
    )
    shares: dict[int, dict[str, float]] = {}
    rows = credits.order_by("touched_at", "pk").values_list("touchpoint__lead", "campaign__name", "weight")
    for lead, name, weight in rows:
        if lead is not None and name is not None:
            held = shares.setdefault(lead, {})
            held[name] = held.get(name, 0.0) + weight
    # Of equal shares the one that was there first.
    return {lead: max(held, key=lambda name: round(held[name], 9)) for lead, held in shares.items()}


def leads_credited_since(moment: datetime) -> set[int]:
    """People of deals whose credit was computed since the moment; of all with credit, if the company chose another
    usual model since."""
    if _is_other_method(moment):
        credited = Credit.objects.filter(scope=JourneyScope.CONTACTS, campaign__isnull=False).values("opportunity")
        return set(OpportunityContact.objects.filter(opportunity__in=credited).values_list("lead", flat=True))
    runs = AttributionRun.objects.filter(finished_at__gte=moment)
    deals = JourneyState.objects.filter(run__in=runs).values("opportunity")
    return set(OpportunityContact.objects.filter(opportunity__in=deals).values_list("lead", flat=True))


def _is_other_method(since: datetime) -> bool:
    past = Company.history.order_by("history_date", "history_id")
    before = past.filter(history_date__lt=since).values_list("default_method", flat=True).last()
    later = set(past.filter(history_date__gte=since).values_list("default_method", flat=True))
    return bool(later - {before}) if before else len(later) > 1
