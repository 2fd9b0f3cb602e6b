"""Costs over the API: idempotent, and every refusal names the member at fault."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from leads.models import Campaign, CampaignCost, User
from tests.leads.api.keys import make_key
from tests.leads.factories import CampaignFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
BODY = {
    "source": "google-ads",
    "costs": [
        {"day": "2026-11-16", "cost": {"amount": "118.20", "currency": "EUR"}},
        {"from": "2026-10-01", "to": "2026-10-03", "cost": {"amount": "1.00", "currency": "EUR"}},
        {"day": "2026-11-17", "cost": {"amount": "0", "currency": "EUR"}},
    ],
}


@pytest.fixture
def key(db: None) -> dict[str, str]:
    return make_key("costs:write")[1]


@pytest.fixture
def campaign() -> Campaign:
    return CampaignFactory()


def url(campaign: Campaign) -> str:
    return f"/api/v1/campaigns/{campaign.public_id}/costs"


def post(client: Client, key: dict[str, str], campaign: Campaign, body: Any) -> Any:
    return client.post(url(campaign), body, content_type="application/json", headers=key)


def test_days_to_come_are_refused(client: Client, key: dict[str, str], campaign: Campaign) -> None:
    tomorrow = f"{timezone.localdate() + timedelta(days=2):%Y-%m-%d}"
    money = {"amount": "1.00", "currency": "EUR"}
    answer = post(client, key, campaign, {"costs": [BODY["costs"][0], {"day": tomorrow, "cost": money}]})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/costs/1/day"
    assert "lies in the future" in answer.json()["errors"][0]["detail"]
    answer = post(client, key, campaign, {"costs": [{"from": "2026-10-01", "to": tomorrow, "cost": money}]})
    assert answer.json()["errors"][0]["pointer"] == "/costs/0/to"
    assert not CampaignCost.objects.exists()


def test_costs_are_recorded_once_and_read_back(client: Client, key: dict[str, str], campaign: Campaign) -> None:
    answer = post(client, key, campaign, BODY)
    assert (answer.status_code, answer.json()) == (
        200,
        {"source": "google-ads", "created": 5, "updated": 0, "unchanged": 0},
    )
    assert post(client, key, campaign, BODY).json()["unchanged"] == 5
    assert CampaignCost.objects.count() == 5
    found = client.get(f"{url(campaign)}?from=2026-10-01&to=2026-10-31&source=google-ads", headers=key).json()
    assert {row["day"]: row["cost"]["amount"] for row in found["results"]} == {
        "2026-10-01": "0.34",
        "2026-10-02": "0.33",
        "2026-10-03": "0.33",
    }
    whole = client.get(url(campaign), headers=key).json()["results"]
    assert [row["reporting"]["amount"] for row in whole if row["day"] == "2026-11-17"] == ["0.00"]
    assert client.get(f"{url(campaign)}?source=import", headers=key).json()["results"] == []


def test_every_change_is_read_back_with_its_author(client: Client, key: dict[str, str], campaign: Campaign) -> None:
    body = {
        "reason": "the month's invoice",
        "costs": [{"day": "2026-11-16", "cost": {"amount": "1", "currency": "EUR"}}],
    }
    post(client, key, campaign, BODY)
    post(client, key, campaign, {**body, "source": "google-ads"})
    found = client.get(f"{url(campaign)}/history?from=2026-11-16&to=2026-11-16", headers=key).json()["results"]
    assert [(row["before"], row["after"]["amount"], row["reason"]) for row in found] == [
        ({"amount": "118.20", "currency": "EUR"}, "1.00", "the month's invoice"),
        (None, "118.20", ""),
    ]
    assert {(row["door"], row["by"], row["source"]) for row in found} == {("api", "website", "google-ads")}
    assert client.get(f"{url(campaign)}/history?source=import", headers=key).json()["results"] == []
    assert client.get(f"{url(campaign)}/history").status_code == 401


def item(**more: Any) -> dict[str, Any]:
    return {"costs": [{"day": "2026-11-16", "cost": {"amount": "1.00", "currency": "EUR"}, **more}]}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/costs"),
        ({"costs": []}, "/costs"),
        ({**BODY, "sauce": 1}, "/sauce"),
        ({**BODY, "source": "Google Ads"}, "/source"),
        ({**BODY, "source": "manual"}, "/source"),
        (item(day="yesterday"), "/costs/0/day"),
        (item(day="0001-01-01"), "/costs/0/day"),
        (item(to="2026-11-17"), "/costs/0/day"),
        (item(cost={"amount": "-1.00", "currency": "EUR"}), "/costs/0/cost/amount"),
        (item(cost={"amount": "1.001", "currency": "EUR"}), "/costs/0/cost/amount"),
        (item(cost={"amount": 1, "currency": "EUR"}), "/costs/0/cost/amount"),
        (item(cost={"amount": "1", "currency": "euro"}), "/costs/0/cost/currency"),
        (item(cost={"amount": "1", "currency": "XYZ"}), "/costs/0/cost/currency"),
        (item(cost={"amount": "1", "currency": "XXX"}), "/costs/0/cost/currency"),
        (item(cost={"amount": "1"}), "/costs/0/cost/currency"),
        ({"costs": [{"from": "2026-11-16", "cost": {"amount": "1", "currency": "EUR"}}]}, "/costs/0/to"),
        (
            {"costs": [{"from": "2026-11-16", "to": "2026-11-15", "cost": {"amount": "1", "currency": "EUR"}}]},
            "/costs/0/to",
        ),
        ({"costs": [BODY["costs"][0], BODY["costs"][0]]}, "/costs/1/day"),
    ],
)
def test_refusals_name_the_member_and_write_nothing(
    client: Client, key: dict[str, str], campaign: Campaign, body: dict[str, Any], pointer: str
) -> None:
    answer = post(client, key, campaign, body)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert pointer in [error["pointer"] for error in answer.json()["errors"]], answer.json()
    assert not CampaignCost.objects.exists()


def test_queries_that_make_no_sense_are_refused(client: Client, key: dict[str, str], campaign: Campaign) -> None:
    for query, pointer in (("from=x", "/from"), ("since=2026-11-01", "/since")):
        (error,) = client.get(f"{url(campaign)}?{query}", headers=key).json()["errors"]
        assert error["pointer"] == pointer


def test_only_keys_with_the_scope_write(client: Client, campaign: Campaign, director: User, rep: User) -> None:
    assert post(client, {}, campaign, BODY).status_code == 401
    assert post(client, make_key("attribution:read")[1], campaign, BODY).status_code == 403
    client.force_login(rep)
    assert client.get(url(campaign)).status_code == 403
    client.force_login(director)
    assert client.get(url(campaign)).status_code == 200
    assert post(client, {}, campaign, BODY).status_code == 403


def test_a_campaign_that_is_not_there(client: Client, key: dict[str, str]) -> None:
    missing = f"/api/v1/campaigns/{uuid4()}/costs"
    assert client.get(missing, headers=key).status_code == 404
    assert client.post(missing, BODY, content_type="application/json", headers=key).status_code == 404
