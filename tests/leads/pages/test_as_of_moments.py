"""Which moments can be asked for, and how those that cannot are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from leads.forms.as_of import exact, read_as_of
from leads.models import Change, Company, Opportunity, User
from leads.past.moments import to_micros
from tests.leads.as_of import CHANGED, PUBLISHED, WEEK, changed_deal, won


@pytest.fixture
def deal(company: Company) -> Opportunity:
    return changed_deal()


@pytest.fixture
def leader(client: Client, sales_leader: User) -> Client:
    client.force_login(sales_leader)
    return client


def test_a_change_belongs_to_its_own_microsecond(deal: Opportunity, leader: Client) -> None:
    def value(at: datetime) -> str:
        return leader.get(won(), {**WEEK, "as_of": exact(at)}).context["value"]

    assert value(CHANGED - timedelta(microseconds=1)) == "€50,000.00"
    assert value(CHANGED) == "€60,001.00"


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-16", datetime(2026, 11, 16, 22, 59, 59, 999_999, tzinfo=UTC)),
        ("2026-10-25", datetime(2026, 10, 25, 22, 59, 59, 999_999, tzinfo=UTC)),  # summer time ends
        ("2026-11-16T09:30:00+01:00", datetime(2026, 11, 16, 8, 30, tzinfo=UTC)),
        ("2026-11-16T09:30:00 01:00", datetime(2026, 11, 16, 8, 30, tzinfo=UTC)),  # a plus that was not escaped
        ("2026-11-23T06:00:00.123456Z", PUBLISHED),
        ("2026-11-29", CHANGED),  # today: now
    ],
)
def test_what_moments_mean(company: Company, text: str, at: datetime) -> None:
    found = read_as_of(text, tz=company.tz, at=CHANGED)
    assert found.at == at
    # What stands in addresses from then on means the same moment for ever.
    assert read_as_of(found.text, tz=company.tz, at=CHANGED + timedelta(days=400)).at == at


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("yesterday", "Give a date"),
        ("2026-11-20T10:00:00", "with its offset"),
        ("2026-13-01", "Give a date"),
        ("0001-01-01", "1990"),
        ("0001-01-01T00:00:00+14:00", "1990"),
        ("9999-12-31", "Give a date"),
        ("9999-12-31T23:59:59-14:00", "future"),
        ("2999-01-01", "future"),
        ("2" * 60, "Give a date"),
    ],
)
def test_what_is_no_moment_is_refused_by_name(
    company: Company, leader: Client, client: Client, text: str, says: str
) -> None:
    response = leader.get(won(), {"as_of": text, "channel": "email"})
    page = response.content.decode()
    assert response.status_code == 400
    assert "<strong>as_of</strong>" in page
    assert says in page
    # The other filters stay while another moment is chosen.
    assert '<input type="hidden" name="channel" value="email">' in page
    answer = client.get(reverse("performance"), {"as_of": text})
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/as_of"
    assert says in error["detail"]


def test_before_history_began_is_refused_with_the_day_it_did(company: Company, leader: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE leads_change SET at = %s WHERE id = (SELECT min(id) FROM leads_change)",
            [int(datetime(2026, 9, 1, 7, 0, 30, tzinfo=UTC).timestamp()) * 1_000_000],
        )
    response = leader.get(won(), {"as_of": "2026-08-31"})
    assert response.status_code == 400
    assert "History is available since 1 Sep 2026, 09:01 CEST." in response.content.decode()
    assert leader.get(won(), {"as_of": "2026-09-01T09:01:00+02:00"}).status_code == 200


def test_what_an_installation_was_made_with_is_no_beginning(company: Company, leader: Client) -> None:
    """What migrations write into an empty installation was there at moment 0; history begins with what people do."""
    Change.objects.create(began_at=0, at=0, door="migration", is_backdated=True)
    Change.objects.filter(at__gt=0).update(at=to_micros(datetime(2026, 9, 1, 7, 0, 30, tzinfo=UTC)))
    says = "History is available since 1 Sep 2026, 09:01 CEST."
    for day in ("1990-01-01", "2026-08-31"):
        refused = leader.get(won(), {"as_of": day})
        assert refused.status_code == 400
        assert says in refused.content.decode()
        answer = leader.get("/api/v1/leads", {"as_of": day})
        assert answer.status_code == 400
        assert says in answer.content.decode()
