"""What an admin would have set up: the company, its people, territories, rules, plan, costs and rates."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.contrib.auth.hashers import make_password

from config.demo.bulk import Bulk
from config.demo.records import DemoCompany
from config.demo.team import HOURS_ABROAD
from leads.actions.price import Rates
from leads.models import (
    Campaign,
    CampaignCost,
    Channel,
    Company,
    CostChange,
    CostDoor,
    CostEntry,
    ExchangeRate,
    PipelineStage,
    RepAbsence,
    RepHours,
    Role,
    RoutingVersion,
    ScoringRule,
    ScoringRuleSet,
    Territory,
    TerritoryRep,
    TerritoryRule,
    User,
)
from leads.pure.conditions.grammar import Condition, Group, to_json
from leads.pure.conditions.properties import Operator

_REPORTED_AT = time(4)  # before Monday's report
COST_SOURCE, COST_FEED = "demo", "Spend feed"
FIT_THRESHOLD, BEHAVIOUR_THRESHOLD = 30, 25


@dataclass(slots=True)
class Ground:
    """The rows that everything else refers to, in the order of the company's lists or by key."""

    users: list[User] = field(default_factory=list)
    territories: list[Territory] = field(default_factory=list)
    rules: list[TerritoryRule] = field(default_factory=list)
    version: RoutingVersion = field(default_factory=RoutingVersion)
    reps: list[TerritoryRep] = field(default_factory=list)
    channels: dict[str, Channel] = field(default_factory=dict)
    stages: dict[str, PipelineStage] = field(default_factory=dict)
    rule_set: ScoringRuleSet = field(default_factory=ScoringRuleSet)
    campaigns: list[Campaign] = field(default_factory=list)
    rates: Rates = field(default_factory=lambda: Rates("", {}))


def write_settings(bulk: Bulk, company: DemoCompany) -> Ground:
    """Everything but people's passwords; see `sign_ins`."""
    Company.objects.filter(pk=1).update(
        name=company.name,
        currency=company.currency,
        time_zone=company.time_zone,
        internal_domains=["fernhill.example"],
        holiday_country="DE",
        holiday_region="BE",
        holidays=_closed_days(company.since.year, company.until.year),
    )
    ground = Ground(
        channels={channel.key: channel for channel in Channel.objects.all()},
        stages={stage.key: stage for stage in PipelineStage.objects.all()},
    )
    _write_users(bulk, company, ground)
    _write_territories(bulk, company, ground)
    ground.rule_set = _write_rule_set(bulk, company.since)
    _write_plan(bulk, company, ground)
    return ground


def write_costs(bulk: Bulk, company: DemoCompany, ground: Ground, note: Callable[[datetime], int]) -> None:
    """Exchange rates first, then costs in both currencies; ``note`` gives the change of what was reported when."""
    bulk.stream(
        ExchangeRate,
        ({"currency": row.currency, "valid_from": row.day, "rate": row.rate} for row in company.rates),
    )
    ground.rates = Rates.current()
    rows = [
        {
            "campaign_id": ground.campaigns[cost.campaign].pk,
            "spent_on": cost.day,
            "amount_cents": cost.cents,
            "currency": cost.currency,
            "reporting_cents": ground.rates.reporting_cents(
                amount_cents=cost.cents, currency=cost.currency, on=cost.day
            ),
            "source": COST_SOURCE,
            "recorded_at": min(datetime.combine(cost.reported_on, _REPORTED_AT, UTC), company.until),
        }
        for cost in company.costs
    ]
    bulk.stream(CampaignCost, iter(rows), known=lambda row: ((note(row["recorded_at"]),),))
    _write_cost_history(bulk, rows, note)


