"""Figures by owner: filter, groups, drill-down and files, today and as of a past moment."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import openpyxl
import pytest
from django.test import Client
from django.urls import reverse

from leads.figures.base import NO_OWNER, Scope, figure
from leads.figures.groups import groups
from leads.forms.as_of import exact
from leads.models import Company, Opportunity, User
from leads.models import Scope as KeyScope
from leads.past.acting import backdated
from leads.past.span import known_at
from leads.pure.week import Period
from tests.leads.api.keys import make_key
from tests.leads.factories import LeadFactory, OpportunityFactory, UserFactory

pytestmark = pytest.mark.django_db
MADE, CHANGED = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 25, tzinfo=UTC)
AT = datetime(2026, 11, 28, tzinfo=UTC)
DAYS = {"from": "2026-11-01", "to": "2026-11-27"}


@pytest.fixture
def people(company: Company) -> tuple[User, User]:
    """Ada wins 300 and loses one; Ben wins 100, and is handed 40 of Ada's later; 7 are nobody's; Ben has one open."""
    with backdated(MADE):
        ada, ben = UserFactory(name="Ada"), UserFactory(name="Ben")
        for owner, cents in ((ada, 26_000), (ada, 4_000), (ben, 10_000), (None, 700)):
            OpportunityFactory(owner=owner, status="won", amount_cents=cents, opened_at=MADE + timedelta(days=1))
        OpportunityFactory(owner=ada, status="lost", opened_at=MADE + timedelta(days=1))
        OpportunityFactory(owner=ben, amount_cents=None, opened_at=MADE + timedelta(days=1))
        LeadFactory(owner=ada, captured_at=MADE + timedelta(days=2))
    with backdated(CHANGED):
        Opportunity.objects.filter(amount_cents=4_000).update(owner=ben)
    return ada, ben


def scope(company: Company, **more: str) -> Scope:
    period = Period(MADE, AT)
    return Scope(period=period, at=AT, tz=company.tz, currency="EUR", **more)


def test_the_filter_counts_the_owners_rows_alone(company: Company, people: tuple[User, User]) -> None:
    ada, ben = people
    values = {
        key: [figure(key, scope(company, owner=owner)).value for owner in (str(ada.public_id), str(ben.public_id))]
        for key in ("pipeline.won", "pipeline.win_rate", "pipeline.open_count", "leads.captured")
    }
    assert values == {
        "pipeline.won": [26_000, 14_000],
        "pipeline.win_rate": [0.5, 1.0],
        "pipeline.open_count": [0, 1],
        "leads.captured": [1, 0],
    }
    assert figure("pipeline.won", scope(company, owner=NO_OWNER)).value == 700
    assert figure("pipeline.open", scope(company, owner=str(ben.public_id))).lacking == 1


def test_groups_add_up_to_the_figure_and_are_those_of_then(company: Company, people: tuple[User, User]) -> None:
    def told() -> dict[str, object]:
        return {group.name: group.figures[0].value for group in groups(["pipeline.won"], scope(company), "owner")}

    assert told() == {"Ada": 26_000, "Ben": 14_000, "Nobody": 700}
    with known_at(CHANGED - timedelta(hours=1)):
        assert told() == {"Ada": 30_000, "Ben": 10_000, "Nobody": 700}
    assert sum(told().values()) == figure("pipeline.won", scope(company)).value


def test_the_page_groups_leads_on_and_exports(client: Client, sales_leader: User, people: tuple[User, User]) -> None:
    client.force_login(sales_leader)
    page = reverse("leads:figure", args=["pipeline.won"])
    answer = client.get(page, {**DAYS, "group": "owner"})
    shown = {group["name"]: (group["value"], group["url"]) for group in answer.context["groups"]}
    assert {name: value for name, (value, _) in shown.items()} == {
        "Ada": "€260.00",
        "Ben": "€140.00",
        "Nobody": "€7.00",
    }
    led = client.get(shown["Ada"][1])
    assert led.context["value"] == "€260.00"
    assert ("Owner", "Ada") in led.context["facts"]
    rows = list(
        csv.DictReader(
            io.StringIO(client.get(page, {**DAYS, "group": "owner", "export": "csv"}).content.decode("utf-8-sig"))
        )
    )
    assert [(row["Owner"], row["Won revenue"]) for row in rows] == [
        ("Ada", "260.00"),
        ("Ben", "140.00"),
        ("Nobody", "7.00"),
    ]
    made = client.get(page, {**DAYS, "group": "owner", "export": "xlsx"})
    lines = list(openpyxl.load_workbook(io.BytesIO(made.content)).active.iter_rows(values_only=True))
    assert lines == [
        ("Owner", "Won revenue", "Won revenue, currency", "Rows without an amount"),
        ("Ada", 260, "EUR", 0),
        ("Ben", 140, "EUR", 0),
        ("Nobody", 7, "EUR", 0),
    ]
    past = client.get(page, {**DAYS, "group": "owner", "as_of": exact(CHANGED - timedelta(hours=1))})
    assert [group["value"] for group in past.context["groups"]] == ["€300.00", "€100.00", "€7.00"]


def test_a_rep_sees_themselves_alone(client: Client, people: tuple[User, User]) -> None:
    client.force_login(people[1])
    page = reverse("leads:figure", args=["pipeline.won"])
    answer = client.get(page, {**DAYS, "group": "owner"})
    assert [(group["name"], group["value"]) for group in answer.context["groups"]] == [("Ben", "€140.00")]
    other = client.get(page, {**DAYS, "owner": str(people[0].public_id)})
    assert other.context["value"] == "€0.00"


def test_the_api_filters_and_groups(client: Client, people: tuple[User, User]) -> None:
    _, key = make_key(KeyScope.PERFORMANCE_READ)
    page = "/api/v1/integrations/sales/performance"
    one = client.get(page, {**DAYS, "owner": "ada"}, headers=key).json()
    assert one["owner"] == str(people[0].public_id)
    assert one["pipeline"]["won"]["value"] == {"amount": "260.00", "currency": "EUR"}
    assert one["groups"] is None
    found = client.get(page, {**DAYS, "group": "owner"}, headers=key).json()["groups"]
    told = {group["name"]: group["figures"] for group in found}
    assert [told[name]["won"]["value"]["amount"] for name in ("Ada", "Ben", "Nobody")] == ["260.00", "140.00", "7.00"]
    assert (told["Ben"]["open"]["value"], told["Ben"]["open"]["lacking"]) == (None, 1)
    assert f"owner={people[0].public_id}" in told["Ada"]["won"]["rows_url"]
    wrong = client.get(page, {"owner": "nobody-here", "group": "moon"}, headers=key)
    assert wrong.status_code == 400
