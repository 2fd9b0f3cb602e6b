"""Webhooks: verified, once per event, and never more than a reason to look."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from integrations.actions.connections.edit_connection import open_webhook
from integrations.actions.hear_webhook import look_at_hints
from integrations.connectors.base import Misuse
from integrations.models import Connection, ExternalRecord, SyncHint, SyncRun
from integrations.sandbox_crm.server import SandboxServer
from leads.models import Company, Opportunity
from tests.integrations.world import Clock, connect, edit_person, map_person, owed_leads, reading_now, sync

pytestmark = pytest.mark.django_db
SECRET = "canary-secret-7f3a"


@pytest.fixture
def hubspot(company: Company, settings: Any) -> Connection:
    cache.clear()
    settings.PORTAL_URL = "https://portal.example"
    at = datetime.now(UTC)
    connection = Connection.objects.create(
        slug="hubspot", name="HubSpot", kind="hubspot", base_url="https://api.hubapi.com",
        secrets={"token": "t", "client_secret": SECRET}, created_at=at,
    )  # fmt: skip
    open_webhook(connection_id=connection.pk)
    connection.refresh_from_db()
    return connection


def event(number: int, subject: str = "deal", object_id: str = "77") -> dict[str, Any]:
    types = {"deal": "0-3", "contact": "0-1"}
    return {
        "eventId": number, "subscriptionId": 1, "portalId": 5, "occurredAt": 1_790_000_000_000 + number,
        "subscriptionType": f"{subject}.propertyChange", "objectId": object_id, "objectTypeId": types[subject],
    }  # fmt: skip


def send(connection: Connection, events: Any, *, key: str = "", secret: str = SECRET, body: bytes = b"") -> int:
    path = f"/webhooks/crm/{key or connection.webhook_key}"
    body = body or json.dumps(events).encode()
    stamp = str(int(time.time() * 1000))
    signed = b"POST" + f"https://portal.example{path}".encode() + body + stamp.encode()
    signature = base64.b64encode(hmac.digest(secret.encode(), signed, hashlib.sha256)).decode()
    headers = {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": stamp}
    client = Client(enforce_csrf_checks=True)
    return client.post(path, data=body, content_type="application/json", headers=headers).status_code


def test_a_verified_hint_is_kept_once(hubspot: Connection) -> None:
    events = [event(1), event(2, object_id="78")]
    assert send(hubspot, events) == 202
    assert send(hubspot, events) == 202  # a replay
    hints = SyncHint.objects.order_by("pk").values_list("kind", "remote_id", "looked_at")
    assert list(hints) == [("deal", "77", None), ("deal", "78", None)]


@pytest.mark.parametrize("what", ["key", "secret", "shape"])
def test_what_cannot_be_verified_is_told_nothing(hubspot: Connection, what: str) -> None:
    options: dict[str, Any] = {"key": {"key": "x" * 43}, "secret": {"secret": "another"}, "shape": {"body": b"[1]"}}
    assert send(hubspot, [event(1)], **options[what]) == 401
    assert not SyncHint.objects.exists()


@pytest.mark.parametrize("text", ["\0", "\ud800", "9" * 300])
def test_no_text_is_too_odd_to_be_kept(hubspot: Connection, text: str) -> None:
    assert send(hubspot, [event(1) | {"eventId": text, "objectId": text}]) == 202
    assert SyncHint.objects.count() == 1


def test_an_id_that_the_crm_will_not_hear_of_is_asked_for_once(connected: Connection, crm: SandboxServer) -> None:
    hint(connected, "deal", "77")
    connector = reading_now(crm.url)

    def refuse(kind: str, ids: Any) -> Any:
        raise Misuse("No id.", code="invalid")

    connector.fetch = refuse  # type: ignore[method-assign,assignment]
    assert look_at_hints(clock=Clock(), seed=1, connector=connector) == 1
    run = SyncRun.objects.latest("pk")
    assert (run.state, run.note) == ("done", "1 records were not shown; the next sync reads what changed of them.")


def test_a_key_that_was_replaced_is_void(hubspot: Connection) -> None:
    open_webhook(connection_id=hubspot.pk)
    assert send(hubspot, [event(1)]) == 401


def test_a_long_body_is_refused_unread(hubspot: Connection) -> None:
    assert send(hubspot, [], body=b" " * (1024 * 1024 + 1)) == 413


def test_only_posts_are_heard(hubspot: Connection) -> None:
    assert Client().get(f"/webhooks/crm/{hubspot.webhook_key}").status_code == 405
    assert Client().post("/webhooks/crm/%00").status_code == 404  # PostgreSQL would not even look for it


def hint(connection: Connection, kind: str, remote_id: str, event_id: str = "1") -> SyncHint:
    return SyncHint.objects.create(
        connection=connection,
        event_id=event_id,
        kind=kind,
        remote_id=remote_id,
        received_at=datetime.now(UTC),
    )


def test_a_hint_makes_us_look_at_just_that_record(connected: Connection, crm: SandboxServer, clock: Clock) -> None:
    (lead,) = owed_leads(connected, 1, stage="mql")
    sync(connected, clock)
    contacts = [{"external_id": str(lead.public_id), "role": "primary"}]
    wanted = crm.store.create_deal({"name": "Wanted", "contacts": contacts, "currency": "EUR"}, by="test")
    crm.store.create_deal({"name": "Not hinted at", "contacts": contacts, "currency": "EUR"}, by="test")
    hint(connected, "deal", wanted["id"])
    hint(connected, "deal", wanted["id"], event_id="2")

    assert look_at_hints(clock=clock, seed=1) == 2

    assert [row.name for row in Opportunity.objects.all()] == ["Wanted"]
    run = SyncRun.objects.latest("pk")
    assert (run.reason, run.created, run.calls) == ("webhook", 1, 2)  # the deal and its history
    assert look_at_hints(clock=clock, seed=1) == 0


def test_our_own_pushes_and_strangers_are_not_worth_a_call(
    connected: Connection, crm: SandboxServer, clock: Clock
) -> None:
    (lead,) = owed_leads(connected, 1)
    sync(connected, clock)
    link = ExternalRecord.objects.get(lead=lead)
    hint(connected, "person", link.remote_id)
    hint(connected, "person", "P-999")
    calls = crm.calls.shown()["total"]
    assert look_at_hints(clock=clock, seed=1) == 2
    assert crm.calls.shown()["total"] == calls

    map_person(connected, ("company", "company", "both", "theirs"))
    edit_person(crm, lead, company="Told at once")
    hint(connected, "person", link.remote_id, event_id="3")
    assert look_at_hints(clock=clock, seed=1, connector=reading_now(crm.url)) == 1
    lead.refresh_from_db()
    assert lead.company == "Told at once"


def test_a_busy_connection_keeps_its_hints(company: Company, clock: Clock) -> None:
    connection = connect("http://127.0.0.1:9")
    hint(connection, "deal", "1")
    assert look_at_hints(clock=clock, seed=1) == 0  # nobody answers
    assert SyncHint.objects.get().looked_at is None
