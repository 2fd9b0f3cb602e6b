"""What the capture endpoint refuses: the member at fault is named, and nothing is written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from leads.models import Submission
from tests.integrations.api.capture import URL, body, nothing_written, pointers, post
from tests.leads.api.keys import make_key

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]

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
        ({"phone": "4.93012E+11"}, {("/phone", "invalid_phone")}),
        ({"phone": "call me"}, {("/phone", "invalid_phone")}),
        ({"email": "-"}, {("/email", "required")}),
        ({"email": "", "external_id": "N/A"}, {("/email", "required")}),
        ({"nick/name~": 1}, {("/nick~1name~0", "unknown")}),
        ({"event": "absent"}, {("/event", "required")}),
        ({"event": None}, {("/event", "null")}),
        ({"event": []}, {("/event", "invalid")}),
        ({"event": {}}, {("/event/type", "required")}),
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
    assert response.json()["status"] == status
    assert response.json()["detail"]
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
    assert nothing_written()
    assert not Submission.objects.exists()


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


def test_a_body_in_chunks_is_refused_rather_than_taken_for_empty(client: Client, key: dict[str, str]) -> None:
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    response = client.post(URL, body(), content_type="application/json", headers=key, **chunked)  # type: ignore[arg-type]
    assert response.status_code == 411
    assert response.headers["Content-Type"] == "application/problem+json"
    assert not Submission.objects.exists()
