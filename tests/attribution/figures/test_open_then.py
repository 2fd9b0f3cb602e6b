"""Attributed pipeline and influenced deals of a past moment follow the history of the deals."""

from __future__ import annotations

from datetime import date, datetime
from itertools import pairwise

import pytest

from attribution.actions.runs.run_attribution import run_attribution
from attribution.figures.amounts_then import standing_credits
from attribution.figures.campaign_series import campaign_months
from attribution.figures.campaign_table import campaign_table
from leads.figures.base import figure
from leads.models import Campaign, Company, Opportunity, OpportunityChange, OpportunityContact
from leads.pure.week import Period
from tests.leads.factories import CampaignFactory, LeadFactory, OpportunityFactory, TouchpointFactory, stage
from tests.leads.figures.world import TZ, on, scope


@pytest.fixture
def reopened(company: Company, now: datetime):
    """Lost in October, reopened in November; touched by a campaign before it was opened."""
    campaign, lead = CampaignFactory(), LeadFactory(captured_at=on(1, month=9))
    TouchpointFactory(lead=lead, campaign=campaign, occurred_at=on(2, month=9))
    deal = OpportunityFactory(
        opened_at=on(3, month=9), amount_cents=50_000, stage=stage("discovery"), stage_changed_at=on(5)
    )
    OpportunityContact.objects.create(opportunity=deal, lead=lead, is_primary=True)
    for key, at in (("discovery", on(3, month=9)), ("lost", on(10, month=10)), ("discovery", on(5))):
        OpportunityChange.objects.create(
            opportunity=deal,
            stage=stage(key),
            status=stage(key).status,
            amount_cents=50_000,
            currency="EUR",
            changed_at=at,
            recorded_at=at,
            source_key=str(at),
        )
    run_attribution(at=now, reason="test")
    return campaign


def test_a_deal_that_stood_at_lost_was_no_open_pipeline(reopened) -> None:
    months = [date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1)]
    asked = [scope(Period.of_dates(*days, TZ)) for days in pairwise(months)]
    assert [figure("attribution.pipeline", each).value for each in asked] == [50_000, 0, 50_000]
    assert [figure("attribution.influenced", each).value for each in asked] == [1, 0, 1]
    whole = scope(Period.of_dates(months[0], months[-1], TZ), campaign=str(reopened.public_id))
    assert [step.pipeline for step in campaign_months(whole)] == [50_000, 0, 50_000]


def grown(name: str, *, touches: int, was: int | None, became: int | None, campaign: Campaign) -> Opportunity:
    """Open since September; its amount changed in November. Touched by the campaign and by others as often."""
    lead = LeadFactory(captured_at=on(1, month=9))
    for place in range(touches):
        TouchpointFactory(lead=lead, campaign=campaign if place == 0 else None, occurred_at=on(2 + place, month=9))
    deal = OpportunityFactory(
        name=name,
        opened_at=on(20, month=9),
        amount_cents=became,
        stage=stage("discovery"),
        stage_changed_at=on(20, month=9),
    )
    OpportunityContact.objects.create(opportunity=deal, lead=lead, is_primary=True)
    for cents, at in ((was, on(20, month=9)), (became, on(5))):
        OpportunityChange.objects.create(
            opportunity=deal, stage=stage("discovery"), status="open", amount_cents=cents, currency="EUR",
            changed_at=at, recorded_at=at, source_key=str(at),
        )  # fmt: skip
    return deal


@pytest.fixture
def grown_deals(company: Company, now: datetime) -> Campaign:
    campaign = CampaignFactory()
    grown("Thirds", touches=3, was=10_000, became=25_000, campaign=campaign)
    grown("Refund", touches=2, was=-101, became=900, campaign=campaign)
    grown("Same", touches=1, was=7, became=7, campaign=campaign)
    run_attribution(at=now, reason="test")
    return campaign


def test_a_past_periods_pipeline_is_at_the_amounts_of_then_to_the_cent(grown_deals: Campaign) -> None:
    """10,000 ÷ 3 gives the first touch 3,334; −101 ÷ 2 gives it −51."""
    own = str(grown_deals.public_id)
    october, november = Period.of_dates(date(2026, 10, 1), date(2026, 11, 1), TZ), scope().period
    assert figure("attribution.pipeline", scope(october)).value == 10_000 - 101 + 7
    assert figure("attribution.pipeline", scope(october)).value == figure("pipeline.open", scope(october)).value
    assert figure("attribution.pipeline", scope(october, campaign=own)).value == 3_334 - 51 + 7
    assert figure("attribution.pipeline", scope(november, campaign=own)).value == 8_334 + 450 + 7
    whole = scope(Period.of_dates(date(2026, 9, 1), date(2026, 12, 1), TZ), campaign=own)
    assert [step.pipeline for step in campaign_months(whole)] == [3_290, 3_290, 8_791]
    table = campaign_table(scope(october), ["linear"])
    assert table.whole.pipeline == 9_906
    rows = figure("attribution.pipeline", scope(october, campaign=own)).parts["included"].rows()
    told = {row["opportunity__name"]: (row["deal_cents"], row["earned_cents"]) for row in rows}
    assert told == {"Thirds": (10_000, 3_334), "Refund": (-101, -51), "Same": (7, 7)}


def test_what_was_split_then_is_split_alike_now(company: Company, now: datetime) -> None:
    """Asked while it stood so, and asked later of that time: the same cents for each touch and method."""
    campaign = CampaignFactory()
    deal = grown("Odd", touches=7, was=100_001, became=100_001, campaign=campaign)
    run_attribution(at=now, reason="test")
    methods = ("linear", "time_decay", "first_touch", "u_shaped")
    october = Period.of_dates(date(2026, 10, 1), date(2026, 11, 1), TZ)

    def told() -> dict[str, list[tuple[int, int]]]:
        return {
            key: sorted(standing_credits(scope(october, method=key)).values_list("touchpoint", "earned_cents"))
            for key in methods
        }

    before = told()
    deal.changes.filter(changed_at=on(5)).update(amount_cents=5)
    Opportunity.objects.update(amount_cents=5, reporting_cents=5)
    run_attribution(at=now, reason="test")
    assert told() == before
    assert {key: sum(cents for _, cents in rows) for key, rows in before.items()} == dict.fromkeys(methods, 100_001)


def test_a_campaigns_weeks_say_unknown_where_no_open_deal_has_an_amount(company: Company, now: datetime) -> None:
    campaign = CampaignFactory()
    grown("No amount", touches=1, was=None, became=None, campaign=campaign)
    run_attribution(at=now, reason="test")
    whole = scope(Period.of_dates(date(2026, 8, 1), date(2026, 12, 1), TZ), campaign=str(campaign.public_id))
    assert [step.pipeline for step in campaign_months(whole)] == [0, None, None, None]
