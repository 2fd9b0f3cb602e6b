"""Price anew what a rate touches: deals and costs, at the rates on file now."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from leads.actions.campaigns.keep_cost_history import Amount, Day, Said, hold_costs, keep_cost_history
from leads.actions.campaigns.record_costs import AMOUNTS, put
from leads.actions.price import Rates, deal_day
from leads.models import CampaignCost, Company, CostDoor, Opportunity, User

_BATCH = 200


@dataclass(frozen=True, slots=True)
class Repriced:
    """How many amounts read differently now."""

    deals: int
    costs: int


def reprice(*, currencies: Collection[str] | None, because: str, by: User | None, at: datetime) -> Repriced:
    """Work out the company-currency amounts of these currencies (None: of all) anew, in one transaction; what comes out
    the same is not touched. ``because`` says to people what changed about the rates.

    Call it in the transaction that changes a rate: the change is then named as the cause in restatements.
    """
    with transaction.atomic():
        rates = Rates.current()
        return Repriced(_deals(currencies, rates, at), _costs(currencies, rates, because, by, at))


def reprice_company(*, company: Company, changed: Collection[str], by: User | None, at: datetime) -> None:
    """What another company currency or time zone moves: every amount, or the days whose rates count."""
    if {"currency", "time_zone"} & set(changed):
        because = f"The company counts in {company.currency}, in the time zone {company.time_zone}."
        reprice(currencies=None, because=because, by=by, at=at)


def _deals(currencies: Collection[str] | None, rates: Rates, at: datetime) -> int:
    rows = Opportunity.objects.select_for_update().filter(amount_cents__isnull=False).order_by("pk")
    rows = rows if currencies is None else rows.filter(currency__in=currencies)
    tz, changed = Company.current().tz, list[Opportunity]()
    columns = ("pk", "amount_cents", "currency", "reporting_cents", "opened_at", "closed_at")
    for row in rows.only(*columns).iterator(chunk_size=2_000):
        cents = rates.reporting_cents(amount_cents=row.amount_cents, currency=row.currency, on=deal_day(row, tz))
        if cents != row.reporting_cents:
            # Attribution reads deals that changed.
            row.reporting_cents, row.changed_at = cents, at
            changed.append(row)
    Opportunity.objects.bulk_update(changed, ["reporting_cents", "changed_at"], batch_size=_BATCH)
    return len(changed)


def _costs(currencies: Collection[str] | None, rates: Rates, because: str, by: User | None, at: datetime) -> int:
    rows = CampaignCost.objects.order_by("pk")
    rows = rows if currencies is None else rows.filter(currency__in=currencies)
    hold_costs(rows.order_by().values_list("campaign_id", flat=True).distinct())
    days: dict[str, list[Day]] = {}
    changed: list[CampaignCost] = []
    for row in rows.iterator(chunk_size=2_000):
        before = Amount.of(row)
        cents = rates.reporting_cents(amount_cents=row.amount_cents, currency=row.currency, on=row.spent_on)
        after = Amount(row.amount_cents, row.currency, cents)
        if after == before:
            continue
        put(row, after, at)
        changed.append(row)
        days.setdefault(row.source, []).append(Day(row.campaign_id, row.spent_on, before, after))
    CampaignCost.objects.bulk_update(changed, AMOUNTS, batch_size=_BATCH)
    said = Said(door=CostDoor.RATE, by=by, reason=because)
    for source, some in days.items():
        keep_cost_history(days=some, source=source, said=said, at=at)
    return len(changed)
