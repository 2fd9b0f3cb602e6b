"""Every filter bar: an empty filter is the default, a wrong one a message with the bar kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.test import Client

from leads.models import User
from tests.leads.factories import CampaignFactory, LeadFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
BAR = '<details class="filter-bar"'


def bars() -> list[str]:
    """An address of every page that has one."""
    campaign, lead = CampaignFactory(), LeadFactory()
    return [
        "/attribution",
        f"/attribution/campaigns/{campaign.public_id}",
        "/attribution/sourced",
        "/pipeline",
        "/leads",
        f"/history/lead/{lead.public_id}",
    ]


@pytest.fixture
def reader(client: Client, director: User) -> Client:
    client.force_login(director)
    return client


def followed(client: Client, url: str, query: dict[str, str]) -> Any:
    """The answer after at most one redirect: a second one would be a circle."""
    answer = client.get(url, query)
    return client.get(answer.headers["Location"]) if answer.status_code == 302 else answer


@pytest.mark.parametrize(
    "query",
    [
        {"from": "", "to": "2026-11-29"},
        {"from": "2026-10-01", "to": ""},
        {"from": "", "to": ""},
        {"as_of": ""},
        {"week": "2026-W47"},
        {"method": "", "basis": "", "scope": "", "channel": "", "territory": "", "stage": "", "owner": ""},
    ],
)
def test_an_empty_filter_is_the_default(reader: Client, query: dict[str, str]) -> None:
    for url in bars():
        answer = followed(reader, url, query)
        assert answer.status_code == 200, (url, query)
        assert BAR in answer.content.decode(), (url, query)


@pytest.mark.parametrize("text", ["bad", "2026-02-30", "0002-01-01", "275760-09-13", "2026-11-29T00:00", "29.11.2026"])
@pytest.mark.parametrize("name", ["from", "to", "as_of"])
def test_a_wrong_date_is_told_beside_every_filter(reader: Client, name: str, text: str) -> None:
    label = {"from": "From", "to": "To", "as_of": "As of"}[name]
    for url in bars():
        if (url == "/leads" and name != "as_of") or (url.startswith("/history") and name == "as_of"):
            continue  # the bar has no such filter
        answer = reader.get(url, {name: text, "channel": ""})
        page = answer.content.decode()
        assert answer.status_code == 400, (url, name, text)
        assert BAR in page, (url, name, text)
        assert f"<strong>{label}</strong>" in page, (url, name, text)


def test_days_in_the_wrong_order_are_told(reader: Client) -> None:
    for url in [url for url in bars() if url != "/leads"]:
        answer = reader.get(url, {"from": "2026-11-20", "to": "2026-11-10"})
        assert answer.status_code == 400, url
        assert BAR in answer.content.decode(), url
        assert "The last day lies before the first." in answer.content.decode(), url


@time_machine.travel(NOW, tick=False)
@pytest.mark.parametrize(
    ("query", "days"),
    [
        ({"from": "", "to": "2026-11-29"}, ("2026-09-01", "2026-11-29")),  # 90 days, both ends included
        ({"from": "2026-10-01", "to": ""}, ("2026-10-01", "2026-11-29")),
        ({"from": "2026-12-24", "to": ""}, ("2026-12-24", "2026-12-24")),
        ({"week": "2026-W47"}, ("2026-11-16", "2026-11-22")),
        ({}, ("2026-09-01", "2026-11-29")),
    ],
)
def test_what_an_empty_end_of_a_period_means(reader: Client, query: dict[str, str], days: tuple[str, str]) -> None:
    answer = reader.get("/attribution", query)
    asked = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert (asked["from"][0], asked["to"][0]) == days
    assert "week" not in asked
    assert reader.get(answer.headers["Location"]).status_code == 200


@time_machine.travel(NOW, tick=False)
def test_the_bar_shows_the_days_that_hold(reader: Client) -> None:
    page = reader.get("/pipeline", {"from": "", "to": "2026-11-15"}).content.decode()
    assert 'name="from" value="2026-10-01"' in page
