"""Costs on their campaign and ordered rules on their territory."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from leads.models import Campaign, CampaignCost, CostChange, CostDoor, CostEntry, User
from tests.leads.factories import CampaignFactory


@pytest.fixture
def boss(client: Client, admin_user: User) -> Client:
    client.force_login(admin_user)
    return client


def _campaign_form(campaign: Campaign, **costs: Any) -> dict[str, Any]:
    return {
        "name": campaign.name,
        "code": campaign.code,
        "channel": campaign.channel_id,
        "currency": "EUR",
        "costs-TOTAL_FORMS": 1,
        "costs-INITIAL_FORMS": 0,
        **{f"costs-0-{name}": value for name, value in costs.items()},
    }


def test_a_cost_recorded_on_the_campaign_leaves_its_entry(boss: Client, admin_user: User) -> None:
    campaign = CampaignFactory()
    url = reverse("admin:leads_campaign_change", args=[campaign.pk])
    answer = boss.post(url, _campaign_form(campaign, spent_on="2026-11-02", amount="1234.50", currency="eur"))
    assert answer.status_code == 302, answer.context["errors"]
    cost = CampaignCost.objects.get()
    assert (cost.campaign, cost.spent_on, cost.amount_cents) == (campaign, date(2026, 11, 2), 123_450)
    assert (cost.currency, cost.reporting_cents, cost.source) == ("EUR", 123_450, "manual")
    entry = CostEntry.objects.get()
    assert (entry.door, entry.by) == (CostDoor.ADMIN, admin_user)
    assert "€1,234.50" in boss.get(url).content.decode()


def test_a_cost_is_taken_back_on_the_campaign(boss: Client) -> None:
    campaign = CampaignFactory()
    url = reverse("admin:leads_campaign_change", args=[campaign.pk])
    boss.post(url, _campaign_form(campaign, spent_on="2026-11-02", amount="5", currency="EUR"))
    cost = CampaignCost.objects.get()
    gone = {"costs-INITIAL_FORMS": 1, "costs-0-id": cost.pk, "costs-0-campaign": campaign.pk, "costs-0-DELETE": "on"}
    assert boss.post(url, _campaign_form(campaign) | gone).status_code == 302
    assert not CampaignCost.objects.exists()
    assert CostChange.objects.count() == 2


@pytest.mark.parametrize(("amount", "message"), [("-1", "must not be negative"), ("a lot", "amount"), ("", "required")])
def test_a_wrong_cost_is_refused_with_the_reason(boss: Client, amount: str, message: str) -> None:
    campaign = CampaignFactory()
    url = reverse("admin:leads_campaign_change", args=[campaign.pk])
    answer = boss.post(url, _campaign_form(campaign, spent_on="2026-11-02", amount=amount, currency="EUR"))
    assert answer.status_code == 200
    assert message in " ".join(str(error) for error in answer.context["errors"])
    assert not CampaignCost.objects.exists()


def test_a_campaign_shows_its_newest_costs_alone(boss: Client) -> None:
    campaign, other = CampaignFactory(), CampaignFactory()
    for number in range(20):
        for each in (campaign, other):
            CampaignCost.objects.create(
                campaign=each,
                spent_on=date(2026, 11, 1) + timedelta(days=number),
                amount_cents=100,
                currency="EUR",
                recorded_at="2026-11-21T10:00Z",
            )
    answer = boss.get(reverse("admin:leads_campaign_change", args=[campaign.pk]))
    shown = [form.instance for form in answer.context["inline_admin_formsets"][0].formset.initial_forms]
    assert [cost.spent_on.day for cost in shown] == list(range(20, 6, -1))
    assert {cost.campaign_id for cost in shown} == {campaign.pk}
