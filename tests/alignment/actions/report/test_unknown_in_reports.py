"""A report of a week whose won deals lack their amounts says unknown and how many, and never 0."""

from __future__ import annotations

import pytest
import time_machine
from django.test import Client

from alignment.actions.report.render_pdf import render_pdf
from alignment.actions.report.render_report import render_email
from alignment.actions.report.restate import restate
from alignment.models import WeeklyReport
from attribution.actions.runs.run_attribution import run_attribution
from leads.models import Campaign, Company, Opportunity, OpportunityContact, User
from leads.past.acting import backdated
from tests.alignment.factories import MONDAY, report
from tests.alignment.pages.test_weekly_report import text_of
from tests.leads.factories import CampaignFactory, LeadFactory, OpportunityFactory, TouchpointFactory
from tests.leads.figures.world import on

pytestmark = pytest.mark.django_db
LATER = MONDAY.replace(day=18)


def won(campaign: Campaign, *, day: int, cents: int | None, **more: object) -> Opportunity:
    lead = LeadFactory(captured_at=on(1, month=9))
    TouchpointFactory(lead=lead, campaign=campaign, occurred_at=on(2, month=10))
    known = {"status": "won", "opened_at": on(3, month=10), "closed_at": on(day), "amount_cents": cents}
    deal = OpportunityFactory(**{**known, **more})
    OpportunityContact.objects.create(opportunity=deal, lead=lead, is_primary=True)
    return deal


@pytest.fixture
def campaign(company: Company) -> Campaign:
    return CampaignFactory(name="Dark")


def made(**deals: object) -> WeeklyReport:
    run_attribution(at=MONDAY, reason="test")
    return report()


def told(found: WeeklyReport) -> tuple[object, ...]:
    split = found.content["split"]
    parts = {part["cents"] for part in split["parts"]}
    return split["previous_cents"], split["current_cents"], split["change_cents"], split["change_text"], parts


def test_a_week_without_amounts_has_no_change_to_explain(campaign: Campaign) -> None:
    won(campaign, day=4, cents=30_000)
    won(campaign, day=10, cents=None)
    won(campaign, day=11, cents=70_000, currency="XXX", reporting_cents=None)
    found = made()
    assert told(found) == (30_000, None, None, "–", {None})
    assert found.content["split"]["lacking_text"] == (
        "Without a known amount, and in no part: 2 won deals of this week."
    )
    tile = next(tile for tile in found.content["tiles"] if tile["figure"] == "pipeline.won")
    assert (tile["value"], tile["text"], tile["lacking_text"]) == (None, "–", "2 rows lack their amount")
    sourced = next(tile for tile in found.content["tiles"] if tile["figure"] == "pipeline.sourced")
    assert sourced["value"] == 0


def test_the_week_before_may_be_the_unknown_one(campaign: Campaign) -> None:
    won(campaign, day=4, cents=None)
    won(campaign, day=10, cents=30_000)
    found = made()
    assert told(found) == (None, 30_000, None, "–", {None})
    assert found.content["split"]["lacking_text"] == "Without a known amount, and in no part: 1 won deal of last week."
    tile = next(tile for tile in found.content["tiles"] if tile["figure"] == "pipeline.won")
    assert (tile["previous"], tile["delta"]) == (None, "")


def test_where_some_amounts_are_known_the_others_are_counted(campaign: Campaign) -> None:
    won(campaign, day=4, cents=None)
    won(campaign, day=4, cents=10_000)
    won(campaign, day=10, cents=30_000)
    found = made()
    assert told(found)[:3] == (10_000, 30_000, 20_000)
    assert found.content["split"]["lacking_text"] == "Without a known amount, and in no part: 1 won deal of last week."


def test_sourced_pipeline_whose_deals_lack_their_amount_is_unknown(campaign: Campaign) -> None:
    won(campaign, day=12, cents=None, opened_at=on(10))
    found = made()
    sourced = next(tile for tile in found.content["tiles"] if tile["figure"] == "pipeline.sourced")
    assert (sourced["value"], sourced["text"], sourced["lacking_text"]) == (None, "–", "1 row lacks its amount")


def test_a_campaigns_revenue_is_unknown_and_no_best_one(campaign: Campaign) -> None:
    won(campaign, day=10, cents=None)
    other = CampaignFactory(name="Bright")
    won(other, day=10, cents=30_000)
    found = made()
    rows = found.content["campaigns"]
    assert [row["name"] for row in rows["best"]] == ["Bright"]
    assert rows["count"] == 2


def test_page_mail_and_pdf_say_so(campaign: Campaign, client: Client, director: User) -> None:
    won(campaign, day=4, cents=30_000)
    won(campaign, day=10, cents=None)
    found = made()
    client.force_login(director)
    with time_machine.travel(LATER, tick=False):
        page = text_of(client.get(found.get_absolute_url()))
    lacking = "Without a known amount, and in no part: 1 won deal of this week."
    assert lacking in page
    assert "The change is unknown" in page
    _, text, html = render_email(report=found, company_name="Test")
    assert lacking in text
    assert lacking in html
    assert render_pdf(report=found, company_name="Test").startswith(b"%PDF")


def test_an_amount_that_becomes_known_restates_the_split_and_nothing_else_does(campaign: Campaign) -> None:
    won(campaign, day=4, cents=30_000)
    deal = won(campaign, day=10, cents=None)
    found = made()
    assert restate(at=MONDAY.replace(day=17)) == []
    with backdated(MONDAY.replace(day=17, hour=9)):
        Opportunity.objects.filter(pk=deal.pk).update(amount_cents=40_000, reporting_cents=40_000)
    rows = {(row.figure, row.item): (row.published_value, row.current_value) for row in restate(at=LATER)}
    assert rows["pipeline.won", ""] == (None, 40_000)
    assert sum(
        rows["split", key][1] for key in ("volume", "conversion", "deal_size", "mix") if ("split", key) in rows
    ) == (10_000)
    assert all(rows[which][0] is None for which in rows if which[0] == "split")
    assert found.content["split"]["change_cents"] is None
