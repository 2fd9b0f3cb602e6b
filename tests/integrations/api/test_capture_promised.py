"""The promise alone: 202 and the id of the submission, the same for everybody, and what becomes of it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from leads.actions.capture.take_submissions import take_submissions
from leads.actions.intake import finish_intake
from leads.models import Lead, Submission, Touchpoint
from tests.integrations.api.capture import body, pointers, post
from tests.leads.api.keys import make_key

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
ASYNC = {"Prefer": "respond-async"}


def submission(client: Client, key: dict[str, str], answer: Any) -> Any:
    return client.get(answer.headers["Location"], headers=key).json()


def test_the_promise_is_kept(client: Client, key: dict[str, str]) -> None:
    answer = post(client, key, body(), **ASYNC)
    assert answer.status_code == 202
    assert answer.headers["Preference-Applied"] == "respond-async"
    assert set(answer.json()) == {"id", "url", "intake"}
    assert answer.headers["Location"] == answer.json()["url"]
    assert not Lead.objects.exists()
    assert submission(client, key, answer)["state"] == "queued"
    at = timezone.now()
    assert take_submissions(at=at) == 1
    assert finish_intake(at=at) == 1
    lead = Lead.objects.get()
    assert (lead.email, lead.company, lead.consents.get().text) == ("ada@example.com", "Analytical Engines", "Yes")
    told = submission(client, key, answer)
    assert told["state"] == "accepted"
    assert told["lead"] == f"http://testserver/api/v1/leads/{lead.public_id}"
    assert Submission.objects.get().payload["email"] == "Ada@Example.com"
    assert take_submissions(at=at) == 0


def test_promised_or_in_full_the_lead_is_the_same(client: Client, key: dict[str, str]) -> None:
    kept = ("first_name", "company", "country", "company_size", "stage", "captured_at", "channel", "campaign__code")
    post(client, key, body(email="full@x.example", event=body()["event"]))
    post(client, key, body(email="promised@x.example", event=body()["event"]), **ASYNC)
    take_submissions(at=timezone.now())
    found = dict(Lead.objects.values_list("email", "pk"))
    rows = {email: Lead.objects.values_list(*kept).get(pk=pk) for email, pk in found.items()}
    assert rows["full@x.example"] == rows["promised@x.example"]


def test_a_key_that_may_only_write_learns_nothing(client: Client) -> None:
    writer = make_key("leads:write")[1]
    reader = make_key()[1]
    post(client, reader, body(email="known@x.example", external_id="7"))
    answers = [
        post(client, writer, body(email="known@x.example")),
        post(client, writer, body(email="unknown@x.example")),
        # An identity that contradicts what is known is no news for whoever may not read.
        post(client, writer, body(email="other@x.example", external_id="7")),
    ]
    for answer in answers:
        assert answer.status_code == 202
        assert set(answer.json()) == {"id", "url", "intake"}
        assert "Preference-Applied" not in answer.headers
        assert client.get(answer.headers["Location"], headers=writer).status_code == 403
    assert take_submissions(at=timezone.now()) == 3
    assert submission(client, reader, answers[2])["errors"][0]["code"] == "identity_conflict"


def test_known_and_unknown_people_take_the_same_statements(client: Client) -> None:
    writer = make_key("leads:write")[1]
    post(client, make_key()[1], body(email="known@x.example"))
    post(client, writer, body(email="first@x.example"))  # notes the day on which the key was used
    said = set()
    for email in ("known@x.example", "unknown@x.example"):
        with CaptureQueriesContext(connection) as asked:
            post(client, writer, body(email=email))
        said.add(tuple(re.sub(r"'[^']*'|s\d+_x\d+|\b\d+\b", "?", one["sql"]) for one in asked.captured_queries))
    (statements,) = said
    assert len(statements) == 2  # the key, and what arrived


def test_of_a_batch_each_item_is_judged_by_itself(client: Client, key: dict[str, str]) -> None:
    answer = post(client, key, {"leads": [body(), body(email="nobody"), body(email="b@x.example")]}, **ASYNC)
    assert answer.status_code == 202
    assert [one["status"] for one in answer.json()["results"]] == [202, 422, 202]
    assert answer.json()["results"][1]["errors"][0]["pointer"] == "/leads/1/email"
    assert Submission.objects.filter(state="queued").count() == 2
    assert Submission.objects.filter(state="rejected").count() == 1
    assert take_submissions(at=timezone.now()) == 2
    assert Lead.objects.count() == 2


def test_what_is_wrong_is_told_at_once(client: Client, key: dict[str, str]) -> None:
    answer = post(client, key, body(email="nobody"), **ASYNC)
    assert answer.status_code == 422
    assert pointers(answer) == {("/email", "invalid_email")}


def test_a_repeated_request_gets_the_same_promise(client: Client, key: dict[str, str]) -> None:
    once = post(client, key, body(), **ASYNC, **{"Idempotency-Key": "k1"})
    again = post(client, key, body(), **ASYNC, **{"Idempotency-Key": "k1"})
    assert (once.status_code, again.status_code) == (202, 202)
    assert once.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == once.headers["Location"]
    assert Submission.objects.count() == 1


def test_without_a_time_the_moment_of_arrival_counts(client: Client, key: dict[str, str]) -> None:
    event = {name: value for name, value in body()["event"].items() if name != "occurred_at"}
    begun = timezone.now()
    assert post(client, key, body(event=event)).status_code == 201
    assert begun <= Touchpoint.objects.get().occurred_at <= timezone.now()


def test_one_that_fails_does_not_stop_the_others(client: Client, key: dict[str, str]) -> None:
    for email in ("a@x.example", "b@x.example"):
        post(client, key, body(email=email), **ASYNC)
    Submission.objects.filter(payload__email="a@x.example").update(item={"event": {}})
    at = timezone.now()
    assert take_submissions(at=at) == 2
    assert Lead.objects.get().email == "b@x.example"
    waiting = Submission.objects.get(state="queued")
    assert waiting.due_at == at + timedelta(minutes=15)
