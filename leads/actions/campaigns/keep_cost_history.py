"""Keep what was said about costs: who said it, through which door, and what stood before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from leads.models import Campaign, CampaignCost, Company, CostChange, CostDoor, CostEntry, User


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Who says something about costs, where, and perhaps why. ``name`` is needed where no user says it."""

    door: CostDoor
    by: User | None = None
    name: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Amount:
    """A day's cost as billed, and in minor units of the company currency (None without a rate)."""

    cents: int
    currency: str
    reporting_cents: int | None

    @classmethod
    def of(cls, row: CampaignCost) -> Amount:
        """What a row says now; take it before the row is changed."""
        return cls(row.amount_cents, row.currency, row.reporting_cents)


@dataclass(frozen=True, slots=True)
class Day:
    """A campaign's day before and after; None is unknown."""

    campaign: int
    spent_on: date
    before: Amount | None
    after: Amount | None


def hold_costs(campaigns: Iterable[int]) -> None:
    """Whoever writes costs of these campaigns waits here until the transaction of the other one has ended.

    Otherwise two writers would both find the same amount before, and the history would not add up.
    """
    # no_key: a touch that names a campaign holds its key. With a full lock captures would wait for the end of a cost
    # import, and an import of leads, which holds keys in any order, could deadlock with it.
    rows = Campaign.objects.select_for_update(no_key=True).filter(pk__in=set(campaigns))
    list(rows.order_by("pk").values_list("pk"))


def keep_cost_history(*, days: Iterable[Day], source: str, said: Said, at: datetime) -> list[CostEntry]:
    """An entry per campaign with every day that changed; call it in the transaction that changes the costs.

    A campaign and day is named once; days that stay as they are leave nothing.
    """
    by_campaign: dict[int, list[Day]] = {}
    for day in days:
        if day.before != day.after:
            by_campaign.setdefault(day.campaign, []).append(day)
    if not by_campaign:
        return []
    name = said.name or ((said.by.name or said.by.email) if said.by else "")
    entries = CostEntry.objects.bulk_create(
        [
            CostEntry(
                campaign_id=campaign,
                source=source,
                door=said.door,
                by=said.by,
                by_name=name[:160],
                reason=" ".join(said.reason.split())[:300],  # it ends up in e-mails: one line
                said_at=at,
            )
            for campaign in by_campaign
        ],
        batch_size=500,
    )
    tz = Company.current().tz
    CostChange.objects.bulk_create(
        [_change(entry, day, tz) for entry in entries for day in by_campaign[entry.campaign_id]], batch_size=500
    )
    return entries


def _change(entry: CostEntry, day: Day, tz: ZoneInfo) -> CostChange:
    row = CostChange(entry=entry, spent_on=day.spent_on)
    if day.before:
        row.before_cents, row.before_currency = day.before.cents, day.before.currency
        row.before_reporting_cents = day.before.reporting_cents
    if day.after:
        row.after_cents, row.after_currency = day.after.cents, day.after.currency
        row.after_reporting_cents = day.after.reporting_cents
    next_week = day.spent_on + timedelta(days=7 - day.spent_on.weekday())
    row.is_restating = day.before is not None and entry.said_at.astimezone(tz).date() >= next_week
    return row
