"""A small company whose figures were worked out by hand; November 2026, Europe/Berlin."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

from leads.figures.base import Scope
from leads.models import (
    CampaignCost,
    FollowUp,
    LifecyclePassage,
    OpportunityChange,
    OpportunityContact,
    User,
)
from leads.pure.week import Period
from tests.leads.factories import (
    CampaignFactory,
    LeadFactory,
    OpportunityFactory,
    TerritoryFactory,
    TouchpointFactory,
    UserFactory,
    channel,
    stage,
)

TZ = ZoneInfo("Europe/Berlin")
AT = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
NOVEMBER = Period.of_dates(date(2026, 11, 1), date(2026, 12, 1), TZ)


def scope(period: Period = NOVEMBER, at: datetime = AT, **more: object) -> Scope:
    return Scope(period=period, at=at, tz=TZ, currency="EUR", **more)


def on(day: int, hour: int = 9, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def passage(lead: object, to: str, at: datetime, start: str = "", reason: str = "") -> LifecyclePassage:
    return LifecyclePassage.objects.create(lead=lead, from_stage=start, to_stage=to, passed_at=at, reason=reason)


def follow_up(lead: object, planned: datetime, due: datetime, done: datetime | None = None, outcome: str = "reached"):
    return FollowUp.objects.create(
        lead=lead,
        owner=lead.owner,
        because="became MQL",
        planned_at=planned,
        due_at=due,
        done_at=done,
        outcome=outcome if done else "",
    )


def build() -> SimpleNamespace:
    """Six live leads and one merged; five deals opened in November, two earlier ones."""
    ann, ben = UserFactory(name="Ann"), UserFactory(name="Ben")
    north, south = TerritoryFactory(name="North"), TerritoryFactory(name="South")
    search = CampaignFactory(name="Search", starts_on=date(2026, 11, 1), ends_on=None)
    expo = CampaignFactory(
        name="Expo", channel=channel("events"), starts_on=date(2026, 11, 10), ends_on=date(2026, 11, 12)
    )
    webinar = CampaignFactory(name="Webinar", channel=channel("webinar"), starts_on=date(2026, 12, 1), ends_on=None)

    def lead(n: int, owner: User | None, territory: object, campaign: object, **more: object):
        return LeadFactory(
            owner=owner,
            territory=territory,
            campaign=campaign,
            channel=campaign.channel if campaign else channel("direct"),
            captured_at=on(n),
            **more,
        )

    a = lead(2, ann, north, search, stage="customer")
    b = lead(3, ann, north, search, stage="sal")
    c = lead(4, ben, south, expo, stage="recycled")
    d = lead(5, ben, south, webinar, stage="mql")
    e = lead(6, None, None, None, stage="lead", email=None, external_id="crm-1")
    old = LeadFactory(owner=ann, territory=north, captured_at=on(5, month=10), channel=channel("email"), stage="mql")
    merged = lead(6, ann, north, search, merged_into=b)

    # MQLs in November: a, b, c, d. In October: old (again in November: a repeated passage).
    passage(old, "mql", on(5, month=10), "lead")
    passage(old, "recycled", on(20, month=10), "mql", reason="bad_timing")
    passage(old, "mql", on(9), "recycled")
    for person, day in ((a, 2), (b, 3), (c, 4), (d, 5)):
        passage(person, "mql", on(day, 10), "lead")
    passage(merged, "mql", on(6, 10), "lead")
    passage(a, "sal", on(3), "mql")
    passage(b, "sal", on(5), "mql")
    passage(c, "recycled", on(6), "mql", reason="bad_fit")
    passage(b, "recycled", on(20), "sal", reason="no_budget")
    passage(a, "sql", on(4), "sal")
    passage(a, "opportunity", on(5), "sql")
    passage(a, "customer", on(12), "opportunity")

    # Business hours 9–17 Berlin, that is 8–16 UTC in November; 2 November 2026 is a Monday.
    follow_up(a, on(2, 10), on(2, 14), on(2, 12))  # 2 hours, in time
    follow_up(b, on(3, 14), on(4, 10), on(4, 11))  # 14–16 and 8–11: 5 hours, late
    follow_up(c, on(4, 10), on(4, 14), on(4, 12), "not_needed")
    follow_up(d, on(5, 10), on(5, 14))  # overdue
    follow_up(old, on(20, 15), on(24, 11))  # not yet due

    # Touches: a by search, then direct; b by search after a call; c at the expo, before it a bot; e came by itself.
    TouchpointFactory(lead=a, campaign=search, occurred_at=on(2, 8))
    TouchpointFactory(lead=a, channel=channel("direct"), kind="page_view", occurred_at=on(3))
    TouchpointFactory(lead=b, campaign=search, occurred_at=on(7))
    TouchpointFactory(lead=c, campaign=expo, kind="webinar_registration", occurred_at=on(4, 9))
    TouchpointFactory(lead=c, campaign=expo, occurred_at=on(4, 8), exclusion="bot")
    TouchpointFactory(lead=e, channel=channel("direct"), kind="import", occurred_at=on(6))

    def deal(name: str, owner: User, territory: object, *people: object, **more: object):
        made = OpportunityFactory(name=name, owner=owner, territory=territory, **more)
        for person in people:
            OpportunityContact.objects.create(opportunity=made, lead=person)
        return made

    won = deal("Won", ann, north, a, b, status="won", amount_cents=300_000, opened_at=on(5), closed_at=on(15))
    deal("Lost", ben, south, c, status="lost", amount_cents=50_000, opened_at=on(6), closed_at=on(16))
    still = deal("Open", ann, north, b, amount_cents=100_001, opened_at=on(8))
    deal("No amount", ben, south, c, amount_cents=None, opened_at=on(9))
    deal("No rate", ben, south, amount_cents=70_000, currency="USD", reporting_cents=None, opened_at=on(10))
    deal(
        "Old win",
        ben,
        south,
        e,
        status="won",
        amount_cents=100_000,
        opened_at=on(1, month=10),
        closed_at=on(4),
    )
    old_open = deal("Old open", ann, north, stage=stage("discovery"), amount_cents=200_000, opened_at=on(2, month=10))
    deal(
        "Won in dollars",
        ben,
        south,
        status="won",
        amount_cents=90_000,
        currency="USD",
        reporting_cents=None,
        opened_at=on(3, month=10),
        closed_at=on(17),
    )
    history = [("qualification", won, on(5)), ("negotiation", won, on(9))]
    history += [("proposal", old_open, on(2, month=10)), ("discovery", old_open, on(10, month=10))]
    for key, made, changed_at in history:
        OpportunityChange.objects.create(
            opportunity=made,
            stage=stage(key),
            status="open",
            amount_cents=300_000,
            currency="EUR",
            changed_at=changed_at,
            recorded_at=on(5),
            source_key=key,
        )

    # Search was reported on 1–18 November; the 19th and 20th are unknown. Expo: only the first of three days.
    costs = [CampaignCost(campaign=search, spent_on=date(2026, 11, day), amount_cents=1_000) for day in range(1, 19)]
    costs.append(CampaignCost(campaign=expo, spent_on=date(2026, 11, 10), amount_cents=20_000))
    dollars = CampaignCost(campaign=expo, spent_on=date(2026, 11, 11), amount_cents=500, currency="USD")
    for cost in costs:
        cost.currency, cost.reporting_cents = "EUR", cost.amount_cents
    for cost in (*costs, dollars):
        cost.recorded_at = AT - timedelta(days=1)
    CampaignCost.objects.bulk_create([*costs, dollars])
    return SimpleNamespace(
        ann=ann,
        ben=ben,
        north=north,
        south=south,
        search=search,
        expo=expo,
        a=a,
        b=b,
        c=c,
        d=d,
        e=e,
        won=won,
        open=still,
    )
