"""Campaigns by owner: table, files, page and API ask for the deals of one owner; costs have none."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from attribution.actions.runs.run_attribution import run_attribution
from leads.models import Campaign, CampaignCost, Company, OpportunityContact, Scope, User
from tests.leads.api.keys import make_key
from tests.leads.factories import CampaignFactory, LeadFactory, OpportunityFactory, TouchpointFactory, UserFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 20, tzinfo=UTC)
DAYS = {"from": "2026-11-01", "to": "2026-11-27"}


@pytest.fixture
def made(company: Company) -> tuple[Campaign, User]:
    """Ann won 100.00, Ben 300.00 and nobody 700.00 through one campaign that cost 50.00."""
    campaign, ann, ben = CampaignFactory(name="Search"), UserFactory(name="Ann"), UserFactory(name="Ben")
    for owner, cents in ((ann, 10_000), (ben, 30_000), (None, 70_000)):
        lead = LeadFactory(captured_at=AT - timedelta(days=30), owner=owner)
        TouchpointFactory(lead=lead, campaign=campaign, occurred_at=AT - timedelta(days=20))
        deal = OpportunityFactory(
            status="won", amount_cents=cents, owner=owner, opened_at=AT - timedelta(days=10), closed_at=AT
        )
        OpportunityContact.objects.create(opportunity=deal, lead=lead, is_primary=True)
    CampaignCost.objects.create(
        campaign=campaign, spent_on=AT.date(), amount_cents=5_000, currency="EUR", reporting_cents=5_000,
        recorded_at=AT,
    )  # fmt: skip
    run_attribution(at=AT + timedelta(days=1), reason="test")
    return campaign, ann


def test_the_table_and_its_files_are_of_one_owner(
    client: Client, sales_leader: User, made: tuple[Campaign, User]
) -> None:
    client.force_login(sales_leader)
    page = reverse("attribution:campaign-attribution")
    for owner, text, number in (
        (str(made[1].public_id), "€100", "100.00"),
        ("none", "€700", "700.00"),
        ("", "€1,100", "1100.00"),
    ):
        asked = {**DAYS, "level": "campaigns", "owner": owner}
        answer = client.get(page, asked, follow=True)
        (line,) = [line for line in answer.context["lines"] if line.node.name == "Search"]
        assert line.revenue == text
        assert (line.cost, line.roi_note) == (("€50", "") if not owner else ("–", "costs have no owner"))
        assert f"owner={owner}" in line.url or not owner
        assert answer.context["check"]["holds"]
        body = client.get(page, {**asked, "export": "csv"}, follow=True).content.decode("utf-8-sig")
        told = {row["Name"]: row["Revenue, Linear"] for row in csv.DictReader(io.StringIO(body))}
        assert told["Search"] == number
        book = client.get(page, {**asked, "export": "xlsx"}, follow=True).content
        sheet = zipfile.ZipFile(io.BytesIO(book)).read("xl/worksheets/sheet1.xml").decode()
        assert f"<v>{float(number):g}</v>" in sheet


def test_a_campaigns_page_and_the_api_are_of_one_owner(
    client: Client, sales_leader: User, made: tuple[Campaign, User]
) -> None:
    campaign, ann = made
    client.force_login(sales_leader)
    asked = {**DAYS, "owner": str(ann.public_id)}
    answer = client.get(reverse("attribution:campaign", args=[campaign.public_id]), asked)
    assert [row["credit"] for row in answer.context["deals"]] == [10_000]
    _, headers = make_key(Scope.ATTRIBUTION_READ)
    own = f"/api/v1/integrations/sales/attribution/{campaign.public_id}"
    totals = client.get(own, asked, headers=headers).json()["totals"]
    assert totals["attributed_revenue"]["amount"] == "100.00"
    assert (totals["cost"], totals["roi"], totals["roi_unknown_because"]) == (None, None, "costs have no owner")
    (listed,) = client.get("/api/v1/integrations/sales/attribution", asked, headers=headers).json()["results"]
    assert (listed["attributed_revenue"]["amount"], listed["cost"], listed["roi"]) == ("100.00", None, None)
    wrong = client.get(own, {**DAYS, "owner": "who"}, headers=headers)
    assert wrong.status_code == 400
    assert "owner" in str(wrong.json())