def _write_cost_history(bulk: Bulk, rows: list[dict[str, Any]], note: Callable[[datetime], int]) -> None:
    """What a feed of the ad platforms sent at one moment about a campaign is an entry."""
    said: dict[tuple[int, datetime], list[dict[str, Any]]] = {}
    for row in rows:
        said.setdefault((row["campaign_id"], row["recorded_at"]), []).append(row)
    entries = bulk.put(
        CostEntry,
        (
            CostEntry(
                campaign_id=campaign, source=COST_SOURCE, door=CostDoor.API, by_name=COST_FEED, said_at=recorded_at
            )
            for campaign, recorded_at in said
        ),
        known=lambda row: ((note(row["said_at"]),),),
    )
    moments = (recorded_at for (_, recorded_at), days in said.items() for _ in days)
    bulk.stream(
        CostChange,
        (
            {
                "entry_id": entry.pk,
                "spent_on": row["spent_on"],
                "after_cents": row["amount_cents"],
                "after_currency": row["currency"],
                "after_reporting_cents": row["reporting_cents"],
            }
            for entry, days in zip(entries, said.values(), strict=True)
            for row in days
        ),
        known=lambda _: ((note(next(moments)),),),
    )


def _write_users(bulk: Bulk, company: DemoCompany, ground: Ground) -> None:
    rows = []
    for person in company.people:
        is_admin = person.role == Role.ADMIN
        rows.append(
            User(
                public_id=bulk.public_id(),
                email=person.email,
                name=person.name,
                role=person.role,
                is_staff=is_admin,
                is_superuser=is_admin,
                password=make_password(None),
            )
        )
    ground.users = bulk.put(User, rows)
    bulk.stream(
        RepAbsence,
        (
            {"rep_id": user.pk, "starts_on": start, "ends_on": end, "reason": why}
            for person, user in zip(company.people, ground.users, strict=True)
            for start, end, why in person.away
        ),
    )
    bulk.stream(
        RepHours,
        (
            {"rep_id": user.pk, "time_zone": zone, "holiday_country": country, "holiday_region": region}
            for user in ground.users
            if user.name in HOURS_ABROAD
            for zone, country, region in [HOURS_ABROAD[user.name]]
        ),
    )


def _write_territories(bulk: Bulk, company: DemoCompany, ground: Ground) -> None:
    """The catch-all is the one every installation starts with, under our name for it."""
    *named, last = company.territories
    ground.territories = bulk.put(Territory, (Territory(name=territory.name) for territory in named))
    Territory.objects.filter(is_catch_all=True).update(name=last.name)
    ground.territories.append(Territory.objects.get(is_catch_all=True))
    Territory.objects.filter(name="DACH").update(off_hours=Territory.OffHours.NEXT)
    ground.version = _write_versions(bulk, company, ground)
    ground.rules = bulk.put(
        TerritoryRule,
        (
            _rule(bulk, ground.version, row, place, Condition("country", Operator.IS, tuple(territory.countries)))
            for place, (territory, row) in enumerate(zip(named, ground.territories, strict=False), start=1)
        ),
    )
    ground.reps = bulk.put(
        TerritoryRep,
        (
            TerritoryRep(territory=row, rep=user, weight=person.shares[territory.slug])
            for territory, row in zip(company.territories, ground.territories, strict=True)
            for person, user in zip(company.people, ground.users, strict=True)
            if territory.slug in person.shares
        ),
    )


def _write_versions(bulk: Bulk, company: DemoCompany, ground: Ground) -> RoutingVersion:
    """The shipped version, without rules, made way for the company's own."""
    shipped = RoutingVersion.objects.get(state=RoutingVersion.State.ACTIVE)
    TerritoryRule.objects.filter(version=shipped).delete()
    set_up = company.since - timedelta(days=60)
    RoutingVersion.objects.filter(pk=shipped.pk).update(
        state=RoutingVersion.State.RETIRED, note="No rules yet", created_at=set_up, activated_at=set_up
    )
    admin = next(user for user in ground.users if user.role == Role.ADMIN)
    ours = RoutingVersion(
        number=shipped.number + 1,
        state=RoutingVersion.State.ACTIVE,
        note="Territories of the sales kick-off",
        based_on=shipped,
        created_by=admin,
        created_at=company.since,
        activated_by=admin,
        activated_at=company.since,
    )
    return bulk.put(RoutingVersion, [ours])[0]


