"""Cost reports of advertising services, sent to the API as they are exported."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client

from leads.models import CampaignCost, Company, CostChange, Scope
from tests.leads.api.keys import make_key
from tests.leads.factories import CampaignFactory
from tests.leads.pure.imports.test_ad_reports import GOOGLE, MICROSOFT

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/costs/reports"


@pytest.fixture
def key(company: Company) -> dict[str, str]:
    return make_key(Scope.COSTS_WRITE)[1]


def send(client: Client, key: dict[str, str], content: str | bytes, query: str = "", kind: str = "text/csv") -> Any:
    raw = content.encode() if isinstance(content, str) else content
    return client.post(f"{ADDRESS}{query}", raw, content_type=kind, headers=key)


def test_a_report_is_recorded_and_a_day_sent_again_replaces_itself(client: Client, key: dict[str, str]) -> None:
    campaign = CampaignFactory(code="q4-brand", name="Q4 Brand")
    first = send(client, key, GOOGLE)
    assert first.status_code == 200
    assert first.json() == {
        "service": "Google Ads",
        "source": "google-ads",
        "time_zone": "the account's time zone",
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "totals_left_out": 2,
        "unknown_campaigns": ["Q4 Generic"],
    }
    again = send(client, key, GOOGLE.replace("1,234.50", "1,300.00"), kind="application/octet-stream").json()
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 1, 1)
    row = CampaignCost.objects.get(campaign=campaign, spent_on=date(2026, 11, 16))
    assert (row.amount_cents, row.currency, row.source) == (130000, "EUR", "google-ads")
    assert CostChange.objects.filter(spent_on=date(2026, 11, 16)).count() == 2


def test_reports_of_two_services_add_up(client: Client, key: dict[str, str]) -> None:
    campaign = CampaignFactory(code="Q4 Brand".casefold(), name="Something else")
    send(client, key, GOOGLE)
    send(client, key, MICROSOFT)
    rows = CampaignCost.objects.filter(campaign=campaign, spent_on=date(2026, 11, 16))
    assert {row.source: row.amount_cents for row in rows} == {"google-ads": 123450, "microsoft-ads": 11820}


def test_a_campaign_known_by_code_and_by_name_is_one(client: Client, key: dict[str, str]) -> None:
    campaign = CampaignFactory(code="q4", name="Fourth quarter")
    text = "Day,Campaign,Currency,Cost\n2026-11-16,Q4,EUR,1.00\n2026-11-16,Fourth Quarter,EUR,2.00\n"
    assert send(client, key, text).json()["created"] == 1
    assert CampaignCost.objects.get(campaign=campaign).amount_cents == 300


def test_of_two_campaigns_of_one_name_none_is_guessed(client: Client, key: dict[str, str]) -> None:
    CampaignFactory(code="a", name="Q4")
    CampaignFactory(code="b", name="q4")
    answer = send(client, key, "Day,Campaign,Currency,Cost\n2026-11-16,Q4,EUR,1.00\n").json()
    assert answer["unknown_campaigns"] == ["Q4"]
    assert not CampaignCost.objects.exists()


@pytest.mark.parametrize(
    ("content", "query", "because"),
    [
        ("", "", "empty"),
        (b"\x00\x01", "", "not text"),
        ("Day,Campaign,Cost\n2026-11-16,Q4,1.00\n", "", "names no currency"),
        ("Day,Campaign,Cost\n2026-11-16,Q4,1.00\n", "?currency=XYZ", "'XYZ' is not the code of a currency"),
        ("Day,Campaign,Currency,Cost\n2026-11-16,Q4,EUR,lots\n", "", "Line 2"),
    ],
)
def test_a_report_that_cannot_be_read_changes_nothing(
    client: Client, key: dict[str, str], content: str | bytes, query: str, because: str
) -> None:
    CampaignFactory(code="q4", name="Q4")
    answer = send(client, key, content, query)
    assert answer.status_code == 422
    assert because in answer.json()["detail"]
    assert not CampaignCost.objects.exists()


def test_the_currency_of_the_account_may_be_given(client: Client, key: dict[str, str]) -> None:
    CampaignFactory(code="q4", name="Q4")
    answer = send(client, key, "Day,Campaign,Cost\n2026-11-16,Q4,1.00\n", "?currency=usd")
    assert answer.json()["created"] == 1
    assert CampaignCost.objects.get().currency == "USD"


def test_an_amount_that_could_be_two_is_asked_for(client: Client, key: dict[str, str]) -> None:
    CampaignFactory(code="q4", name="Q4")
    text = "Day,Campaign,Currency,Cost\n2026-11-16,Q4,EUR,1.234\n"
    refused = send(client, key, text)
    assert refused.status_code == 422
    assert "'1.234' could be two amounts" in refused.json()["detail"]
    assert send(client, key, text, "?decimal=x").status_code == 400
    assert send(client, key, text, "?decimal=,").json()["created"] == 1
    assert CampaignCost.objects.get().amount_cents == 123400
