"""Later corrections are listed with their cause; the report stays."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from alignment.actions.report.render_report import present_report
from alignment.actions.report.restate import both_texts, news_since, restate
from alignment.actions.report.tell_change import signed_text
from alignment.models import Restatement
from alignment.queries.report import is_sealed
from leads.actions.campaigns.forget_costs import forget_costs
from leads.actions.campaigns.keep_cost_history import Said
from leads.actions.campaigns.record_costs import DayCost, record_costs
from leads.models import Campaign, CampaignCost, Company, CostDoor, Lead, OpportunityChange
from leads.past.acting import Door, act, backdated
from leads.pure.week import Week
from tests.alignment.factories import MONDAY, build_world, named, report
from tests.leads.factories import CampaignFactory, LeadFactory, UserFactory
from tests.leads.figures import world

pytestmark = pytest.mark.django_db
LATER = MONDAY + timedelta(days=2)


SAID = LATER - timedelta(hours=1)


def late_cost() -> None:
    say(CampaignFactory(name="Late"), 11, 5_000)


def say(campaign: Campaign, day: int, cents: int, at: datetime = SAID, reason: str = "") -> None:
    costs = [DayCost(campaign.pk, date(2026, 11, day), cents, "EUR")]
    with backdated(at), act(Door.API, source="ads key"):
        record_costs(costs=costs, source="ads", said=Said(door=CostDoor.API, name="ads key", reason=reason), at=at)


LATE = "Cost recorded late: Late, 11 Nov 2026 – → €50.00 [+€50.00] on 18 Nov 2026 by ads key (API)"


def test_nothing_changed_nothing_restated(company: Company) -> None:
    build_world()
    report()
    assert restate(at=MONDAY) == []


def test_late_cost_is_named_and_written_once(company: Company) -> None:
    CampaignCost.objects.create(
        campaign=CampaignFactory(),
        spent_on=date(2026, 11, 10),
        amount_cents=20_000,
        currency="EUR",
        reporting_cents=20_000,
        recorded_at=MONDAY - timedelta(days=1),
    )
    made = report()
    late_cost()
    found = {row.figure: row for row in restate(at=LATER)}
    assert (found["spend.total"].published_value, found["spend.total"].current_value) == (20_000, 25_000)
    assert found["spend.total"].cause == LATE
    assert "attribution.roi" not in found  # −100 % of less is −100 % of more
    assert restate(at=LATER + timedelta(days=1)) == []
    made.refresh_from_db()
    assert is_sealed(made)
    assert made.content["figures"]["spend.total"]["value"] == 20_000


def test_a_cost_that_changes_is_a_cause_with_its_author_and_many_are_counted(company: Company) -> None:
    fair = CampaignFactory(name="Fair")
    for day in range(9, 14):
        say(fair, day, 120_000, MONDAY - timedelta(days=1))
    made = report()
    assert restate(at=LATER) == []
    say(fair, 9, 150_000, reason="invoice")
    told = {(row.figure, row.item): row.cause for row in restate(at=LATER)}
    changed = "Cost changed: Fair, 9 Nov 2026 €1,200.00 → €1,500.00 [+€300.00] on 18 Nov 2026 by ads key (API)"
    entries = ("spend.total", "spend.total-13-weeks")
    assert told == {(entry, item): changed for entry in entries for item in ("", str(fair.public_id))}
    days = {"first": date(2026, 11, 10), "last": date(2026, 11, 11)}
    with backdated(LATER), act(Door.PAGE, actor=named(UserFactory(), "Ada").pk):
        forget_costs(campaign=fair.pk, **days, source="ads", said=Said(door=CostDoor.PAGE, name="Ada"), at=LATER)
    say(fair, 14, 100, LATER)
    (row,) = [row for row in restate(at=LATER + timedelta(days=1)) if (row.figure, row.item) == ("spend.total", "")]
    assert (row.published_value, row.current_value) == (600_000, 390_100)
    assert row.cause == (
        "1 × cost changed, 2 × cost removed, 1 × cost recorded late; most of all: Fair, 10 Nov 2026 "
        "€1,200.00 → – [−€1,200.00] on 18 Nov 2026 by Ada (page)"
    )
    assert is_sealed(made)


def test_a_changed_deal_and_a_merged_lead_are_causes(company: Company) -> None:
    made = build_world()
    report()
    with backdated(SAID):
        made.won.reporting_cents = made.won.amount_cents = 310_000
        made.won.save(update_fields=["reporting_cents", "amount_cents"])
    OpportunityChange.objects.create(
        opportunity=made.won,
        stage=made.won.stage,
        status="won",
        amount_cents=310_000,
        currency="EUR",
        changed_at=LATER,
        recorded_at=LATER,
        source_key="late",
    )
    with backdated(SAID), act(Door.PAGE, actor=made.ben.pk):
        Lead.objects.filter(pk=made.b.pk).update(merged_into=made.a)
    found = {row.figure: row for row in restate(at=LATER) if not row.item}
    assert found["pipeline.won"].current_value - found["pipeline.won"].published_value == 10_000
    assert found["pipeline.won"].cause == (
        "Deal amount changed: Won €3,000.00 → €3,100.00 [+€100.00] on 18 Nov 2026 (database)"
    )


def test_a_cohort_that_grows_older_is_no_restatement(company: Company) -> None:
    lead = LeadFactory(captured_at=MONDAY - timedelta(days=3))
    world.passage(lead, "mql", MONDAY - timedelta(days=3))
    report()
    with backdated(SAID):
        world.passage(lead, "sql", MONDAY + timedelta(days=1), "mql")
    (row,) = restate(at=LATER)
    assert (row.figure, row.is_correction) == ("leads.conversion.mql_to_sql", False)
    assert row.cause.startswith("Reached the stage after publication: Ada Byron")
    assert news_since(MONDAY, until=LATER) == []


def test_the_next_report_tells_what_was_noticed_since(company: Company) -> None:
    report()
    late_cost()
    following = report(Week(2026, 47), MONDAY + timedelta(weeks=1))
    others = present_report(report=following)["restatements_of_others"]
    told = [item for item in others if item["entry"] == "spend.total"]
    for item in told:
        del item["url"], item["cause_hash"]
    assert told == [
        {
            "week": "2026-W46",
            "entry": "spend.total",
            "item": "",
            "is_correction": True,
            "name": "Marketing spend",
            "published_text": "–",
            "current_text": "€50",
            "cause": LATE,
            "noticed_at": (MONDAY + timedelta(weeks=1)).isoformat(),
        }
    ]
    after = report(Week(2026, 48), MONDAY + timedelta(weeks=2))
    assert after.content["restatements"] == []
    assert Restatement.objects.filter(figure="spend.total").count() == 1


def test_a_difference_of_seconds_keeps_its_unit_and_its_digits(company: Company) -> None:
    assert both_texts(1.8658, 1.8667, "hours", "EUR") == ("1.8658 hours", "1.8667 hours")
    assert signed_text(0.0009, "hours", "EUR") == "+0.0009 hours"
    assert signed_text(0.5, "hours", "EUR") == "+0.50 hours"
