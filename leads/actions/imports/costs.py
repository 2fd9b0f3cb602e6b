"""Import what campaigns cost, day by day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from leads.actions.campaigns.keep_cost_history import Said
from leads.actions.campaigns.record_costs import IMPORTED, DayCost, record_costs
from leads.actions.imports.leads import Outcome
from leads.models import Campaign
from leads.pure.imports.cells import RowRefused
from leads.pure.imports.records import CostRecord


def import_costs(*, records: Sequence[CostRecord], said: Said, at: datetime) -> list[Outcome]:
    """Take costs in, in one transaction; outcomes are in the order of the records.

    A later file replaces the amount of the same campaign and day. Costs entered by hand or sent to the API are another
    source and stay: the day then counts both.
    """
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
