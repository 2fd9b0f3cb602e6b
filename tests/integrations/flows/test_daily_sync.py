"""From a captured lead to won revenue and back, by the day's sync."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from integrations.actions.connections.delete_connection import delete_connection
from integrations.actions.connections.try_connection import try_connection
from integrations.actions.jobs.follow_changes import follow_changes
from integrations.actions.jobs.plan_syncs import plan_daily_syncs, plan_manual_sync, run_due_syncs
from integrations.actions.push.enqueue import enqueue_leads
from integrations.models import Connection, FormerRecord, PendingPush, SyncRun
from integrations.sandbox_crm.server import SandboxServer
from leads.models import JobRun, LeadEvent, Opportunity
from leads.past.acting import backdated
from tests.integrations.world import Clock, connect, map_person, owe, owed_leads, people
from tests.leads.factories import CampaignFactory, LeadFactory, TouchpointFactory

pytestmark = pytest.mark.django_db


def test_a_lead_goes_out_and_its_won_deal_comes_back(connected: Connection, crm: SandboxServer, clock: Clock) -> None:
    lead = LeadFactory(stage="mql")
    enqueue_leads(lead_ids=[lead.pk], at=clock(), reason="captured")
    assert run_due_syncs(clock=clock, seed=1) == 1
    assert people(crm) == [str(lead.public_id)]

    deal = crm.store.create_deal(
        {
            "name": "Acme", "amount": "5000.00", "currency": "EUR",
            "contacts": [{"external_id": str(lead.public_id), "role": "primary"}],
        },
        by="sales",
    )  # fmt: skip
    crm.store.change_deal(deal["id"], {"stage": "won"}, by="sales")
    clock.pass_by(days=1)
    time.sleep(1.1)  # the window ends at the server's clock, in whole seconds
    run_due_syncs(clock=clock, seed=2)

    opportunity = Opportunity.objects.get()
    assert (opportunity.status, opportunity.reporting_cents) == ("won", 500_000)
    lead.refresh_from_db()
    assert lead.stage == "customer"
    person = crm.store.find("people", [str(lead.public_id)])[0]
    assert person["properties"]["lead_stage"] == "customer"  # pulled, then pushed, in one sync


def test_the_day_is_synced_once_however_often_it_is_asked(connected: Connection, clock: Clock) -> None:
    assert run_due_syncs(clock=clock, seed=1) == 1
    assert run_due_syncs(clock=clock, seed=1) == 0
    assert plan_daily_syncs(at=clock()) == 0
    assert SyncRun.objects.count() == 2
    clock.pass_by(days=1)
    assert run_due_syncs(clock=clock, seed=1) == 1
    assert JobRun.objects.filter(kind="crm-sync", state="done").count() == 2


def test_an_outage_at_night_is_waited_out_the_same_day(connected: Connection, crm: SandboxServer, clock: Clock) -> None:
    # At noon: neither the hour of the daily sync nor midnight lies within the next two hours.
    clock.ahead = datetime.now(UTC).replace(hour=12, minute=0) + timedelta(days=1) - datetime.now(UTC)
    owed_leads(connected, 1)
    Connection.objects.update(base_url="http://127.0.0.1:9")
    run_due_syncs(clock=clock, seed=1)
    job = JobRun.objects.get(kind="crm-sync")
    assert (job.state, people(crm)) == ("waiting", [])
    assert run_due_syncs(clock=clock, seed=1) == 0  # it waits out the pause
    Connection.objects.update(base_url=crm.url)
    clock.pass_by(hours=2)

    run_due_syncs(clock=clock, seed=1)

    job.refresh_from_db()
    assert job.state == "done"
    assert len(people(crm)) == 1


def test_retries_are_sent_between_daily_syncs_and_news_are_not(
    connected: Connection, crm: SandboxServer, clock: Clock
) -> None:
    run_due_syncs(clock=clock, seed=1)
    retry, news = LeadFactory(), LeadFactory()
    owe(connected, retry, attempts=1)
    owe(connected, news, not_before=clock() + timedelta(hours=9))

    assert run_due_syncs(clock=clock, seed=1) == 1

    assert people(crm) == [str(retry.public_id)]
    assert SyncRun.objects.latest("pk").reason == "retry"


def test_a_manual_sync_brings_everything_forward(connected: Connection, crm: SandboxServer, clock: Clock) -> None:
    run_due_syncs(clock=clock, seed=1)
    owe(connected, LeadFactory(), not_before=clock() + timedelta(hours=9))
    plan_manual_sync(connection=connected, by=None, at=clock())

    run_due_syncs(clock=clock, seed=1)

    assert len(people(crm)) == 1


def test_a_worker_that_died_is_succeeded(connected: Connection, clock: Clock) -> None:
    plan_daily_syncs(at=clock())
    JobRun.objects.update(state="running", beat_at=clock() - timedelta(minutes=2))
    left = JobRun.objects.get(kind="crm-sync")
    assert run_due_syncs(clock=clock, seed=1) == 0
    clock.pass_by(minutes=15)
    run_due_syncs(clock=clock, seed=1)
    left.refresh_from_db()
    assert left.state == "done"


def test_one_connections_trouble_is_not_anothers(connected: Connection, crm: SandboxServer, clock: Clock) -> None:
    broken = connect("http://127.0.0.1:9", slug="broken")
    refused = connect("http://169.254.169.254", slug="refused")
    owed_leads(connected, 1)
    run_due_syncs(clock=clock, seed=1)
    assert len(people(crm)) == 1
    for connection in (broken, refused):
        connection.refresh_from_db()
        assert connection.health == "failing"


def test_changes_are_followed_from_the_last_time_on(connected: Connection, clock: Clock) -> None:
    follow_changes(at=clock())
    lead = LeadFactory()
    LeadEvent.objects.create(lead=lead, kind="updated", happened_at=clock(), recorded_at=datetime.now(UTC))
    clock.pass_by(hours=3)  # the worker was away
    assert follow_changes(at=clock()) == 1
    assert follow_changes(at=clock()) == 0
    assert PendingPush.objects.get().lead == lead


def test_what_an_import_stamped_long_before_its_commit_is_followed(connected: Connection, clock: Clock) -> None:
    """A batch takes half an hour: its rows say when it began, and nobody can read them until it ends."""
    map_person(connected, ("last_campaign", "properties.last_campaign", "push", "ours"))
    follow_changes(at=clock())
    clock.pass_by(hours=1)
    follow_changes(at=clock())
    told, touched = LeadFactory(), LeadFactory()
    began = clock() - timedelta(minutes=30)
    with backdated(datetime.now(UTC)):
        LeadEvent.objects.create(lead=told, kind="imported", happened_at=began, recorded_at=began)
        TouchpointFactory(lead=touched, campaign=CampaignFactory(), recorded_at=began)
    assert follow_changes(at=clock()) == 2
    assert set(PendingPush.objects.values_list("lead", flat=True)) == {told.pk, touched.pk}
    assert follow_changes(at=clock()) == 0


def test_a_connection_deleted_and_made_again_doubles_nothing(
    connected: Connection, crm: SandboxServer, clock: Clock
) -> None:
    lead = LeadFactory(stage="mql")
    enqueue_leads(lead_ids=[lead.pk], at=clock(), reason="captured")
    run_due_syncs(clock=clock, seed=1)
    person = {"external_id": str(lead.public_id), "role": "primary"}
    deal = crm.store.create_deal(
        {"name": "Acme", "amount": "5000.00", "currency": "EUR", "contacts": [person]}, by="sales"
    )
    clock.pass_by(days=1)
    time.sleep(1.1)
    run_due_syncs(clock=clock, seed=2)
    before = Opportunity.objects.get()
    delete_connection(connection_id=connected.pk, at=clock())
    assert Opportunity.objects.get() == before
    assert not PendingPush.objects.exists()
    again = connect(crm.url, slug="again")
    assert try_connection(connection_id=again.pk, clock=clock, seed=1).is_ok
    again.refresh_from_db()
    assert again.source == connected.slug
    assert not FormerRecord.objects.exists()
    crm.store.change_deal(deal["id"], {"stage": "won"}, by="sales")
    enqueue_leads(lead_ids=[lead.pk], at=clock(), reason="captured")
    clock.pass_by(days=1)
    time.sleep(1.1)
    run_due_syncs(clock=clock, seed=3)
    assert again.records.filter(kind="deal").count() == 1
    assert people(crm) == [str(lead.public_id)]
    assert Opportunity.objects.count() == 1
    assert Opportunity.objects.get().status == "won"
