"""Write down what campaigns cost, day by day; said again, it changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from django.db import transaction

from leads.actions.campaigns.keep_cost_history import Amount, Day, Said, hold_costs, keep_cost_history
from leads.actions.price import Rates
from leads.models import CampaignCost
from leads.pure.money import split_cents
from leads.pure.refused import FieldRefused

IMPORTED = "import"
MAX_DAYS = 3_700
MANUAL = "manual"
AMOUNTS = ("amount_cents", "currency", "reporting_cents", "recorded_at")
Outcome = Literal["created", "updated", "unchanged"]


class CostRefused(FieldRefused):
    """Nothing can be written down so; the message says why."""


@dataclass(frozen=True, slots=True)
class DayCost:
    """What a campaign cost on a day, in minor units of ``currency``; 0 means that nothing was spent."""

    campaign: int
    spent_on: date
    amount_cents: int
    currency: str


def spread(*, campaign: int, first: date, last: date, amount_cents: int, currency: str, today: date) -> list[DayCost]:
    """The cost of a period, both ends included, evenly over its days and exact to the cent.

    Raises CostRefused for a negative amount, a period that ends before it starts or after ``today``, or one of over
    MAX_DAYS days.
    """
    days = (last - first).days + 1
    if days < 1:
        raise CostRefused("last", "The last day lies before the first.")
    if days > MAX_DAYS:
        raise CostRefused("last", f"At most {MAX_DAYS:,} days at a time.")
    check_day(day=last, today=today)
    if amount_cents < 0:
        raise CostRefused("amount", "A cost must not be negative.")
    # Not largest remainder over the whole: 100 cents over 3 days would be 34, 33, 33 either way.
    parts = split_cents(amount_cents, [1.0] * days)
    return [DayCost(campaign, first + timedelta(days=n), cents, currency) for n, cents in enumerate(parts)]


def check_day(*, day: date, today: date) -> None:
    """Raises CostRefused for a day that has not come: what it costs is a plan."""
    if day > today:
        raise CostRefused("last", f"{day} lies in the future. A cost is recorded once its day has come.")


def record_costs(*, costs: Sequence[DayCost], source: str, said: Said, at: datetime) -> list[Outcome]:
    """Store costs of one source, each campaign and day once, in one transaction; outcomes in the order given.

    A day's amount replaces what the same source said before; other sources' stay, and the day counts all of them. The
    company currency is filled in at the rate of the day, and stays empty without one. What changed is in the history.
    """
    campaigns = {cost.campaign for cost in costs}
    with transaction.atomic():
        hold_costs(campaigns)
        rows = CampaignCost.objects.filter(
            campaign__in=campaigns,
            spent_on__gte=min((cost.spent_on for cost in costs), default=date.min),
            spent_on__lte=max((cost.spent_on for cost in costs), default=date.min),
            source=source,
        )
        known = {(row.campaign_id, row.spent_on): row for row in rows.order_by("pk")}
        rates = Rates.current()
        outcomes: list[Outcome] = []
        days: list[Day] = []
        new: list[CampaignCost] = []
        changed: list[CampaignCost] = []
        for cost in costs:
            row = known.get((cost.campaign, cost.spent_on))
            before, after = Amount.of(row) if row else None, _priced(cost, rates)
            if before == after:
                outcomes.append("unchanged")
                continue
            days.append(Day(cost.campaign, cost.spent_on, before, after))
            outcomes.append("updated" if row else "created")
            kept = row or CampaignCost(campaign_id=cost.campaign, spent_on=cost.spent_on, source=source)
            put(kept, after, at)
            (changed if row else new).append(kept)
        CampaignCost.objects.bulk_create(new, batch_size=500)
        CampaignCost.objects.bulk_update(changed, AMOUNTS, batch_size=200)
        keep_cost_history(days=days, source=source, said=said, at=at)
    return outcomes


def put(row: CampaignCost, amount: Amount, at: datetime) -> None:
    """Give a row another amount; the caller saves AMOUNTS."""
    row.amount_cents, row.currency, row.reporting_cents = amount.cents, amount.currency, amount.reporting_cents
    row.recorded_at = at


def _priced(cost: DayCost, rates: Rates) -> Amount:
    reporting = rates.reporting_cents(amount_cents=cost.amount_cents, currency=cost.currency, on=cost.spent_on)
    return Amount(cost.amount_cents, cost.currency, reporting)
