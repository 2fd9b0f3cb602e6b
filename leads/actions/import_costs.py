"""Import what campaigns cost, day by day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from leads.actions.import_leads import Outcome
from leads.actions.price import Rates
from leads.models import Campaign, CampaignCost
from leads.pure.import_rows import CostRecord, RowRefused

SOURCE = "import"


def import_costs(*, records: Sequence[CostRecord], at: datetime) -> list[Outcome]:
    """Take costs in, in one transaction; outcomes are in the order of the records.

    A later file replaces the amount of the same campaign and day. Costs entered by hand or sent to the API are another
    source and stay: the day then counts both.
    """
    with transaction.atomic():
        campaigns = {row.code: row for row in Campaign.objects.filter(code__in={record.campaign for record in records})}
        rows = CampaignCost.objects.select_for_update().filter(
            campaign__in=campaigns.values(), spent_on__in={record.spent_on for record in records}, source=SOURCE
        )
        known = {(row.campaign_id, row.spent_on): row for row in rows.order_by("pk")}
        rates = Rates.current()
        outcomes: list[Outcome] = []
        new: list[CampaignCost] = []
        changed: list[CampaignCost] = []
        for record in records:
            campaign = campaigns.get(record.campaign)
            if campaign is None:
                outcomes.append(RowRefused("campaign", f"No campaign has the code {record.campaign!r}."))
                continue
            row = known.get((campaign.pk, record.spent_on))
            cents = rates.reporting_cents(
                amount_cents=record.amount_cents, currency=record.currency, on=record.spent_on
            )
            values = {"amount_cents": record.amount_cents, "currency": record.currency, "reporting_cents": cents}
            if row is None:
                new.append(
                    CampaignCost(campaign=campaign, spent_on=record.spent_on, source=SOURCE, recorded_at=at, **values)
                )
                outcomes.append("created")
            elif all(getattr(row, name) == value for name, value in values.items()):
                outcomes.append("unchanged")
            else:
                for name, value in {**values, "recorded_at": at}.items():
                    setattr(row, name, value)
                changed.append(row)
                outcomes.append("updated")
        CampaignCost.objects.bulk_create(new)
        CampaignCost.objects.bulk_update(
            changed, ["amount_cents", "currency", "reporting_cents", "recorded_at"], batch_size=200
        )
    return outcomes
