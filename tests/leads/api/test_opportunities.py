"""Deals by API: opened from SQLs, edited where no CRM keeps them, refused member by member."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client

from leads.models import Company, Lead, Opportunity, User
from tests.leads.api.keys import make_key
from tests.leads.factories import LeadFactory, OpportunityFactory

pytestmark = pytest.mark.django_db
URL = "/api/v1/opportunities"


@pytest.fixture
def lead(rep: User, company: Company) -> Lead:
    made: Lead = LeadFactory(stage="sql", owner=rep)
    return made


def send(client: Client, method: str, url: str, body: object, scope: str = "opportunities:write") -> Any:
    _, headers = make_key(scope)
    return getattr(client, method)(url, body, content_type="application/json", headers=headers)


def test_a_deal_is_opened_and_edited(client: Client, lead: Lead, rep: User) -> None:
    money = {"amount": "18000.50", "currency": "EUR"}
    made = send(client, "post", URL, {"lead": str(lead.public_id), "name": "Platform", "amount": money})
    assert made.status_code == 201, made.content
    answer = made.json()
    assert (answer["amount"], answer["stage"], answer["status"]) == (money, "qualification", "open")
    assert answer["owner"] == str(rep.public_id)
    assert answer["contacts"] == [{"lead": str(lead.public_id), "role": "decision_maker", "is_primary": True}]
    url = f"{URL}/{answer['id']}"
    changes = {"stage": "proposal", "forecast_category": "commit", "amount": None, "expected_close_on": "2027-02-26"}
    edited = send(client, "patch", url, changes)
    assert edited.status_code == 200, edited.content
    found = edited.json()
    assert (found["stage"], found["forecast_category"], found["amount"]) == ("proposal", "commit", None)
    assert (found["name"], found["expected_close_on"]) == ("Platform", "2027-02-26")
    deal = Opportunity.objects.get()
    assert list(deal.changes.order_by("pk").values_list("stage__key", flat=True)) == ["qualification", "proposal"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"stage": "dreaming"}, "/stage"),
        ({"amount": {"amount": "x", "currency": "EUR"}}, "/amount/amount"),
        ({"amount": {"amount": "1", "currency": "EURO"}}, "/amount/currency"),
        ({"forecast_category": "sure"}, "/forecast_category"),
        ({"owner": str(uuid.uuid4())}, "/owner"),
        ({"contacts": [{"lead": str(uuid.uuid4())}]}, "/contacts/0/lead"),
        ({"stage": "lost"}, "/lost_reason"),
        ({"stage": "won", "closed_on": "2999-01-01"}, "/closed_on"),
        ({"name": ""}, "/name"),
        ({"colour": "red"}, "/colour"),
        ([], ""),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(
    client: Client, company: Company, changes: object, pointer: str
) -> None:
    deal = OpportunityFactory()
    answer = send(client, "patch", f"{URL}/{deal.public_id}", changes)
    assert answer.status_code in (400, 422), answer.content
    assert answer.json()["errors"][0]["pointer"] == pointer
    before = deal.changed_at
    deal.refresh_from_db()
    assert deal.changed_at == before


def test_a_lead_that_is_no_sql_and_one_that_is_none(client: Client, company: Company) -> None:
    early = LeadFactory(stage="mql")
    refused = send(client, "post", URL, {"lead": str(early.public_id), "name": "x"})
    assert refused.json()["errors"][0]["pointer"] == "/lead"
    unknown = send(client, "post", URL, {"lead": str(uuid.uuid4()), "name": "x"})
    assert unknown.json()["errors"][0]["pointer"] == "/lead"
    assert not Opportunity.objects.exists()


def test_scopes_and_unknown_deals(client: Client, lead: Lead) -> None:
    assert send(client, "post", URL, {"lead": str(lead.public_id)}, scope="leads:write").status_code == 403
    assert send(client, "patch", f"{URL}/{uuid.uuid4()}", {"name": "x"}).status_code == 404
    assert client.get(URL).status_code in (401, 403, 405)


def test_a_repeated_request_opens_one_deal(client: Client, lead: Lead) -> None:
    _, headers = make_key("opportunities:write")
    asked = {**headers, "Idempotency-Key": "deal-1"}
    body = {"lead": str(lead.public_id), "name": "Platform"}
    answers = [client.post(URL, body, content_type="application/json", headers=asked) for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[1]["Location"] == answers[0]["Location"]
    assert answers[1]["Idempotency-Replayed"] == "true"
    assert Opportunity.objects.count() == 1
    other = client.post(URL, {**body, "name": "Other"}, content_type="application/json", headers=asked)
    assert other.json()["errors"][0]["code"] == "idempotency_key_reused"
    refused = {**headers, "Idempotency-Key": "deal-2"}
    bad = client.post(URL, {**body, "stage": "dreaming"}, content_type="application/json", headers=refused)
    assert bad.status_code in (400, 422)
    assert client.post(URL, body, content_type="application/json", headers=refused).status_code == 201
