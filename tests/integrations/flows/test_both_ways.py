"""Fields that travel both ways, syncs without changes, dry runs, undo, comparisons: against a real sandbox CRM."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core import serializers
from django.db.models import F

from integrations.actions.hear_webhook import look_at_hints
from integrations.actions.push.back_fill import plan_back_fill, run_back_fills
from integrations.actions.runs.forget_old import forget_old
from integrations.actions.trials.dry_run import dry_run
from integrations.actions.trials.reconcile import reconcile
from integrations.actions.undo.decide_undo import NotUndoable
from integrations.actions.undo.release_records import release_records
from integrations.actions.undo.undo_run import undo_run
from integrations.models import Connection, ExternalRecord, PendingPush, StageMap, SyncRecord, SyncRun
from integrations.sandbox_crm.server import SandboxServer
from leads.models import Assignment, Lead, LeadEvent, LifecyclePassage, Opportunity, OpportunityChange, Touchpoint
from tests.integrations.world import (
    Clock,
    connect,
    edit_person,
    map_person,
    owe,
    owed_leads,
    person_in,
    reading_now,
    sync,
)
from tests.leads.factories import LeadFactory, UserFactory

pytestmark = pytest.mark.django_db
FACTS = (Lead, LeadEvent, LifecyclePassage, Opportunity, OpportunityChange, Touchpoint, ExternalRecord, PendingPush)
BOTH = ("company", "company", "both", "newest")


def ours(*models: Any) -> str:
    """Every row of the tables that hold facts, as text."""
    return serializers.serialize("json", [row for model in models or FACTS for row in model.objects.order_by("pk")])


def theirs(crm: SandboxServer) -> str:
    pages = [crm.store.page(kind, limit=10_000) for kind in ("people", "deals")]
    return json.dumps(pages, sort_keys=True, default=str)


def ada(connection: Connection, clock: Clock, **fields: Any) -> Lead:
    (lead,) = owed_leads(connection, 1, **{"company": "Acme", "stage": "mql", **fields})
    sync(connection, clock)
    return lead


def deal(crm: SandboxServer, lead: Lead, **fields: Any) -> str:
    contacts = [{"external_id": str(lead.public_id), "role": "primary"}]
    record = {"name": "Acme deal", "amount": "1000.00", "currency": "EUR", "contacts": contacts, **fields}
    return str(crm.store.create_deal(record, by="test")["id"])


def edit_lead(lead: Lead, at: datetime, **fields: Any) -> None:
    """What capture does to a known lead, in short."""
    Lead.objects.filter(pk=lead.pk).update(**fields, changed_at=at)
    LeadEvent.objects.create(lead=lead, kind="updated", happened_at=at, recorded_at=at)


def owe_again(connection: Connection) -> None:
    PendingPush.objects.filter(connection=connection).update(state="pending", version=F("version") + 1)


def test_a_repeated_sync_writes_nothing_on_either_side(connected: Connection, crm: SandboxServer, clock: Clock) -> None:
    map_person(connected, BOTH, ("phone", "phone", "pull", "theirs"))
    lead = ada(connected, clock)
    edit_person(crm, lead, phone="+49 30 1")
    deal(crm, lead)
    sync(connected, clock)
    sync(connected, clock)  # what the first brought here (score, stage) is told to the CRM
    facts = [model for model in FACTS if model is not PendingPush]  # asked for again, found unchanged, settled
    before = ours(*facts), theirs(crm)

    for _ in range(2):
        sync(connected, clock)

    assert (ours(*facts), theirs(crm)) == before
    runs = SyncRun.objects.order_by("-pk")[:4]
    assert [(run.created, run.updated, run.rejected) for run in runs] == [(0, 0, 0)] * 4


def test_a_value_entered_in_the_crm_arrives_with_all_that_follows(
    connected: Connection, crm: SandboxServer, clock: Clock
) -> None:
    rep = UserFactory(email="jana.weber@example.com")
    map_person(
        connected,
        BOTH,
        ("owner_id", "owner_id", "both", "theirs"),
        ("attributes.budget", "properties.budget", "pull", "theirs"),
    )
    lead = ada(connected, clock)
    edit_person(crm, lead, company="Acme Holding", owner_id="O-1", properties={"budget": 500})

    sync(connected, clock)

    lead.refresh_from_db()
    assert (lead.company, lead.owner, lead.attributes) == ("Acme Holding", rep, {"budget": 500})
    assert lead.intake_due_at is not None  # a fresh score
    assert LeadEvent.objects.filter(lead=lead, kind="updated").exists()
    assert "Sandbox names" in Assignment.objects.get(lead=lead).because
    record = SyncRecord.objects.get(outcome="updated", way="in")
    assert record.changes["company"] == ["Acme", "Acme Holding"]
    assert record.written["owner_id"] == [None, rep.pk]
    assert person_in(crm, lead)["company"] == "Acme Holding"


@pytest.mark.parametrize(
    ("policy", "expected"), [("ours", "Ours"), ("theirs", "Theirs"), ("newest", "Theirs"), ("fill_empty", None)]
)
def test_where_both_changed_the_policy_decides(
    connected: Connection, crm: SandboxServer, clock: Clock, policy: str, expected: str | None
) -> None:
    map_person(connected, ("company", "company", "both", policy))
    lead = ada(connected, clock)
    edit_lead(lead, datetime.now(UTC), company="Ours")
    edit_person(crm, lead, company="Theirs")  # later

    sync(connected, clock)

    lead.refresh_from_db()
    values = (lead.company, person_in(crm, lead)["company"])
    assert values == ((expected, expected) if expected else ("Ours", "Theirs"))


@pytest.mark.parametrize("policy", ["ours", "theirs", "newest"])
def test_where_one_side_changed_there_is_no_conflict(
    connected: Connection, crm: SandboxServer, clock: Clock, policy: str
) -> None:
    map_person(connected, ("company", "company", "both", policy), ("job_title", "job_title", "both", policy))
    lead = ada(connected, clock, job_title="CTO")
    edit_lead(lead, clock(), job_title="CEO")
    edit_person(crm, lead, company="Theirs")

    sync(connected, clock)

    lead.refresh_from_db()
    row = person_in(crm, lead)
    assert (lead.company, row["company"]) == ("Theirs", "Theirs")
    assert (lead.job_title, row["job_title"]) == ("CEO", "CEO")


@pytest.mark.parametrize(
    ("field", "theirs", "held"),
    [
        ("country", "Atlantis", "FR"),  # cannot be taken over
        ("email", "taken@example.com", "ada@example.com"),  # another lead has it
        ("owner_id", "O-2", None),  # none of our users
        ("job_title", "x" * 190, "x" * 160),  # longer than our column
    ],
)
def test_what_cannot_be_taken_over_is_not_written_over(
    connected: Connection, crm: SandboxServer, clock: Clock, field: str, theirs: str, held: str | None
) -> None:
    map_person(connected, (field, field, "both", "theirs"))
    LeadFactory(email="taken@example.com")
    lead = ada(connected, clock, country="FR", email="ada@example.com")
    edit_person(crm, lead, **{field: theirs})
    sync(connected, clock)
    edit_lead(lead, clock(), region="Bavaria")  # so that the lead goes out again
    owe_again(connected)

    for _ in range(2):
        sync(connected, clock)

    lead.refresh_from_db()
    row = person_in(crm, lead)
    assert (getattr(lead, field), row[field], row["region"]) == (held, theirs, "Bavaria")
    assert SyncRecord.objects.filter(outcome="skipped", lead=lead).count() == (field != "job_title")


def test_two_owners_there_may_be_one_of_our_users(connected: Connection, crm: SandboxServer, clock: Clock) -> None:
    rep = UserFactory(email="jana.weber@example.com")
    map_person(connected, ("owner_id", "owner_id", "both", "theirs"))
    lead = ada(connected, clock)
    ExternalRecord.objects.filter(kind="owner", remote_id="O-2").update(owner=rep, is_chosen=True)
    edit_person(crm, lead, owner_id="O-2")
    sync(connected, clock)
    owe_again(connected)
    sync(connected, clock)
    lead.refresh_from_db()
    assert (lead.owner, person_in(crm, lead)["owner_id"]) == (rep, "O-2")


def test_what_we_only_push_is_not_taken_from_the_crm(connected: Connection, crm: SandboxServer, clock: Clock) -> None:
    lead = ada(connected, clock)
    edit_person(crm, lead, company="Elsewhere")
    sync(connected, clock)
    lead.refresh_from_db()
    assert lead.company == "Acme"


def test_a_person_archived_there_is_marked_here(connected: Connection, crm: SandboxServer, clock: Clock) -> None:
    lead = ada(connected, clock)
    crm.store.archive("people", person_in(crm, lead)["id"])
    sync(connected, clock)
    assert ExternalRecord.objects.get(lead=lead).archived_at is not None
    assert SyncRecord.objects.filter(outcome="archived", lead=lead).count() == 1


def test_a_dry_run_writes_nothing_and_tells_all(connected: Connection, crm: SandboxServer, clock: Clock) -> None:
    map_person(connected, BOTH)
    lead = ada(connected, clock)
    edit_person(crm, lead, company="Acme Holding")
    deal(crm, lead)
    fresh = LeadFactory(company="New one")
    owe(connected, fresh)
    before = ours(*FACTS, StageMap), theirs(crm)

    run = dry_run(connection_id=connected.pk, clock=clock, connector=reading_now(crm.url))

    assert (ours(*FACTS, StageMap), theirs(crm)) == before
    assert (run.state, run.is_dry_run, run.created, run.updated) == ("done", True, 2, 1), run.note
    told = {(each.kind, each.way, each.outcome) for each in run.records.all()}
    assert told == {
        ("person", "in", "would_update"),
        ("deal", "in", "would_create"),
        ("person", "out", "would_create"),
    }
    assert run.records.get(outcome="would_update").changes == {"company": ["Acme", "Acme Holding"]}
    assert run.records.get(way="out").changes["company"] == ["", "New one"]
    # What it promised is what a sync does.
    sync(connected, clock)
    assert Opportunity.objects.count() == 1
    assert person_in(crm, fresh)["company"] == "New one"


def test_a_new_connection_is_tried_before_anything_is_stored(crm: SandboxServer, company: Any, clock: Clock) -> None:
    connection = connect(crm.url)
    LeadFactory.create_batch(3)
    run = dry_run(connection_id=connection.pk, clock=clock, limit=2, connector=reading_now(crm.url))
    assert (run.created, run.note) == (2, "Only the first 2 leads were looked at.")
    assert not StageMap.objects.exists()
    assert not ExternalRecord.objects.exists()


def test_undo_restores_what_still_stands_and_holds_it(connected: Connection, crm: SandboxServer, clock: Clock) -> None:
    map_person(connected, BOTH, ("phone", "phone", "pull", "theirs"))
    lead = ada(connected, clock, phone="1")
    kept = deal(crm, lead, name="Old")
    sync(connected, clock)
    edit_person(crm, lead, company="Mistake", phone="2")
    crm.store.change_deal(kept, {"name": "Mistaken"}, by="test")
    deal(crm, lead, name="Should not be")
    sync(connected, clock)
    run = SyncRun.objects.filter(direction="pull").latest("pk")
    edit_lead(lead, clock(), phone="3")

    undo = undo_run(run_id=run.pk, by=None, clock=clock, chunk=1)

    lead.refresh_from_db()
    assert (lead.company, lead.phone) == ("Acme", "3")
    assert [row.name for row in Opportunity.objects.all()] == ["Old"]
    told = {each.kind + " " + each.outcome: each for each in undo.records.all()}
    assert set(told) == {"person restored", "deal restored", "deal removed"}
    assert told["person restored"].note == "Changed since, so left: phone."
    run.refresh_from_db()
    assert run.undone_at is not None
    with pytest.raises(NotUndoable):
        undo_run(run_id=run.pk, by=None, clock=clock, chunk=1)

    sync(connected, clock)  # held: neither redone nor sent
    lead.refresh_from_db()
    assert (lead.company, Opportunity.objects.count()) == ("Acme", 1)
    assert person_in(crm, lead)["company"] == "Mistake"

    assert release_records(connection_id=connected.pk, at=clock()) == 3
    assert look_at_hints(clock=clock, seed=1, connector=reading_now(crm.url)) == 3
    assert Opportunity.objects.count() == 2


def test_what_a_run_wrote_twice_goes_back_all_the_way(connected: Connection, crm: SandboxServer, clock: Clock) -> None:
    map_person(connected, ("phone", "phone", "pull", "theirs"))
    lead = ada(connected, clock, phone="0")
    for phone in ("1", "2"):
        edit_person(crm, lead, phone=phone)
        sync(connected, clock)
    run = SyncRun.objects.filter(direction="pull").latest("pk")
    SyncRecord.objects.filter(run__direction="pull").update(run=run)
    undo_run(run_id=run.pk, by=None, clock=clock, chunk=1)
    lead.refresh_from_db()
    assert lead.phone == "0"


def test_an_opportunity_on_which_something_hangs_stays(connected: Connection, crm: SandboxServer, clock: Clock) -> None:
    lead = ada(connected, clock)
    deal(crm, lead)
    sync(connected, clock)
    run = SyncRun.objects.filter(direction="pull").latest("pk")
    Opportunity.objects.update(changed_at=clock(), name="Touched")
    undo = undo_run(run_id=run.pk, by=None, clock=clock, chunk=1)
    record = undo.records.get(kind="deal")
    assert (record.outcome, record.note) == ("kept", "It was changed since.")
    assert ExternalRecord.objects.get(kind="deal").opportunity is not None


def test_only_finished_pulls_can_be_undone(connected: Connection, clock: Clock) -> None:
    ada(connected, clock)
    push = SyncRun.objects.filter(direction="push").latest("pk")
    with pytest.raises(NotUndoable, match="Only a pull"):
        undo_run(run_id=push.pk, by=None, clock=clock, chunk=1)


def test_a_comparison_lists_drift_and_repairs_only_marks(
    connected: Connection, crm: SandboxServer, clock: Clock
) -> None:
    _agreed, changed, archived, lost = owed_leads(connected, 4, company="Acme")
    sync(connected, clock)
    edit_person(crm, changed, company="Elsewhere")
    crm.store.archive("people", person_in(crm, archived)["id"])
    ExternalRecord.objects.filter(lead=lost).update(remote_id="P-999999")
    before = theirs(crm), ours(Lead)

    run = reconcile(connection_id=connected.pk, clock=clock, is_full=True)

    assert (theirs(crm), ours(Lead)) == before
    told = {each.lead_id: each.outcome for each in run.records.all()}
    assert told == {changed.pk: "differs", archived.pk: "archived", lost.pk: "missing_there"}
    assert run.records.get(lead=changed).changes == {"company": ["Elsewhere", "Acme"]}
    assert (run.state, run.drifted, run.unchanged, run.expected) == ("done", 3, 1, 4)
    assert ExternalRecord.objects.get(lead=archived).archived_at is not None


def test_a_back_fill_owes_every_lead_once_and_goes_on_where_it_ended(connected: Connection, clock: Clock) -> None:
    LeadFactory.create_batch(3)
    job = plan_back_fill(connection=connected, by=None, at=clock())
    assert plan_back_fill(connection=connected, by=None, at=clock()) == job
    owe(connected, Lead.objects.first())  # as far as a worker got that died
    assert run_back_fills(clock=clock) == 2
    job.refresh_from_db()
    assert (job.state, job.done, job.total, PendingPush.objects.count()) == ("done", 2, 2, 3)
    assert run_back_fills(clock=clock) == 0
    plan_back_fill(connection=connected, by=None, at=clock(), is_again=True)
    assert run_back_fills(clock=clock) == 3


def test_two_connections_know_nothing_of_each_other(
    connected: Connection, crm: SandboxServer, clock: Clock, tmp_path: Any
) -> None:
    from tests.integrations.sandbox_crm.running import running_crm

    with running_crm(tmp_path / "other.sqlite3") as second:
        other = connect(second.url, slug="other")
        map_person(connected, BOTH)
        map_person(other, BOTH)
        (lead,) = owed_leads(connected, 1, company="Acme")
        owe(other, lead)
        for each in (connected, other):
            sync(each, clock)
        edit_person(second, lead, company="From the second")

        sync(other, clock)
        sync(connected, clock)

        assert person_in(crm, lead)["company"] == "From the second"
        assert ExternalRecord.objects.filter(lead=lead).count() == 2
        assert deal(second, lead)
        sync(other, clock)
        assert ExternalRecord.objects.get(kind="deal").connection == other


def test_old_records_are_forgotten(connected: Connection, clock: Clock) -> None:
    ada(connected, clock)
    assert SyncRecord.objects.exists()
    assert forget_old(at=clock()) == 0
    clock.pass_by(days=91)
    assert forget_old(at=clock()) > 0
    assert not SyncRecord.objects.exists()
    assert SyncRun.objects.exists()