def write_routing_draft(bulk: Bulk, company: DemoCompany, ground: Ground) -> None:
    """What the sales leader tries next: the countries that Rest of world works too much of go to their neighbors."""
    leader = next(user for user in ground.users if user.role == Role.SALES_LEADER)
    draft = RoutingVersion(
        number=ground.version.number + 1,
        note="Relief for Rest of world: Benelux and Poland to their neighbors",
        based_on=ground.version,
        created_by=leader,
        created_at=company.until - timedelta(days=2),
    )
    bulk.put(RoutingVersion, [draft])
    by_name = {territory.name: territory for territory in ground.territories}
    country, industry, size = "country", "industry", "company_size"
    ahead = [
        ("UK & Ireland", Condition(country, Operator.IS, ("NL", "BE", "LU")), None),
        ("DACH", Condition(country, Operator.IS, ("PL", "CZ")), None),
        ("North America", Condition(country, Operator.IS, ("US",)), Condition(size, Operator.AT_LEAST, low=1000)),
        ("Nordics", Condition(industry, Operator.IS, ("Shipbuilding",)), None),
    ]
    rules = [
        _rule(bulk, draft, by_name[name], place, *filter(None, conditions))
        for place, (name, *conditions) in enumerate(ahead, start=1)
    ]
    for place, rule in enumerate(ground.rules, start=len(rules) + 1):
        kept = {"key": rule.key, "name": rule.name, "conditions": rule.conditions}
        rules.append(TerritoryRule(version=draft, territory=rule.territory, position=place, **kept))
    bulk.put(TerritoryRule, rules)


def _rule(
    bulk: Bulk, version: RoutingVersion, territory: Territory, place: int, *conditions: Condition
) -> TerritoryRule:
    return TerritoryRule(
        version=version,
        key=bulk.public_id(),
        territory=territory,
        position=place,
        conditions=to_json(Group(tuple(conditions))),
    )


def _write_rule_set(bulk: Bulk, at: datetime) -> ScoringRuleSet:
    """The shipped rules with the thresholds this company's two teams agreed on, as the next version."""
    shipped = ScoringRuleSet.objects.get(state=ScoringRuleSet.State.ACTIVE)
    rules = list(ScoringRule.objects.filter(rule_set=shipped).order_by("position"))
    ScoringRuleSet.objects.filter(pk=shipped.pk).update(
        state=ScoringRuleSet.State.RETIRED, activated_at=at - timedelta(days=60)
    )
    ours = ScoringRuleSet(
        version=shipped.version + 1,
        state=ScoringRuleSet.State.ACTIVE,
        fit_threshold=FIT_THRESHOLD,
        behaviour_threshold=BEHAVIOUR_THRESHOLD,
        fit_cap=shipped.fit_cap,
        behaviour_cap=shipped.behaviour_cap,
        half_life_days=shipped.half_life_days,
        based_on=shipped,
        note="Thresholds agreed by marketing and sales",
        activated_at=at,
    )
    bulk.put(ScoringRuleSet, [ours])
    for rule in rules:
        rule.pk, rule.rule_set = None, ours
    bulk.put(ScoringRule, rules)
    return ours


def _write_plan(bulk: Bulk, company: DemoCompany, ground: Ground) -> None:
    rows: list[Campaign] = []
    for campaign in company.campaigns:
        rows.append(
            Campaign(
                id=bulk.next_id(Campaign),
                public_id=bulk.public_id(),
                name=campaign.name,
                code=campaign.slug,
                parent=rows[campaign.parent] if campaign.parent is not None else None,
                channel=ground.channels[campaign.channel],
                starts_on=campaign.starts_on,
                ends_on=campaign.ends_on,
                budget_cents=campaign.budget_cents or None,
                currency=campaign.currency,
            )
        )
    ground.campaigns = bulk.put(Campaign, rows)


def _closed_days(first: int, last: int) -> list[str]:
    """The company's own days besides the public holidays of its region."""
    days: Iterable[str] = ("12-24", "12-31")
    return [f"{year}-{day}" for year in range(first, last + 2) for day in days]
