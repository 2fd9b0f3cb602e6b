"""Campaigns whose deals have no amounts: what they earned is unknown on every way it is asked, never zero."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from attribution.actions.runs.run_attribution import run_attribution
from leads.models import Campaign, Company, Opportunity, OpportunityContact, Scope, User
from tests.leads.api.keys import make_key
from tests.leads.factories import CampaignFactory, LeadFactory, OpportunityFactory, TouchpointFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 20, tzinfo=UTC)
DAYS = {"from": "2026-11-01", "to": "2026-11-27"}


def touched_deal(campaign: Campaign | None, status: str, cents: int | None) -> None:
    lead = LeadFactory(captured_at=AT - timedelta(days=30))
    if campaign:
        TouchpointFactory(lead=lead, campaign=campaign, occurred_at=AT - timedelta(days=20))
    deal = OpportunityFactory(
        status=status, amount_cents=cents, opened_at=AT - timedelta(days=10),
        closed_at=AT if status == "won" else None,
    )  # fmt: skip
    OpportunityContact.objects.create(opportunity=deal, lead=lead, is_primary=True)


@pytest.fixture
def campaigns(company: Company) -> tuple[Campaign, Campaign]:
    unknown, half = CampaignFactory(name="Unknown"), CampaignFactory(name="Half")
    touched_deal(unknown, "won", None)
    touched_deal(unknown, "open", None)
    touched_deal(half, "won", None)
    touched_deal(half, "won", 10_000)
    run_attribution(at=AT + timedelta(days=1), reason="test")
    return unknown, half


def test_the_table_and_its_files_say_unknown(
    client: Client, sales_leader: User, campaigns: tuple[Campaign, Campaign]
) -> None:
    client.force_login(sales_leader)
    page = reverse("attribution:campaign-attribution")
    answer = client.get(page, {**DAYS, "level": "campaigns"}, follow=True)
    shown = {line.node.name: (line.revenue, line.pipeline) for line in answer.context["lines"]}
    assert shown["Unknown"] == ("–", "–")
    assert shown["Half"] == ("€100", "€0")
    rows = csv.DictReader(
        io.StringIO(client.get(page, {**DAYS, "export": "csv"}, follow=True).content.decode("utf-8-sig"))
    )
    told = {row["Name"]: (row["Revenue, Linear"], row["Pipeline"]) for row in rows if row["Level"] == "campaign"}
    assert told == {"Unknown": ("", ""), "Half": ("100.00", "0.00")}


def test_the_apis_say_null_with_how_many_lack_theirs(client: Client, campaigns: tuple[Campaign, Campaign]) -> None:
    unknown, _ = campaigns
    _, key = make_key(Scope.ATTRIBUTION_READ, Scope.PERFORMANCE_READ)
    listed = client.get("/api/v1/integrations/sales/attribution", DAYS, headers=key).json()["results"]
    told = {row["campaign"]["name"]: (row["attributed_revenue"], row["attributed_pipeline"]) for row in listed}
    assert told["Unknown"] == (None, None)
    assert told["Half"][0]["amount"] == "100.00"
    one = client.get(f"/api/v1/integrations/sales/attribution/{unknown.public_id}", DAYS, headers=key).json()
    assert {model["key"]: model["attributed_revenue"] for model in one["models"]}["linear"] is None
    performance = client.get("/api/v1/integrations/sales/performance", DAYS, headers=key).json()
    found = {row["name"]: row["attributed_revenue"] for row in performance["campaigns"]["results"]}
    assert found["Unknown"] is None
    assert performance["pipeline"]["open"]["value"] is None
    assert performance["pipeline"]["open"]["lacking"] == 1


def test_where_no_deal_has_an_amount_the_whole_is_unknown(
    client: Client, sales_leader: User, campaigns: tuple[Campaign, Campaign]
) -> None:
    Opportunity.objects.update(amount_cents=None, reporting_cents=None)
    client.force_login(sales_leader)
    answer = client.get(reverse("attribution:campaign-attribution"), DAYS, follow=True)
    assert answer.context["totals"]["total"] == "–"
    page = client.get(reverse("leads:figure", args=["pipeline.won"]), DAYS)
    assert "3 rows lack their amount" in page.content.decode()
    book = client.get(reverse("leads:figure", args=["pipeline.won"]), {**DAYS, "export": "xlsx"})
    with zipfile.ZipFile(io.BytesIO(book.content)) as sheets:
        assert "3 rows lack their amount" in sheets.read("xl/sharedStrings.xml").decode()
