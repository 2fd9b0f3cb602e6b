"""Editing a lead by API: the fields that people edit, each refused by name, once, and not over a newer change."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from integrations.models import ExternalRecord, FieldMap
from leads.models import Change, Company, Lead, LeadEvent
from tests.integrations.world import connect
from tests.leads.api.keys import make_key
from tests.leads.factories import LeadFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]


@pytest.fixture
def lead() -> Lead:
    made: Lead = LeadFactory(email="ada@customer.example", company="Engines", job_title="CTO", country="DE")
    return made


def patch(client: Client, lead: Lead, body: object, *scopes: str, **headers: str) -> Any:
    _, key = make_key(*(scopes or ("leads:write", "leads:read")))
    url = f"/api/v1/leads/{lead.public_id}"
    return client.patch(url, body, content_type="application/json", headers={**key, **headers})


def test_what_is_given_is_written_and_the_rest_stays(client: Client, lead: Lead) -> None:
    answer = patch(client, lead, {"company": "Analytical Engines", "country": "France", "job_title": None})
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert (told["company"], told["country"], told["job_title"]) == ("Analytical Engines", "FR", "")
    assert told["email"] == "ada@customer.example"
    event = LeadEvent.objects.get(kind="updated")
    assert event.details == {"fields": ["company", "country", "job_title"], "source": "API key website"}
    lead.refresh_from_db()
    assert lead.intake_due_at is not None


def test_the_same_again_writes_nothing(client: Client, lead: Lead) -> None:
    patch(client, lead, {"company": "Analytical Engines"})
    assert patch(client, lead, {"company": "Analytical Engines"}).status_code == 200
    assert LeadEvent.objects.filter(kind="updated").count() == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"email": "not an address"}, "/email"),
        ({"country": "Atlantis"}, "/country"),
        ({"phone": "4.93012E+11"}, "/phone"),
        ({"company_size": "many"}, "/company_size"),
        ({"stage": "mql"}, "/stage"),
        ({"email": None}, "/email"),
        ([], ""),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(client: Client, lead: Lead, body: Any, pointer: str) -> None:
    asked = {"company": "Other", **body} if isinstance(body, dict) else body
    answer = patch(client, lead, asked)
    assert answer.status_code in (400, 422), answer.content
    assert answer.json()["errors"][0]["pointer"] == pointer
    lead.refresh_from_db()
    assert lead.company == "Engines"


def test_an_address_that_somebody_else_has_is_refused(client: Client, lead: Lead) -> None:
    LeadFactory(email="grace@customer.example")
    answer = patch(client, lead, {"email": "grace@customer.example", "company": "Other"})
    assert answer.json()["errors"][0]["pointer"] == "/email"
    lead.refresh_from_db()
    assert lead.company == "Engines"


def test_a_field_that_a_crm_decides_is_refused_by_name(client: Client, lead: Lead, company: Company) -> None:
    connection = connect("http://127.0.0.1:9")
    ExternalRecord.objects.create(connection=connection, kind="person", remote_id="1", lead=lead)
    FieldMap.objects.filter(connection=connection, kind="person").delete()
    FieldMap.objects.create(connection=connection, kind="person", local="phone", remote="phone", direction="pull")
    FieldMap.objects.create(
        connection=connection, kind="person", local="job_title", remote="title", direction="both", policy="theirs"
    )
    FieldMap.objects.create(connection=connection, kind="person", local="company", remote="company", direction="push")
    answer = patch(client, lead, {"phone": "+49 30 1234567", "job_title": "CEO", "company": "Other"})
    assert answer.status_code in (400, 422)
    assert {each["pointer"] for each in answer.json()["errors"]} == {"/phone", "/job_title"}
    assert connection.name in answer.json()["errors"][0]["detail"]
    assert patch(client, lead, {"company": "Other", "job_title": "CTO"}).status_code == 200
    type(connection).objects.update(is_active=False)
    assert patch(client, lead, {"phone": "+49 30 1234567"}).status_code == 200


def test_if_match_keeps_a_newer_change(client: Client, lead: Lead) -> None:
    _, key = make_key("leads:read")
    etag = client.get(f"/api/v1/leads/{lead.public_id}", headers=key)["ETag"]
    first = patch(client, lead, {"company": "First"}, **{"If-Match": etag})
    assert first.status_code == 200
    late = patch(client, lead, {"company": "Second"}, **{"If-Match": etag})
    assert late.status_code == 412
    assert patch(client, lead, {"company": "Third"}, **{"If-Match": first["ETag"]}).status_code == 200
    lead.refresh_from_db()
    assert lead.company == "Third"


def test_a_repeated_request_gets_the_same_answer(client: Client, lead: Lead) -> None:
    _, headers = make_key("leads:write", "leads:read")
    url = f"/api/v1/leads/{lead.public_id}"
    asked = {**headers, "Idempotency-Key": "edit-1"}
    first = client.patch(url, {"company": "First"}, content_type="application/json", headers=asked)
    Lead.objects.filter(pk=lead.pk).update(company="Changed since")
    again = client.patch(url, {"company": "First"}, content_type="application/json", headers=asked)
    assert again.json() == first.json()
    assert (again["Idempotency-Replayed"], again["ETag"]) == ("true", first["ETag"])
    lead.refresh_from_db()
    assert lead.company == "Changed since"
    other = client.patch(url, {"company": "Second"}, content_type="application/json", headers=asked)
    assert other.status_code == 422


def test_a_key_that_may_only_write_is_told_nothing(client: Client, lead: Lead) -> None:
    answer = patch(client, lead, {"company": "Other"}, "leads:write")
    assert (answer.status_code, answer.content) == (204, b"")
    lead.refresh_from_db()
    assert lead.company == "Other"


def test_a_change_names_the_key_as_its_door(client: Client, lead: Lead) -> None:
    patch(client, lead, {"company": "Other", "job_title": "CEO"})
    change = Change.objects.order_by("-pk")[0]
    assert (change.door, change.source) == ("api", "website")
