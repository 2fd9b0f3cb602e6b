"""Two people that the CRM takes for one are merged here, and what was merged here is not sent again."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest

from integrations.actions.connections.edit_connection import open_webhook
from integrations.actions.hear_webhook import hear_webhook, look_at_hints
from integrations.actions.jobs.follow_changes import follow_changes
from integrations.actions.jobs.run_sync import run_sync
from integrations.actions.push.enqueue import enqueue_leads
from integrations.actions.trials.dry_run import dry_run
from integrations.actions.undo.decide_undo import preview_undo
from integrations.actions.undo.release_records import release_records
from integrations.actions.undo.undo_run import undo_run
from integrations.connectors.base import RawWebhook
from integrations.models import Connection, ExternalRecord, PendingPush, SyncHint, SyncRecord, SyncRun
from integrations.sandbox_crm.server import SandboxServer
from leads.actions.identity.merge_leads import merge_leads
from leads.models import Company, Lead, LeadMerge
from tests.integrations.flows.vendors import World, world_of
from tests.integrations.world import Clock
from tests.leads.factories import LeadFactory, TouchpointFactory

pytestmark = pytest.mark.django_db


def asked(connection: Connection, world: World, clock: Clock) -> SyncRun:
    """A sync of what was changed before this moment; the pull's run."""
    world.later()
    clock.pass_by(seconds=2)
    follow_changes(at=clock())
    run_sync(connection_id=connection.pk, reason="asked for", clock=clock, seed=1)
    run = SyncRun.objects.filter(direction="pull").latest("pk")
    assert run.state == "done", run.note
    return run


def both_sent(connection: Connection, world: World, clock: Clock) -> tuple[Lead, Lead, str, str]:
    survivor, loser = (
        LeadFactory(company="Acme", stage="mql"),
        LeadFactory(company="Acme", stage="mql", phone="+49 30 1"),
    )
    enqueue_leads(lead_ids=[survivor.pk, loser.pk], at=clock(), reason="captured")
    asked(connection, world, clock)
    known = dict(ExternalRecord.objects.filter(kind="person", lead__isnull=False).values_list("lead", "remote_id"))
    return survivor, loser, known[survivor.pk], known[loser.pk]


def told(connection: Connection, remote_id: str, action: str, **meta: str) -> None:
    """A webhook of Pipedrive about a person."""
    connection.refresh_from_db()
    meta |= {"entity": "person", "entity_id": remote_id, "action": action, "id": str(SyncHint.objects.count())}
    basic = "Basic " + base64.b64encode(f"portal:{connection.webhook_secret}".encode()).decode()
    body = json.dumps({"meta": meta}).encode()
    raw = RawWebhook("POST", "https://portal.example/x", {"Authorization": basic}, body, datetime.now(UTC))
    assert hear_webhook(key=str(connection.webhook_key), raw=raw, at=datetime.now(UTC))


@pytest.fixture
def kind() -> str:
    return "hubspot"


@pytest.fixture
def world(kind: str, crm: SandboxServer, company: Company) -> World:
    return world_of(kind, crm.dialect(kind))


@pytest.fixture
def connection(world: World, crm: SandboxServer) -> Connection:
    return world.connect(crm.url)


@pytest.mark.parametrize("kind", ["pipedrive"])
def test_what_only_webhooks_tell_is_looked_up_at_once(connection: Connection, world: World, clock: Clock) -> None:
    """Pipedrive shows nothing of a person who was merged or deleted; its webhooks say it, and who lives on."""
    survivor, loser, remote, gone = both_sent(connection, world, clock)
    open_webhook(connection_id=connection.pk)
    told(connection, gone, "change")
    told(connection, gone, "delete", merged_to_id=remote)
    assert look_at_hints(clock=clock, seed=1) == 2
    assert not LeadMerge.objects.exists(), "both live on in the CRM: what was said is not so"

    world.merge(gone, remote)
    told(connection, gone, "change")
    told(connection, gone, "delete", merged_to_id=remote)
    told(connection, remote, "change")
    assert look_at_hints(clock=clock, seed=1) == 3

    merge, record = LeadMerge.objects.get(), SyncRecord.objects.get(outcome="merged")
    loser.refresh_from_db()
    assert (loser.merged_into, merge.by, record.run.reason) == (survivor, None, "webhook")
    assert ExternalRecord.objects.get(kind="person", remote_id=gone).merged_into == remote
    world.end_person(remote)
    told(connection, remote, "delete")
    assert look_at_hints(clock=clock, seed=1) == 1
    assert ExternalRecord.objects.get(kind="person", remote_id=remote).archived_at is not None


