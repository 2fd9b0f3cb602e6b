"""Write down what campaigns cost, day by day; said again, it changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from django.db import transaction

from leads.actions.price import Rates
from leads.models import Campaign, CampaignCost
from leads.pure.money import split_cents

MAX_DAYS = 3_700
MANUAL = "manual"
Outcome = Literal["created", "updated", "unchanged"]


class CostRefused(ValueError):
    """Nothing can be written down so; the message says why."""


@dataclass(frozen=True, slots=True)
class DayCost:
    """What a campaign cost on a day, in minor units of ``currency``; 0 means that nothing was spent."""

    campaign: int
    spent_on: date
    amount_cents: int
    currency: str


def spread(*, campaign: int, first: date, last: date, amount_cents: int, currency: str) -> list[DayCost]:
    """The cost of a period, both ends included, evenly over its days and exact to the cent.

    Raises CostRefused for a negative amount, a period that ends before it starts, or one of over MAX_DAYS days.
    """
    days = (last - first).days + 1
    if days < 1:
        raise CostRefused("The last day lies before the first.")
    if days > MAX_DAYS:
        raise CostRefused(f"At most {MAX_DAYS:,} days at a time.")
    if amount_cents < 0:
        raise CostRefused("A cost must not be negative.")
    # Not largest remainder over the whole: 100 cents over 3 days would be 34, 33, 33 either way.
    parts = split_cents(amount_cents, [1.0] * days)
    return [DayCost(campaign, first + timedelta(days=n), cents, currency) for n, cents in enumerate(parts)]


def record_costs(*, costs: Sequence[DayCost], source: str, at: datetime) -> list[Outcome]:
    """Store costs of one source, each campaign and day once, in one transaction; outcomes in the order given.

    A day's amount replaces what the same source said before; other sources' stay, and the day counts all of them. The
    company currency is filled in at the rate of the day, and stays empty without one.
    """
    campaigns = sorted({cost.campaign for cost in costs})
    with transaction.atomic():
        # Two writers of the same new day would both insert: the campaigns' rows put them in order.
        list(Campaign.objects.select_for_update().filter(pk__in=campaigns).order_by("pk").values_list("pk"))
        rows = CampaignCost.objects.filter(
            campaign__in=campaigns,
            spent_on__gte=min((cost.spent_on for cost in costs), default=date.min),
            spent_on__lte=max((cost.spent_on for cost in costs), default=date.min),
            source=source,
        )
        known = {(row.campaign_id, row.spent_on): row for row in rows.order_by("pk")}
        rates = Rates.current()
        outcomes: list[Outcome] = []
        new: list[CampaignCost] = []
        changed: list[CampaignCost] = []
        for cost in costs:
            values = {
                "amount_cents": cost.amount_cents,
                "currency": cost.currency,
                "reporting_cents": rates.reporting_cents(
                    amount_cents=cost.amount_cents, currency=cost.currency, on=cost.spent_on
                ),
            }
            row = known.get((cost.campaign, cost.spent_on))
            if row is None:
                new.append(
                    CampaignCost(
                        campaign_id=cost.campaign, spent_on=cost.spent_on, source=source, recorded_at=at, **values
                    )
                )
                outcomes.append("created")
            elif all(getattr(row, name) == value for name, value in values.items()):
                outcomes.append("unchanged")
            else:
                for name, value in {**values, "recorded_at": at}.items():
                    setattr(row, name, value)
                changed.append(row)
                outcomes.append("updated")
        CampaignCost.objects.bulk_create(new, batch_size=500)
        CampaignCost.objects.bulk_update(
            changed, ["amount_cents", "currency", "reporting_cents", "recorded_at"], batch_size=200
        )
    return outcomes
