"""Reading leads over the API."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.test import Client

from leads.models import Company, User
from tests.leads.api.keys import make_key
from tests.leads.factories import LeadFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]


@pytest.fixture
def key(db: None) -> dict[str, str]:
    return make_key("leads:read")[1]


def test_pages_follow_a_cursor(client: Client, key: dict[str, str]) -> None:
    leads = [LeadFactory() for _ in range(5)]

    first = client.get("/api/v1/leads?limit=2", headers=key).json()
    LeadFactory()  # added meanwhile; must not shift the pages
    second = client.get(first["next"], headers=key).json()

    ids = [row["id"] for row in first["results"] + second["results"]]
    assert ids == [str(lead.public_id) for lead in reversed(leads)][:4]
    assert first["previous"] is None
    assert second["previous"]


def test_filters_choose_and_refuse(client: Client, key: dict[str, str]) -> None:
    ada = LeadFactory(first_name="Ada", last_name="Byron", stage="mql")
    LeadFactory(first_name="Bob")

    def ids(query: str) -> list[str]:
        return [row["id"] for row in client.get(f"/api/v1/leads?{query}", headers=key).json()["results"]]

    assert ids("stage=mql") == ids("q=byron+ada") == [str(ada.public_id)]
    assert ids(f"email={ada.email.upper()}") == [str(ada.public_id)]
    refused = client.get("/api/v1/leads?stage=wizard", headers=key)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "/stage"


def test_a_merged_or_unknown_lead_is_not_found(client: Client, key: dict[str, str]) -> None:
    merged = LeadFactory(merged_into=LeadFactory())

    for public_id in (merged.public_id, uuid4()):
        response = client.get(f"/api/v1/leads/{public_id}", headers=key)
        assert response.status_code == 404
        assert response.headers["Content-Type"].startswith("application/problem+json")


def test_people_read_only_what_their_role_allows(client: Client, director: User, rep: User) -> None:
    lead = LeadFactory()
    client.force_login(director)
    assert client.get(f"/api/v1/leads/{lead.public_id}").status_code == 200

    client.force_login(rep)
    assert client.get(f"/api/v1/leads/{lead.public_id}").status_code == 403


def test_a_key_needs_the_scope(client: Client) -> None:
    write_only = make_key("leads:write")[1]

    assert client.get("/api/v1/leads", headers=write_only).status_code == 403
    assert client.get("/api/v1/leads").status_code == 401


def test_a_page_takes_few_queries(client: Client, key: dict[str, str], django_assert_max_num_queries: Any) -> None:
    client.get("/api/v1/leads", headers=key)
    for _ in range(50):
        LeadFactory()

    with django_assert_max_num_queries(10):
        assert len(client.get("/api/v1/leads", headers=key).json()["results"]) == 50


@pytest.mark.parametrize("position", ["x", "-1", "\u0664", "9" * 40, ""])
def test_a_made_up_cursor_is_refused(client: Client, key: dict[str, str], position: str) -> None:
    cursor = b64encode(urlencode({"p": position}).encode()).decode()
    response = client.get("/api/v1/leads", {"cursor": cursor}, headers=key)
    assert response.status_code in (200, 400)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01"])
@pytest.mark.parametrize("name", ["captured_from", "captured_to"])
def test_moments_at_the_ends_of_the_calendar_are_answered(
    client: Client, key: dict[str, str], name: str, moment: str
) -> None:
    assert client.get("/api/v1/leads", {name: moment}, headers=key).status_code in (200, 400)


@pytest.mark.parametrize(
    "moment", ["2026-11-20", "2026-11-20T00:00:00", "2026-11-19T23:00:00Z", "2026-11-20T00:00:00+01:00"]
)
def test_moments_without_an_offset_are_the_companys(
    client: Client, company: Company, key: dict[str, str], moment: str
) -> None:
    LeadFactory(email="before@a.example", captured_at=datetime(2026, 11, 19, 22, 59, tzinfo=UTC))
    LeadFactory(email="after@a.example", captured_at=datetime(2026, 11, 19, 23, tzinfo=UTC))
    found = client.get("/api/v1/leads", {"captured_from": moment}, headers=key).json()["results"]
    assert [lead["email"] for lead in found] == ["after@a.example"]
    found = client.get("/api/v1/leads", {"captured_to": moment}, headers=key).json()["results"]
    assert [lead["email"] for lead in found] == ["before@a.example"]


def test_a_time_that_ends_before_it_begins_is_refused(client: Client, key: dict[str, str]) -> None:
    asked = {"captured_from": "2026-12-01", "captured_to": "2026-01-01"}
    response = client.get("/api/v1/leads", asked, headers=key)
    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == "/captured_to"
