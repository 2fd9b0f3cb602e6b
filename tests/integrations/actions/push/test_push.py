"""Pushes over a real socket, with the faults that double or lose leads elsewhere."""

from __future__ import annotations

import json
import socket
from datetime import timedelta

import pytest

from integrations.actions.push.requeue import requeue_pushes
from integrations.actions.push.settle_push import MAX_TRIES
from integrations.models import Connection, ExternalRecord, PendingPush, SyncRecord, SyncRun
from integrations.queries.runs import named_records
from integrations.sandbox_crm.server import SandboxServer
from leads.models import Lead
from tests.integrations.connectors.faults import Behavior, answering, faulty, losing_answer, silent
from tests.integrations.sandbox_crm.running import TOKEN
from tests.integrations.world import QUICK, Clock, connector_to, owe, owed_leads, people, push_connection, states
from tests.leads.factories import LeadFactory, UserFactory, channel

pytestmark = pytest.mark.django_db


def push(connection: Connection, clock: Clock, **options: object) -> SyncRun:
    return push_connection(connection_id=connection.pk, clock=clock, seed=1, **options)


def test_leads_arrive_once_with_their_fields(connected: Connection, crm: SandboxServer, clock: Clock) -> None:
    owner = UserFactory()
    ExternalRecord.objects.create(connection=connected, kind="owner", remote_id="O-1", owner=owner)
    leads = owed_leads(connected, 3, owner=owner, score=42, company="Acme", channel=channel("paid-search"))

    run = push(connected, clock)

    assert (run.state, run.created, run.calls) == ("done", 3, 1)
    assert sorted(people(crm)) == sorted(str(lead.public_id) for lead in leads)
    person = crm.store.find("people", [str(leads[0].public_id)])[0]
    assert person["email"] == leads[0].email
    assert (person["company"], person["owner_id"]) == ("Acme", "O-1")
    assert person["properties"]["lead_score"] == 42
    assert states(connected) == {"done": 3}
    link = ExternalRecord.objects.get(lead=leads[0])
    assert link.remote_id == person["id"]
    assert set(SyncRecord.objects.filter(run=run).values_list("outcome", flat=True)) == {"created"}


def test_as_few_calls_as_the_api_allows(connected: Connection, crm: SandboxServer, clock: Clock) -> None:
    owed_leads(connected, 250)

    assert push(connected, clock).calls == 3
    assert len(people(crm)) == 250


def test_unchanged_leads_cost_no_call(connected: Connection, crm: SandboxServer, clock: Clock) -> None:
    (lead,) = owed_leads(connected, 1)
    push(connected, clock)
    PendingPush.objects.update(state="pending")

    again = push(connected, clock)

    assert (again.calls, again.unchanged, again.created) == (0, 1, 0)
    Lead.objects.filter(pk=lead.pk).update(company="Renamed")
    PendingPush.objects.update(state="pending")
    assert push(connected, clock).updated == 1
    assert crm.store.find("people", [str(lead.public_id)])[0]["company"] == "Renamed"


def test_a_change_during_the_call_stays_due(connected: Connection, crm: SandboxServer, clock: Clock) -> None:
    (lead,) = owed_leads(connected, 1)
    connector = connector_to(crm.url)
    original = connector.upsert
    calls = []

    def upsert(kind: str, drafts: object) -> object:
        if not calls:
            Lead.objects.filter(pk=lead.pk).update(company="Changed meanwhile")
            PendingPush.objects.update(version=2)
        calls.append(kind)
        return original(kind, drafts)

    connector.upsert = upsert
    push(connected, clock, connector=connector)

    assert len(calls) == 2
    assert crm.store.find("people", [str(lead.public_id)])[0]["company"] == "Changed meanwhile"
    assert states(connected) == {"done": 1}


def test_a_refused_lead_blocks_nobody_and_can_be_requeued(
    connected: Connection, crm: SandboxServer, clock: Clock
) -> None:
    owed_leads(connected, 2)
    bad = LeadFactory(email="not an address")
    owe(connected, bad)

    run = push(connected, clock)

    assert (run.state, run.created, run.rejected) == ("done", 2, 1)
    pending = PendingPush.objects.get(lead=bad)
    assert (pending.state, pending.error_field) == ("rejected", "email")
    assert pending.last_error
    record = SyncRecord.objects.get(run=run, outcome="rejected")
    assert record.note.startswith("email: ")
    assert pending.error_code
    assert pending.error_code != pending.last_error
    assert record.code == pending.error_code
    assert list(named_records(SyncRecord.objects.all(), record.code)) == [record]

    assert push(connected, clock).calls == 0
    Lead.objects.filter(pk=bad.pk).update(email="good@customer.example")
    assert requeue_pushes(connection_id=connected.pk, at=clock(), push_ids=[pending.pk]) == 1
    assert push(connected, clock).created == 1


def test_a_lost_answer_is_looked_up_before_it_is_sent_again(
    connected: Connection, crm: SandboxServer, clock: Clock
) -> None:
    leads = owed_leads(connected, 3)
    with faulty(losing_answer(crm.server_port)) as proxy:
        run = push(connected, clock, connector=connector_to(proxy.url, limits=QUICK))

    assert (run.state, run.unclear) == ("failed", 3)
    assert len(people(crm)) == 3  # it had been written all the same
    assert set(PendingPush.objects.values_list("state", "is_unclear")) == {("pending", True)}
    connected.refresh_from_db()
    assert (connected.failures, connected.health) == (1, "failing")
    assert connected.paused_until > clock()

    clock.pass_by(hours=2)
    stats = crm.calls.shown()["by_route"].get("POST /v1/people/upsert")
    again = push(connected, clock)

    assert (again.state, again.unchanged) == ("done", 3)
    assert crm.calls.shown()["by_route"]["POST /v1/people/upsert"] == stats  # the look-up was enough
    assert sorted(people(crm)) == sorted(str(lead.public_id) for lead in leads)
    assert states(connected) == {"done": 3}
    connected.refresh_from_db()
    assert (connected.failures, connected.health, connected.paused_until) == (0, "ok", None)


