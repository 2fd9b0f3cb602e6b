"""The capture endpoint as its contract has it: answers, items of a batch, idempotency, and what it refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError
from django.test import Client
from django.utils import timezone

from integrations.models import Connection, PendingPush
from leads.models import (
    Account,
    Campaign,
    IdempotentAnswer,
    Lead,
    LeadEvent,
    Submission,
    TerritoryRep,
    TerritoryRule,
    Touchpoint,
)
from tests.leads.api.keys import make_key
from tests.leads.factories import TerritoryFactory, UserFactory

URL = "/api/v1/integrations/sales/leads"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]


@pytest.fixture
def key(db: None) -> dict[str, str]:
    return make_key()[1]


@pytest.fixture
def sandbox(db: None) -> Connection:
    return Connection.objects.create(
        slug="hubspot-main", name="HubSpot", kind="sandbox", base_url="http://127.0.0.1:9", created_at=timezone.now()
    )


@pytest.fixture
def dach(db: None) -> None:
    territory = TerritoryFactory(name="DACH")
    TerritoryRule.objects.create(territory=territory, position=3, countries=["DE", "AT", "CH"])
    TerritoryRep.objects.create(territory=territory, rep=UserFactory(name="Jana Weber"))


def body(**members: Any) -> dict[str, Any]:
    full: dict[str, Any] = {
        "email": "Ada@Example.com",
        "first_name": "Ada",
        "company": "Analytical Engines",
        "job_title": "CTO",
        "phone": "+49 30 1234",
        "country": "DE",
        "industry": "software",
        "company_size": 120,
        "event": {
            "type": "form_submission",
            "occurred_at": "2026-11-16T09:30:00+01:00",
            "name": "Pricing request",
            "utm": {"source": "google", "medium": "cpc", "campaign": "q4-brand", "term": "", "content": ""},
            "landing_page": "https://our.example/pricing",
            "referrer": "https://www.google.com/",
            "visitor_id": "v-1",
        },
        "consent": {"text": "Yes", "given_at": "2026-11-16T09:30:00+01:00", "basis": "consent"},
        **members,
    }
    return {name: value for name, value in full.items() if value != "absent"}


def post(client: Client, key: dict[str, str], data: Any, **headers: str) -> Any:
    raw = data if isinstance(data, bytes | str) else json.dumps(data)
    return client.post(URL, raw, content_type="application/json", headers={**key, **headers})


def pointers(response: Any) -> set[tuple[str, str]]:
    assert response.headers["Content-Type"].startswith("application/problem+json"), response.content
    return {(error["pointer"], error["code"]) for error in response.json().get("errors", [])}


def nothing_written() -> bool:
    models = (Lead, Touchpoint, Account, Campaign, LeadEvent, PendingPush)
    return not any(model.objects.exists() for model in models)


def test_a_new_lead_is_answered_with_its_whole_story(
    client: Client, key: dict[str, str], sandbox: Connection, dach: None
) -> None:
    just_now = (timezone.now() - timedelta(minutes=1)).isoformat()  # interest fades: an old form makes no MQL

    response = post(client, key, body(event={**body()["event"], "occurred_at": just_now}))

    assert response.status_code == 201, response.content
    answer = response.json()
    lead = Lead.objects.get()
    assert set(answer) == {"id", "url", "is_new", "stage", "score", "assignment", "follow_up", "crm"}
    assert answer["id"] == str(lead.public_id)
    assert answer["url"] == response.headers["Location"] == f"http://testserver/api/v1/leads/{lead.public_id}"
    assert (answer["is_new"], answer["stage"]) == (True, "mql")
    assert answer["score"]["total"] == sum(reason["points"] for reason in answer["score"]["reasons"])
    assert all(set(reason) == {"rule", "points", "because"} for reason in answer["score"]["reasons"])
    assert answer["assignment"] == {
        "territory": "DACH",
        "owner": "Jana Weber",
        "because": "rule 3: country is DE, AT or CH; Jana Weber is the only one available",
    }
    assert answer["follow_up"]["kind"] == "call"
    (crm,) = answer["crm"]
    assert (crm["connection"], crm["state"]) == ("hubspot-main", "pending")
    due = datetime.fromisoformat(crm["due_at"])
    assert timedelta() < due - timezone.now() <= timedelta(days=1)

    told = client.get(answer["url"], headers=key).json()
    same = ("id", "url", "stage", "score", "assignment", "follow_up")
    assert {name: told[name] for name in same} == {name: answer[name] for name in same}
    assert (told["email"], told["channel"]) == ("ada@example.com", "brand-search")


def test_a_known_lead_with_a_new_event_is_200(client: Client, key: dict[str, str], sandbox: Connection) -> None:
    post(client, key, body())
    event = {"type": "email_reply", "occurred_at": "2026-11-17T09:30:00Z"}

    response = post(client, key, body(event=event))

    assert response.status_code == 200
    assert response.json()["is_new"] is False
    assert Touchpoint.objects.count() == 2
    assert PendingPush.objects.get().version == 2


def test_a_repeated_event_changes_nothing(client: Client, key: dict[str, str], sandbox: Connection) -> None:
    post(client, key, body())

    assert post(client, key, body()).status_code == 200

    assert Touchpoint.objects.count() == 1
    assert PendingPush.objects.get().version == 1


def test_items_of_a_batch_are_judged_one_by_one(client: Client, key: dict[str, str]) -> None:
    batch = [
        body(),
        body(email="not an address"),
        body(email="bob@example.com", compny="x"),
        body(),
        None,
        body(email="eve@example.com", external_id="e-1"),
        body(external_id="e-1"),
    ]

    response = post(client, key, {"leads": batch})

    assert response.status_code == 200
    results = response.json()["results"]
    assert [result["status"] for result in results] == [201, 422, 422, 200, 422, 201, 422]
    assert results[0]["id"] == results[3]["id"]
    wrong = [[(error["pointer"], error["code"]) for error in result.get("errors", [])] for result in results]
    assert wrong[1] == [("/leads/1/email", "invalid_email")]
    assert wrong[2] == [("/leads/2/compny", "unknown")]
    assert wrong[4] == [("/leads/4", "invalid")] or wrong[4] == [("/leads/4", "null")]
    assert wrong[6] == [("/leads/6/external_id", "identity_conflict")]
    assert Lead.objects.count() == 2
    assert Submission.objects.filter(state="accepted").count() == 3
    assert Submission.objects.filter(state="rejected").count() == 4


def test_a_large_batch_is_captured_now_and_worked_on_later(
    client: Client, key: dict[str, str], sandbox: Connection, django_capture_on_commit_callbacks: Any
) -> None:
    leads = [body(email=f"p{n}@c{n}.example") for n in range(1000)]

    with django_capture_on_commit_callbacks(execute=True) as nudges:  # there is no broker; nobody notices
        response = post(client, key, {"leads": leads})

    assert len(nudges) == 1
    results = response.json()["results"]
    assert len(results) == 1000 and {result["status"] for result in results} == {201}
    first = results[0]
    assert (first["intake"], first["stage"], first["score"], first["assignment"]) == ("queued", None, None, None)
    assert first["crm"][0]["state"] == "pending"
    assert client.get(first["url"], headers=key).json()["intake"] == "queued"
    assert Lead.objects.awaiting_intake().count() == 1000


@pytest.mark.parametrize("size", [0, 1001])
def test_a_batch_has_a_size(client: Client, key: dict[str, str], size: int) -> None:
    response = post(client, key, {"leads": [body()] * size})

    assert response.status_code == 422
    assert pointers(response) == {("/leads", "wrong_length")}
    assert nothing_written() and not Submission.objects.exists()


def test_the_same_key_and_body_get_the_same_answer(client: Client, key: dict[str, str]) -> None:
    first = post(client, key, body(), **{"Idempotency-Key": "form-1"})
    reordered = json.dumps(dict(reversed(list(body().items()))), indent=3)
    second = post(client, key, reordered, **{"Idempotency-Key": "form-1"})

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert second.headers["Location"] == first.headers["Location"]
    assert Submission.objects.count() == 1


def test_the_same_key_with_another_body_is_refused(client: Client, key: dict[str, str]) -> None:
    post(client, key, body(), **{"Idempotency-Key": "form-1"})

    response = post(client, key, body(email="bob@example.com"), **{"Idempotency-Key": "form-1"})

    assert response.status_code == 422
    assert pointers(response) == {("", "idempotency_key_reused")}
    assert Lead.objects.count() == 1


def test_keys_of_two_callers_do_not_meet_and_old_ones_are_forgotten(client: Client, key: dict[str, str]) -> None:
    post(client, key, body(), **{"Idempotency-Key": "form-1"})
    other = make_key()[1]

    assert post(client, other, body(), **{"Idempotency-Key": "form-1"}).status_code == 200

    IdempotentAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))
    fresh = post(client, key, body(email="bob@example.com"), **{"Idempotency-Key": "form-1"})
    assert (fresh.status_code, "Idempotency-Replayed" in fresh.headers) == (201, False)


def test_a_refusal_is_replayed_too(client: Client, key: dict[str, str]) -> None:
    first = post(client, key, body(email="?"), **{"Idempotency-Key": "form-1"})
    second = post(client, key, body(email="?"), **{"Idempotency-Key": "form-1"})

    assert (first.status_code, second.status_code) == (422, 422)
    assert first.json() == second.json() and pointers(second) == {("/email", "invalid_email")}
    assert Submission.objects.count() == 1


@pytest.mark.parametrize("bad", ["", "a b", "x" * 256, "ü"])
def test_an_idempotency_key_is_visible_ascii(client: Client, key: dict[str, str], bad: str) -> None:
    assert post(client, key, body(), **{"Idempotency-Key": bad}).status_code == 400
    assert nothing_written()


# Far enough to be there still when a slow machine comes to it.
FUTURE = (datetime.now(UTC) + timedelta(days=1)).isoformat()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"email": "absent"}, {("/email", "required")}),
        ({"email": ""}, {("/email", "required")}),
        ({"email": 7}, {("/email", "invalid")}),
        ({"email": "a@b.example, c@d.example"}, {("/email", "invalid_email")}),
        ({"first_name": 7}, {("/first_name", "invalid")}),
        ({"first_name": True}, {("/first_name", "invalid")}),
        ({"first_name": ["Ada"]}, {("/first_name", "invalid")}),
        ({"first_name": "x" * 121}, {("/first_name", "max_length")}),
        ({"country": "Atlantis"}, {("/country", "invalid_country")}),
        ({"company_size": "120"}, {("/company_size", "invalid")}),
        ({"company_size": 1.5}, {("/company_size", "invalid")}),
        ({"company_size": True}, {("/company_size", "invalid")}),
        ({"company_size": -1}, {("/company_size", "min_value")}),
        ({"company_size": 10**30}, {("/company_size", "max_value")}),
        ({"nick/name~": 1}, {("/nick~1name~0", "unknown")}),
        ({"event": "absent"}, {("/event", "required")}),
        ({"event": None}, {("/event", "null")}),
        ({"event": []}, {("/event", "invalid")}),
        ({"event": {}}, {("/event/type", "required"), ("/event/occurred_at", "required")}),
        ({"consent": {"text": "x"}}, {("/consent/given_at", "required"), ("/consent/basis", "required")}),
        ({"consent": "yes"}, {("/consent", "invalid")}),
    ],
)
def test_wrong_members_are_named(client: Client, key: dict[str, str], change: Any, expected: Any) -> None:
    response = post(client, key, body(**change))

    assert response.status_code == 422
    assert pointers(response) == expected
    assert nothing_written()
    assert Submission.objects.get().state == "rejected"


@pytest.mark.parametrize(
    ("change", "code", "member"),
    [
        ({"occurred_at": "2026-11-16T09:30:00"}, "no_offset", "occurred_at"),
        ({"occurred_at": "2026-11-16"}, "invalid_time", "occurred_at"),
        ({"occurred_at": "yesterday"}, "invalid_time", "occurred_at"),
        ({"occurred_at": 1763281800}, "invalid_time", "occurred_at"),
        ({"occurred_at": "2026-02-30T09:30:00Z"}, "invalid_time", "occurred_at"),
        ({"occurred_at": "2026-11-16T09:30:60Z"}, "invalid_time", "occurred_at"),
        ({"occurred_at": "1926-11-16T09:30:00Z"}, "too_old", "occurred_at"),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "invalid_time", "occurred_at"),
        ({"occurred_at": "9999-12-31T23:59:59-14:00"}, "invalid_time", "occurred_at"),
        ({"occurred_at": FUTURE}, "in_future", "occurred_at"),
        ({"type": "carrier_pigeon"}, "invalid_choice", "type"),
        ({"type": {"a": 1}}, "invalid", "type"),
        ({"landing_page": "javascript:alert(1)"}, "invalid_url", "landing_page"),
        ({"referrer": "data:text/html,x"}, "invalid_url", "referrer"),
        ({"utm": "google"}, "invalid", "utm"),
        ({"utm": {"sorce": "google"}}, "unknown", "utm/sorce"),
        ({"utm": {"source": 5}}, "invalid", "utm/source"),
    ],
)
def test_wrong_members_of_the_event_are_named(
    client: Client, key: dict[str, str], change: Any, code: str, member: str
) -> None:
    response = post(client, key, body(event={**body()["event"], **change}))

    assert response.status_code == 422
    assert pointers(response) == {(f"/event/{member}", code)}
    assert nothing_written()


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"", 422),
        (b"{", 400),
        (b'{"email": "a@b.example"', 400),
        (b'{"email": "\xff\xfe"}', 400),
        (b'{"email": "a\\u0000@b.example"}', 400),
        (b'{"first_name": "\\ud800"}', 400),
        (b'{"email": 1, "email": 2}', 400),
        (b'{"company_size": NaN}', 400),
        (b'{"company_size": 1e999}', 400),
        (b'{"company_size": ' + b"9" * 5000 + b"}", 400),
        (b"[" * 100_000, 400),
        (b'{"a":' * 50 + b"1" + b"}" * 50, 400),
        (b"[]", 422),
        (b"null", 422),
        (b'"text"', 422),
        (b"{}", 422),
        (b'{"leads": {}}', 422),
        (b'{"leads": [], "email": "x"}', 422),
        (b'{"first_name": "' + b"x" * 10_000_000 + b'"}', 413),
    ],
    ids=lambda value: str(value[:24]) if isinstance(value, bytes) else str(value),
)
def test_hostile_bodies_are_refused_and_nothing_is_written(
    client: Client, key: dict[str, str], raw: bytes, status: int
) -> None:
    response = post(client, key, raw)

    assert response.status_code == status, response.content[:300]
    pointers(response)
    assert response.json()["status"] == status and response.json()["detail"]
    assert nothing_written()


def test_other_media_types_are_refused(client: Client, key: dict[str, str]) -> None:
    response = client.post(URL, {"email": "a@b.example"}, headers=key)

    assert response.status_code == 415
    pointers(response)


def test_a_key_is_needed_and_must_be_good(client: Client, key: dict[str, str]) -> None:
    past = timezone.now() - timedelta(days=1)
    cases = [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Bearer"}, 401),
        (make_key(revoked=True)[1], 401),
        (make_key(expiry_date=past)[1], 401),
        (make_key("leads:read")[1], 403),
    ]
    for headers, status in cases:
        response = post(client, headers, body())
        assert response.status_code == status
        pointers(response)
        assert (status == 401) == ("WWW-Authenticate" in response.headers)
    assert nothing_written() and not Submission.objects.exists()


def test_a_signed_in_person_cannot_write(client: Client, director: Any) -> None:
    client.force_login(director)

    assert post(client, {}, body()).status_code == 403
    assert nothing_written()


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "options", "head"])
def test_other_methods_are_refused(client: Client, key: dict[str, str], method: str) -> None:
    response = getattr(client, method)(URL, headers=key)

    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"


def test_unknown_addresses_are_problems(client: Client, key: dict[str, str]) -> None:
    response = client.get("/api/v1/nothing", headers=key)

    assert response.status_code == 404
    pointers(response)


def test_an_error_in_intake_does_not_cost_the_lead(
    client: Client, key: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: Any) -> None:
        raise DatabaseError("a rule met what nobody expected")

    monkeypatch.setattr("integrations.actions.receive.run_intake", broken)

    response = post(client, key, body())

    assert response.status_code == 201
    assert response.json()["intake"] == "queued"
    assert Lead.objects.awaiting_intake().count() == 1


def test_an_error_after_capture_leaves_nothing(
    client: Client, key: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: Any) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr("integrations.actions.receive.enqueue_leads", broken)
    client.raise_request_exception = False

    response = post(client, key, body(), **{"Idempotency-Key": "form-1"})

    assert response.status_code == 500
    assert nothing_written()
    assert not IdempotentAnswer.objects.exists() and not Submission.objects.exists()


def test_one_capture_stays_within_its_queries(
    client: Client, key: dict[str, str], sandbox: Connection, dach: None, django_assert_max_num_queries: Any
) -> None:
    post(client, key, body(email="warm@example.com"))

    with django_assert_max_num_queries(60):
        assert post(client, key, body(), **{"Idempotency-Key": "form-1"}).status_code == 201


def test_a_body_in_chunks_is_refused_rather_than_taken_for_empty(client: Client, key: dict[str, str]) -> None:
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    response = client.post(URL, body(), content_type="application/json", headers=key, **chunked)  # type: ignore[arg-type]
    assert response.status_code == 411
    assert response.headers["Content-Type"] == "application/problem+json"
    assert not Submission.objects.exists()


def test_a_locked_database_asks_to_come_back(
    client: Client, key: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(**_options: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr("integrations.api.leads.receive", locked)
    response = client.post(URL, body(), content_type="application/json", headers=key)
    assert response.status_code == 503
    assert response.headers["Content-Type"] == "application/problem+json"
    assert int(response.headers["Retry-After"]) > 0
    assert not Submission.objects.exists()
