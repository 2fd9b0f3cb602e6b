"""The capture endpoint as its contract has it: answers, items of a batch, and idempotency."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.models import Connection, PendingPush
from leads.models import (
    IdempotentAnswer,
    Lead,
    Submission,
    TerritoryRep,
    Touchpoint,
)
from tests.integrations.api.capture import URL, body, nothing_written, pointers, post
from tests.leads.api.keys import make_key
from tests.leads.factories import TerritoryFactory, UserFactory, rule

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]


@pytest.fixture
def sandbox(db: None) -> Connection:
    return Connection.objects.create(
        slug="hubspot-main", name="HubSpot", kind="sandbox", base_url="http://127.0.0.1:9", created_at=timezone.now()
    )


@pytest.fixture
def dach(db: None) -> None:
    territory = TerritoryFactory(name="DACH")
    rule(territory, 3, country=["DE", "AT", "CH"])
    TerritoryRep.objects.create(territory=territory, rep=UserFactory(name="Jana Weber"))


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
    assert len(results) == 1000
    assert {result["status"] for result in results} == {201}
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
    assert nothing_written()
    assert not Submission.objects.exists()


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
    first = post(client, key, body(email="not an address"), **{"Idempotency-Key": "form-1"})
    second = post(client, key, body(email="not an address"), **{"Idempotency-Key": "form-1"})

    assert (first.status_code, second.status_code) == (422, 422)
    assert first.json() == second.json()
    assert pointers(second) == {("/email", "invalid_email")}
    assert Submission.objects.count() == 1


@pytest.mark.parametrize("bad", ["", "a b", "x" * 256, "ü"])
def test_an_idempotency_key_is_visible_ascii(client: Client, key: dict[str, str], bad: str) -> None:
    assert post(client, key, body(), **{"Idempotency-Key": bad}).status_code == 400
    assert nothing_written()


def test_an_error_in_intake_does_not_cost_the_lead(
    client: Client, key: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: Any) -> None:
        raise DatabaseError("a rule met what nobody expected")

    monkeypatch.setattr("integrations.actions.push.receive.run_intake", broken)

    response = post(client, key, body())

    assert response.status_code == 201
    assert response.json()["intake"] == "queued"
    assert Lead.objects.awaiting_intake().count() == 1


def test_an_error_after_capture_leaves_nothing(
    client: Client, key: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: Any) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr("integrations.actions.push.receive.enqueue_new_leads", broken)
    client.raise_request_exception = False

    response = post(client, key, body(), **{"Idempotency-Key": "form-1"})

    assert response.status_code == 500
    assert nothing_written()
    assert not IdempotentAnswer.objects.exists()
    assert not Submission.objects.exists()


def test_one_capture_stays_within_its_queries(
    client: Client, key: dict[str, str], sandbox: Connection, dach: None, django_assert_max_num_queries: Any
) -> None:
    post(client, key, body(email="warm@example.com"))

    with django_assert_max_num_queries(35):
        assert post(client, key, body(), **{"Idempotency-Key": "form-1"}).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_a_full_answer_takes_few_statements(
    client: Client, key: dict[str, str], sandbox: Connection, dach: None
) -> None:
    """BEGIN and COMMIT among them, and on PostgreSQL the one that tells who writes, which Django does not see."""
    post(client, key, body(email="warm@engines.example"))
    post(client, key, body(email="bob@other.example"))
    told = connection.vendor == "postgresql"
    with CaptureQueriesContext(connection) as known_company:
        assert post(client, key, body(email="ada@engines.example")).status_code == 201
    with CaptureQueriesContext(connection) as new_company:
        assert post(client, key, body(email="ada@new.example")).status_code == 201
    with CaptureQueriesContext(connection) as known_person:
        assert post(client, key, body(email="bob@other.example")).status_code == 200
    assert len(known_company) + told <= 20
    assert len(new_company) + told <= 20
    assert len(known_person) + told <= 20


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
