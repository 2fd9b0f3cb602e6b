"""Import what campaigns cost, day by day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction

from leads.actions.campaigns.keep_cost_history import Said
from leads.actions.campaigns.record_costs import IMPORTED, DayCost, record_costs
from leads.actions.imports.leads import Outcome
from leads.models import Campaign
from leads.pure.imports.cells import RowRefused
from leads.pure.imports.records import CostRecord
from leads.queries.imports import campaigns_named


def import_costs(*, records: Sequence[CostRecord], said: Said, at: datetime, service: str = "") -> list[Outcome]:
    """Take costs in, in one transaction; outcomes are in the order of the records.

    A later file replaces the amount of the same campaign and day. Costs entered by hand or sent to the API are another
    source and stay: the day then counts both. ``service`` is the source of an advertising service's export: its days
    replace what the same service said before, and its campaigns are found by name, too.
    """
    if service:
        return _import_report(records=records, service=service, said=said, at=at)
    with transaction.atomic():
        codes = {record.campaign for record in records}
        campaigns = dict(Campaign.objects.filter(code__in=codes).values_list("code", "pk"))
        known = [record for record in records if record.campaign in campaigns]
        costs = [
            DayCost(campaigns[record.campaign], record.spent_on, record.amount_cents, record.currency)
            for record in known
        ]
        stored = iter(record_costs(costs=costs, source=IMPORTED, said=said, at=at))
        return [
            next(stored)
            if record.campaign in campaigns
            else RowRefused("campaign", f"No campaign has the code {record.campaign!r}.")
            for record in records
        ]


def _import_report(*, records: Sequence[CostRecord], service: str, said: Said, at: datetime) -> list[Outcome]:
    with transaction.atomic():
        known = campaigns_named()
        outcomes: list[Outcome] = []
        costs: dict[tuple[int, date], DayCost] = {}
        places: list[int] = []
        for place, record in enumerate(records):
            campaign = known.get(record.campaign.casefold())
            if campaign is None:
                outcomes.append(RowRefused("campaign", f"No campaign has the code or name {record.campaign!r}."))
            elif (campaign, record.spent_on) in costs:
                because = f"Another row of {record.spent_on} gives the same campaign by its code or name."
                outcomes.append(RowRefused("campaign", because))
            else:
                costs[campaign, record.spent_on] = DayCost(
                    campaign, record.spent_on, record.amount_cents, record.currency
                )
                places.append(place)
                outcomes.append("unchanged")
        stored = record_costs(costs=list(costs.values()), source=service, said=said, at=at)
        for place, outcome in zip(places, stored, strict=True):
            outcomes[place] = outcome
        return outcomes
