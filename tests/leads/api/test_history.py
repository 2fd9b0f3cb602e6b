"""Who changed what, over the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from leads.models import Lead, Opportunity, User
from leads.past.acting import act, backdated
from leads.past.span import known_at
from leads.queries.history import happenings, open_record
from tests.leads.api.keys import make_key
from tests.leads.factories import AccountFactory, LeadFactory, OpportunityFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
FIRST = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def key(db: None) -> dict[str, str]:
    return make_key("history:read")[1]


def history(client: Client, key: dict[str, str], row: Any, kind: str = "deal", **query: Any) -> Any:
    return client.get(f"/api/v1/history/{kind}/{row.public_id}", query, headers=key)


def test_a_change_with_its_values(client: Client, key: dict[str, str], director: User) -> None:
    with backdated(FIRST):
        deal = OpportunityFactory(amount_cents=None)
        account = AccountFactory(name="Acme")
    with backdated(FIRST + HOUR), act("page", actor=director.pk, because="Marketing director"):
        Opportunity.objects.filter(pk=deal.pk).update(
            amount_cents=120_050, account=account, expected_close_on="2026-04-01", attributes={"Tier": 2}
        )

    change, made = history(client, key, deal).json()["results"]

    assert change["person"] == {"id": str(director.public_id), "name": director.name}
    assert (change["door"], change["source"], change["because"]) == ("page", "", "Marketing director")
    assert change["at"] == "2026-03-02T10:00:00+00:00"
    (row,) = change["rows"]
    assert (row["type"], row["action"], row["title"]) == ("deal", "changed", "Deal")
    told = {each["label"]: (each["before"], each["after"], each["after_text"]) for each in row["fields"]}
    assert told == {
        "Account": (None, "Acme", "Acme"),
        "Amount": (None, {"amount": "1200.50", "currency": "EUR"}, "€1,200.50"),
        "Expected close on": (None, "2026-04-01", "1 Apr 2026"),
        "Attributes: Tier": (None, 2, "2"),
    }
    assert made["rows"][0]["action"] == "created"
    assert made["person"] is None


def test_pages_follow_a_cursor_and_stay_while_changes_come(client: Client, key: dict[str, str]) -> None:
    with backdated(FIRST):
        lead = LeadFactory(company_size=0)
    for step in range(1, 241):
        with backdated(FIRST + step * HOUR):
            Lead.objects.filter(pk=lead.pk).update(company_size=step)

    url: str | None = f"/api/v1/history/lead/{lead.public_id}?limit=50&field=lead.company_size"
    sizes: list[int] = []
    while url:
        answer = client.get(url, headers=key)
        assert answer.status_code == 200, answer.content
        found = answer.json()
        sizes += [each["rows"][0]["fields"][0]["after"] for each in found["results"]]
        url = found["next"]
        with backdated(FIRST + 1000 * HOUR + len(sizes) * HOUR):
            Lead.objects.filter(pk=lead.pk).update(company_size=1000 + len(sizes))

    assert sizes == [*range(240, 0, -1), 0]


def test_filters_choose_and_refuse(client: Client, key: dict[str, str], director: User) -> None:
    with backdated(FIRST), act("import", source="fair.csv"):
        deal = OpportunityFactory()
    with backdated(FIRST + HOUR), act("page", actor=director.pk):
        Opportunity.objects.filter(pk=deal.pk).update(name="Other", lost_reason="Price")

    def doors(**query: Any) -> list[str]:
        return [each["door"] for each in history(client, key, deal, **query).json()["results"]]

    assert doors() == ["page", "import"]
    assert doors(door="import") == doors(to="2026-03-02", door="import") == ["import"]
    assert doors(person=director.public_id) == ["page"]
    assert doors(person=uuid4()) == doors(**{"from": "2026-03-03"}) == []
    (only,) = history(client, key, deal, field="deal.name", door="page").json()["results"]
    assert [each["key"] for row in only["rows"] for each in row["fields"]] == ["deal.name"]
    for query in ({"door": "window"}, {"field": "deal.x"}, {"from": "soon"}, {"person": "me"}, {"actor": "1"}):
        refused = history(client, key, deal, **query)
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["pointer"] == f"/{next(iter(query))}"


def test_what_is_gone_keeps_its_history(client: Client, key: dict[str, str]) -> None:
    with backdated(FIRST):
        deal, merged = OpportunityFactory(), LeadFactory(merged_into=LeadFactory())
    with backdated(FIRST + HOUR), act("admin", because="Admin"):
        deal.delete()
    newest = history(client, key, deal).json()["results"][0]
    assert (newest["rows"][0]["action"], newest["because"]) == ("deleted", "Admin")
    assert history(client, key, merged, "lead").status_code == 200
    assert history(client, key, OpportunityFactory.build(public_id=uuid4())).status_code == 404
    assert history(client, key, merged, "user").status_code == 404


def test_a_key_needs_the_scope_and_people_their_role(client: Client, director: User, rep: User) -> None:
    lead = LeadFactory(owner=rep)
    assert history(client, make_key("leads:read")[1], lead, "lead").status_code == 403
    assert history(client, {}, lead, "lead").status_code == 401
    client.force_login(rep)
    assert history(client, {}, lead, "lead").status_code == 403
    client.force_login(director)
    assert history(client, {}, lead, "lead").status_code == 200


def test_the_past_knows_nothing_of_what_came_later(director: User) -> None:
    with backdated(FIRST):
        deal = OpportunityFactory(name="First name")
    with backdated(FIRST + HOUR):
        Opportunity.objects.filter(pk=deal.pk).update(name="Second name")
    with backdated(FIRST + 2 * HOUR):
        deal.delete()
    seen = []
    for hours in (0, 1, 2):
        with known_at(FIRST + hours * HOUR):
            record = open_record(kind="deal", public_id=deal.public_id, user=director)
            assert record is not None
            seen.append((record.name, record.is_gone, len(happenings(record))))
    with known_at(FIRST - HOUR):
        assert open_record(kind="deal", public_id=deal.public_id, user=director) is None
    assert seen == [("First name", False, 1), ("Second name", False, 2), ("Second name", True, 3)]
