"""A report's week on pages and in the API, asked as of its publication after everything beneath it was corrected."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.test import Client

from attribution.actions.runs.run_attribution import run_attribution
from leads.forms.as_of import exact
from leads.models import ApiKey, CampaignCost, Company, Lead, Opportunity, Scope, User
from leads.past.acting import Door, act, backdated
from tests.alignment.factories import MONDAY, build_world, report
from tests.leads.factories import LeadFactory, TouchpointFactory
from tests.leads.figures import world

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
LATER = MONDAY + 2 * DAY
COST = 7 * 1_000 + 20_000
"""Cents of the week: Search on seven days, Expo on one; Expo's dollars have no rate."""
PUBLISHED = {
    "pipeline.won": 300_000,
    "leads.mqls": 2,
    "attribution.revenue": 300_000,
    "attribution.roi": (300_000 - COST) / COST,
}
TODAY = {
    "pipeline.won": 1_300_000,
    "leads.mqls": 1,
    "attribution.revenue": 1_300_000,
    "attribution.roi": (1_300_000 - COST - 500_000) / (COST + 500_000),
}


@pytest.fixture(autouse=True)
def today() -> object:
    with time_machine.travel(LATER, tick=False):
        yield


@pytest.fixture
def corrected(company: Company) -> SimpleNamespace:
    """Published, then: the won deal +€10,000, a touchpoint deleted, a cost of €5,000 booked back, two MQLs merged."""
    with backdated(MONDAY - 30 * DAY):
        made = build_world()
        CampaignCost.objects.update(recorded_at=MONDAY - DAY)
        touch = TouchpointFactory(lead=made.b, campaign=made.expo, occurred_at=world.on(8))
        twins = [LeadFactory(captured_at=world.on(10)) for _ in range(2)]
        for lead in twins:
            world.passage(lead, "mql", world.on(10))
    run_attribution(at=MONDAY, reason="test")
    made.report = report()
    with backdated(MONDAY + DAY), act(Door.PAGE, actor=made.ben.pk):
        Opportunity.objects.filter(pk=made.won.pk).update(amount_cents=1_300_000, reporting_cents=1_300_000)
        touch.delete()
        CampaignCost.objects.create(
            campaign=made.expo,
            spent_on=date(2026, 11, 12),
            amount_cents=500_000,
            currency="EUR",
            reporting_cents=500_000,
            recorded_at=MONDAY + DAY,
        )
        Lead.objects.filter(pk=twins[0].pk).update(merged_into=twins[1])
    run_attribution(at=LATER, reason="test")
    return made


def test_a_week_as_of_its_publication_reads_as_published(
    client: Client, director: User, corrected: SimpleNamespace
) -> None:
    client.force_login(director)
    published = corrected.report

    def asked(key: str, **more: str) -> Any:
        return client.get(f"/figures/{key}", {"week": "2026-W46", **more}).context["figure"].value

    for key, value in PUBLISHED.items():
        assert published.content["figures"][key]["value"] == pytest.approx(value), key
        assert asked(key, as_of=exact(published.as_of)) == pytest.approx(value), key
        assert asked(key) == pytest.approx(TODAY[key]), key


def test_credits_of_a_past_day_in_the_api_are_those_of_then(client: Client, corrected: SimpleNamespace) -> None:
    """The deleted touchpoint has its credit back, and the deal's amount is the published one."""
    _, key = ApiKey.objects.create_key(name="test", scopes=[Scope.ATTRIBUTION_READ])
    address = f"/api/v1/integrations/sales/attribution/opportunities/{corrected.won.public_id}"

    def asked(**more: str) -> list[tuple[str, str]]:
        answer = client.get(address, {"model": "linear", **more}, headers={"Authorization": f"Bearer {key}"})
        (model,) = answer.json()["models"]
        return [(each["channel"]["key"], each["credit"]["amount"]) for each in model["credits"]]

    assert asked(as_of=exact(corrected.report.as_of)) == [
        ("paid-search", "750.00"),
        ("direct", "750.00"),
        ("paid-search", "750.00"),
        ("events", "750.00"),
    ]
    assert asked() == [("paid-search", "4333.34"), ("direct", "4333.33"), ("paid-search", "4333.33")]
