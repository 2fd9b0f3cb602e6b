"""Record campaigns that another system keeps: found again or made, gaps filled, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models.functions import Lower

from leads.actions.campaigns.keep_cost_history import Amount, Day, Said, hold_costs, keep_cost_history
from leads.actions.campaigns.record_costs import AMOUNTS, put
from leads.actions.price import Rates
from leads.models import Campaign, CampaignCost, Channel, CostDoor
from leads.pure.channels.channels import OTHER

CODE, NAME = 120, 160


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignFact:
    """A campaign as its source holds it. ``key`` is the source's id, ``campaign_id`` ours where it is known already.

    ``cost_cents`` is all it has cost so far, in ``currency``; None is unknown.
    """

    key: str
    name: str
    channel: str = OTHER
    campaign_id: int | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    budget_cents: int | None = None
    cost_cents: int | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class RecordedCampaign:
    """What became of a campaign."""

    campaign: Campaign
    is_created: bool
    filled: Mapping[str, str]


def record_campaigns(
    *, facts: Sequence[CampaignFact], taken: frozenset[int], source: str, at: datetime
) -> list[RecordedCampaign]:
    """Find or make each campaign, in one transaction; answers are in the order of the facts.

    A campaign is found by its id, else by its name among those that the source has not named yet (``taken`` it has).
    What an admin entered stays: only gaps are filled.
    """
    with transaction.atomic():
        channels = {row.key: row for row in Channel.objects.all()}
        by_id = Campaign.objects.in_bulk([fact.campaign_id for fact in facts if fact.campaign_id])
        names = {fact.name.strip().lower() for fact in facts if not fact.campaign_id}
        found = Campaign.objects.annotate(lower=Lower("name")).filter(lower__in=names).exclude(pk__in=taken)
        by_name: dict[str, Campaign] = {}
        for row in found.order_by("-pk"):
            by_name[row.name.strip().lower()] = row
        codes = set(Campaign.objects.values_list("code", flat=True)) if facts else set()
        recorded: list[RecordedCampaign] = []
        for fact in facts:
            known = by_id.get(fact.campaign_id or 0) or by_name.pop(fact.name.strip().lower(), None)
            if known is not None:
                recorded.append(RecordedCampaign(known, False, _fill(known, fact)))
                continue
            channel = channels.get(fact.channel) or channels[OTHER]
            recorded.append(RecordedCampaign(_create(fact, channel, codes), True, {}))
        # Before any is written, and all at once: two writers in different orders would wait for each other for ever.
        hold_costs(each.campaign.pk for each in recorded)
        changed = [each.campaign for each in recorded if each.filled]
        for campaign in changed:
            campaign.save()  # one by one, so that the history of settings knows them
        _record_costs([(each.campaign, fact) for each, fact in zip(recorded, facts, strict=True)], source[:40], at)
    return recorded


def _create(fact: CampaignFact, channel: Channel, codes: set[str]) -> Campaign:
    code = " ".join(fact.name.lower().split())[:CODE] or fact.key[:CODE]
    if code in codes:
        code = f"{code[: CODE - len(fact.key) - 1]}-{fact.key}".lower()[:CODE]
    codes.add(code)
    ends_on = fact.ends_on if not (fact.starts_on and fact.ends_on) or fact.ends_on >= fact.starts_on else None
    return Campaign.objects.create(
        name=(fact.name.strip() or fact.key)[:NAME],
        code=code,
        channel=channel,
        starts_on=fact.starts_on,
        ends_on=ends_on,
        budget_cents=fact.budget_cents,
        **({"currency": fact.currency} if fact.currency else {}),
    )


def _fill(campaign: Campaign, fact: CampaignFact) -> dict[str, str]:
    filled: dict[str, str] = {}
    if campaign.starts_on is None and fact.starts_on and (not campaign.ends_on or campaign.ends_on >= fact.starts_on):
        campaign.starts_on = fact.starts_on
        filled["starts_on"] = fact.starts_on.isoformat()
    if campaign.ends_on is None and fact.ends_on and (not campaign.starts_on or fact.ends_on >= campaign.starts_on):
        campaign.ends_on = fact.ends_on
        filled["ends_on"] = fact.ends_on.isoformat()
    if campaign.budget_cents is None and fact.budget_cents is not None and fact.currency:
        campaign.budget_cents, campaign.currency = fact.budget_cents, fact.currency
        filled["budget"] = str(fact.budget_cents)
    return filled


def _record_costs(pairs: Sequence[tuple[Campaign, CampaignFact]], source: str, at: datetime) -> None:
    """The whole cost stands on the campaign's first day, where its source knows both. Costs that were entered, imported
    or sent to the API know the days better: then the source's sum would count the money twice and is left out."""
    ids = [campaign.pk for campaign, _ in pairs]
    rows = list(CampaignCost.objects.filter(campaign__in=ids))
    others = {row.campaign_id for row in rows if row.source != source}
    own = {row.campaign_id: row for row in rows if row.source == source}
    rates = Rates.current()
    days: list[Day] = []
    gone: list[CampaignCost] = []
    new: list[CampaignCost] = []
    changed: list[CampaignCost] = []
    for campaign, fact in pairs:
        row, day = own.pop(campaign.pk, None), fact.starts_on or campaign.starts_on
        if campaign.pk in others or fact.cost_cents is None or not fact.currency or day is None:
            gone += [row] if row is not None and campaign.pk in others else []
            continue
        if row and (row.spent_on, row.amount_cents, row.currency) == (day, fact.cost_cents, fact.currency):
            continue
        cents = rates.reporting_cents(amount_cents=fact.cost_cents, currency=fact.currency, on=day)
        amount = Amount(fact.cost_cents, fact.currency, cents)
        days += _moved(row, Day(campaign.pk, day, None, amount))
        fresh = row or CampaignCost(campaign=campaign, source=source)
        fresh.spent_on = day
        put(fresh, amount, at)
        (changed if row is not None else new).append(fresh)
    days += [Day(row.campaign_id, row.spent_on, Amount.of(row), None) for row in gone]
    CampaignCost.objects.filter(pk__in=[row.pk for row in gone]).delete()
    CampaignCost.objects.bulk_create(new)
    CampaignCost.objects.bulk_update(changed, ["spent_on", *AMOUNTS], batch_size=200)
    keep_cost_history(days=days, source=source, said=Said(door=CostDoor.CRM, name=source), at=at)


def _moved(row: CampaignCost | None, day: Day) -> list[Day]:
    """What the history gets: another amount of the same day, or one day taken back and another that came in."""
    if row is None:
        return [day]
    before = Amount.of(row)
    if row.spent_on == day.spent_on:
        return [Day(day.campaign, day.spent_on, before, day.after)]
    return [Day(day.campaign, row.spent_on, before, None), day]