def test_silence_is_unclear_and_ends_after_twelve_tries(
    connected: Connection, crm: SandboxServer, clock: Clock
) -> None:
    owed_leads(connected, 1)
    PendingPush.objects.update(attempts=MAX_TRIES - 1)
    with faulty(silent) as server:
        push(connected, clock, connector=connector_to(server.url, limits=QUICK))

    assert states(connected) == {"dead": 1}
    assert requeue_pushes(connection_id=connected.pk, at=clock()) == 1
    clock.pass_by(hours=2)
    push(connected, clock)
    assert len(people(crm)) == 1


def test_too_many_calls_pause_the_connection_and_burn_no_try(connected: Connection, clock: Clock) -> None:
    owed_leads(connected, 150)
    with faulty(answering(429, b"{}", "Retry-After: 90")) as server:
        run = push(connected, clock, connector=connector_to(server.url))
        assert len(server.requests) == 1

    connected.refresh_from_db()
    assert run.state == "stopped"
    assert timedelta(seconds=80) < connected.paused_until - clock() <= timedelta(seconds=90)
    assert (connected.health, connected.failures) == ("paused", 0)
    assert set(PendingPush.objects.values_list("state", "attempts", "is_unclear")) == {("pending", 0, False)}


def test_a_spent_day_says_until_when(connected: Connection, clock: Clock) -> None:
    owed_leads(connected, 1)
    resume_at = (clock() + timedelta(hours=5)).replace(microsecond=0)
    body = json.dumps({"error": {"code": "daily_quota", "message": "Spent.", "resume_at": resume_at.isoformat()}})
    with faulty(answering(429, body.encode())) as server:
        run = push(connected, clock, connector=connector_to(server.url))

    connected.refresh_from_db()
    assert connected.paused_until == resume_at
    assert (run.state, connected.health) == ("stopped", "paused")
    assert f"{resume_at:%Y-%m-%d %H:%M} UTC" in run.note


def test_a_revoked_token_opens_the_breaker(connected: Connection, crm: SandboxServer, clock: Clock) -> None:
    owed_leads(connected, 1)
    crm.token = "another-token-now"

    run = push(connected, clock)

    connected.refresh_from_db()
    assert (run.state, connected.health, connected.failures) == ("failed", "failing", 1)
    assert connected.paused_until > clock() + timedelta(hours=1)
    assert TOKEN not in run.note + connected.health_note
    assert set(PendingPush.objects.values_list("state", "attempts")) == {("pending", 0)}


def test_what_a_dead_process_left_behind_is_looked_up(connected: Connection, crm: SandboxServer, clock: Clock) -> None:
    leads = owed_leads(connected, 2)
    push(connected, clock)
    # As if the process had died between the call and its settling.
    ExternalRecord.objects.filter(lead__in=leads).delete()
    PendingPush.objects.update(state="leased", fence=connected.fence)
    Connection.objects.update(lease_until=clock() + timedelta(minutes=1))
    SyncRun.objects.create(connection=connected, direction="push", reason="x", started_at=clock())
    clock.pass_by(minutes=5)

    run = push(connected, clock)

    assert (run.unchanged, run.calls) == (2, 1)
    assert len(people(crm)) == 2
    assert ExternalRecord.objects.filter(lead__in=leads).count() == 2
    assert SyncRun.objects.filter(state="running").count() == 0


def refusing(culprit: str, port: int) -> Behavior:
    """Refuses any request that holds the culprit, as some APIs do; the rest reaches the CRM."""

    def behave(sock: socket.socket, request: bytes) -> None:
        if culprit.encode() in request:
            return answering(422, b'{"error": {"code": "odd", "message": "One of these is odd.", "field": "email"}}')(
                sock, request
            )
        with socket.create_connection(("127.0.0.1", port), timeout=10) as crm:
            crm.sendall(request)
            sock.sendall(crm.recv(1_000_000))
        return None

    return behave


def test_a_batch_refused_as_a_whole_is_halved_down_to_the_culprit(
    connected: Connection, crm: SandboxServer, clock: Clock
) -> None:
    leads = owed_leads(connected, 8)
    with faulty(refusing(str(leads[5].public_id), crm.server_port)) as server:
        run = push(connected, clock, connector=connector_to(server.url))

    assert (run.state, run.created, run.rejected) == ("done", 7, 1)
    assert PendingPush.objects.get(state="rejected").lead == leads[5]
    assert PendingPush.objects.get(state="rejected").error_field == "email"
    assert len(people(crm)) == 7


def test_a_crm_that_refuses_everything_rejects_few_and_stops(connected: Connection, clock: Clock) -> None:
    owed_leads(connected, 64)
    with faulty(answering(400, b'{"error": {"code": "bad_version", "message": "Gone."}}')) as server:
        run = push(connected, clock, connector=connector_to(server.url))
        assert len(server.requests) <= 12

    assert run.state == "failed"
    assert states(connected)["pending"] >= 58
