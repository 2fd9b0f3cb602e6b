"""Sales feedback by campaign and source, each number with its rows; proposed rules, dismissed with a reason."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from leads.figures.base import Scope, figure
from leads.figures.feedback import feedback
from leads.models import Campaign, Company, DismissedProposal, LifecyclePassage, User
from leads.pure.week import Period
from tests.leads.factories import CampaignFactory, LeadFactory, channel

URL = "/feedback"


def answer(campaign: Campaign | None, to: str, count: int, reason: str = "", **more: object) -> None:
    at = timezone.now() - timedelta(hours=2)
    for _ in range(count):
        lead = LeadFactory(campaign=campaign, channel=campaign.channel if campaign else None, stage=to, **more)
        LifecyclePassage.objects.create(lead=lead, from_stage="mql", to_stage=to, passed_at=at, reason=reason)


def scope(company: Company) -> Scope:
    at = timezone.now()
    return Scope(period=Period(at - timedelta(days=2), at), at=at, tz=company.tz, currency="EUR")


def test_every_row_is_what_its_figures_say(company: Company) -> None:
    parent = CampaignFactory(name="Expo year")
    child = CampaignFactory(name="Expo spring", parent=parent, channel=channel("display"))
    answer(child, "sal", 6)
    answer(child, "recycled", 3, "no_budget")
    answer(child, "disqualified", 1, "bad_fit")
    answer(parent, "sal", 2)
    answer(None, "recycled", 1, "no_need")
    for by in ("campaign", "channel"):
        rows = feedback(scope(company), by)  # type: ignore[arg-type]
        for each in (row for row in rows if row.key):
            assert figure("leads.rejection_reasons", each.scope).value == each.rejected
            assert figure("leads.acceptance_rate", each.scope).value == pytest.approx(1 - each.rate)
    found = {each.name: (each.accepted, each.rejected) for each in feedback(scope(company), "campaign")}
    assert found == {"Expo year": (8, 4), "Expo spring": (6, 4), "No campaign": (0, 1)}
    spring = next(each for each in feedback(scope(company), "campaign") if each.name == "Expo spring")
    assert spring.named_reasons == [("No budget", 3), ("Company does not fit", 1)]
    assert (round(spring.interval.low, 3), round(spring.interval.high, 3)) == (0.168, 0.687)


def test_the_page_shows_rates_and_opens_their_rows(client: Client, company: Company, director: User) -> None:
    campaign = CampaignFactory(name="Expo")
    answer(campaign, "sal", 6)
    answer(campaign, "recycled", 4, "no_budget")
    client.force_login(director)
    page = client.get(URL).content.decode()
    assert "Expo" in page
    assert "40.0%" in page
    assert "17% to 69%" in page
    assert f"campaign={campaign.public_id}" in page
    assert "No rule stands out" in page
    file = client.get(URL, {"export": "csv"}).content.decode("utf-8-sig")
    assert "Expo,6,4,0.4" in file
    assert client.get(URL, {"from": "bad"}).status_code == 400
    assert client.get(URL, {"by": "channel"}).status_code == 200


def test_a_proposed_rule_is_dismissed_with_a_reason_and_restored(
    client: Client, company: Company, director: User, sales_leader: User
) -> None:
    answer(CampaignFactory(name="Fair"), "sal", 60, company_size=400, country="DE")
    answer(CampaignFactory(name="Bought list"), "disqualified", 40, "bad_fit", company_size=4, country="DE")
    client.force_login(director)
    page = client.get(URL).content.decode()
    assert "40 of 40 rejected" in page
    assert "would have lost 0 of 0 SQLs" in page
    shown = client.get(URL).context["proposals"][0]
    dismiss = {"key": shown["key"], "words": shown["words"]}
    client.post(f"{URL}/dismiss", dismiss)
    assert not DismissedProposal.objects.exists()
    client.post(f"{URL}/dismiss", {**dismiss, "reason": "We left that supplier"})
    row = DismissedProposal.objects.get()
    keys = [each["key"] for each in client.get(URL).context["proposals"]]
    assert shown["key"] not in keys
    client.force_login(sales_leader)
    assert client.post(f"{URL}/dismiss", {**dismiss, "reason": "x"}).status_code == 403
    client.force_login(director)
    client.post(f"{URL}/dismissed/{row.public_id}/restore")
    assert shown["key"] in [each["key"] for each in client.get(URL).context["proposals"]]


def test_reps_do_not_see_it(client: Client, company: Company, rep: User) -> None:
    client.force_login(rep)
    assert client.get(URL).status_code == 403