@pytest.mark.parametrize("kind", ["salesforce", "hubspot"])  # Pipedrive's pages do not tell who lives on
def test_whom_the_crm_merged_is_one_lead(connection: Connection, world: World, clock: Clock) -> None:
    survivor, loser, remote, gone = both_sent(connection, world, clock)
    TouchpointFactory(lead=loser)
    world.merge(gone, remote)
    world.later()
    trial = dry_run(connection_id=connection.pk, clock=clock)
    assert trial.state == "done"
    assert LeadMerge.objects.count() == 0

    run = asked(connection, world, clock)

    loser.refresh_from_db()
    survivor.refresh_from_db()
    merge = LeadMerge.objects.get()
    assert (loser.merged_into, survivor.phone, merge.by) == (survivor, "+49 30 1", None)
    assert survivor.touchpoints.count() == 1
    record = SyncRecord.objects.get(run=run, outcome="merged")
    assert record.lead == loser
    assert "merged here, too" in record.note
    # Nothing happens twice, and nobody is sent back to life.
    people = len(world.people())
    asked(connection, world, clock)
    assert LeadMerge.objects.count() == 1
    assert len(world.people()) == people
    assert set(PendingPush.objects.values_list("state", flat=True)) == {"done"}
    # Undone, they are two again, and stay so until they are released.
    assert [each.outcome for each in preview_undo(run_id=run.pk, at=clock())] == ["restored"]
    undo = undo_run(run_id=run.pk, by=None, clock=clock)
    loser.refresh_from_db()
    survivor.refresh_from_db()
    assert (undo.updated, loser.merged_into, survivor.phone, loser.touchpoints.count()) == (1, None, "", 1)
    asked(connection, world, clock)
    loser.refresh_from_db()
    assert loser.merged_into is None
    assert len(world.people()) == people
    # Released, too: the CRM may name the merge again, with every change of the record that lives on.
    release_records(connection_id=connection.pk, at=clock())
    Lead.objects.filter(pk=survivor.pk).update(phone="+49 30 2", changed_at=clock())
    enqueue_leads(lead_ids=[survivor.pk], at=clock(), reason="changed")
    for _ in range(2):
        asked(connection, world, clock)
    loser.refresh_from_db()
    assert loser.merged_into is None
    assert len(world.people()) == people


@pytest.mark.parametrize("kind", ["salesforce", "hubspot"])
def test_two_leads_whose_records_became_a_third(connection: Connection, world: World, clock: Clock) -> None:
    """As HubSpot merges: the record that lives on is neither of the two, and none of ours."""
    _, _, one, other = both_sent(connection, world, clock)
    names = {"salesforce": {"LastName": "Third", "Company": "Acme"}, "hubspot": {"lastname": "Third"}}
    third = world.dialect.records.add(world.person, names[world.kind]).id
    world.merge(one, third)
    world.merge(other, third)

    asked(connection, world, clock)

    merge, link = LeadMerge.objects.get(), ExternalRecord.objects.get(kind="person", remote_id=third)
    assert (link.lead, link.merged_into) == (merge.survivor, "")
    assert ExternalRecord.objects.get(kind="person", lead=merge.loser).merged_into == third
    asked(connection, world, clock)
    assert (LeadMerge.objects.count(), len(world.people())) == (1, 1)


def test_a_connection_may_keep_its_merges_to_itself(connection: Connection, world: World, clock: Clock) -> None:
    Connection.objects.update(merges_people=False)
    _, loser, remote, gone = both_sent(connection, world, clock)
    world.merge(gone, remote)

    run = asked(connection, world, clock)

    loser.refresh_from_db()
    assert loser.merged_into is None
    assert "Here they are two" in SyncRecord.objects.get(run=run, outcome="merged").note


def test_a_lead_merged_here_leaves_its_record_there(connection: Connection, world: World, clock: Clock) -> None:
    survivor, loser, _, left = both_sent(connection, world, clock)
    before = world.dialect.records.get(world.person, left).members
    merge_leads(survivor_id=survivor.pk, loser_id=loser.pk, by=None, at=clock())

    asked(connection, world, clock)

    assert world.dialect.records.get(world.person, left).members == before
    assert ExternalRecord.objects.get(remote_id=left, kind="person").lead == loser
    survivor.refresh_from_db()
    assert survivor.phone == "+49 30 1"
    assert PendingPush.objects.get(lead=survivor).state == "done"
