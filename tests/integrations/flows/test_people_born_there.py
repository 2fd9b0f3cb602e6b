"""People whom sales made in the CRM become leads here by choice: once, owned by whom they have there, not assigned."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.actions.connections.choose_content import choose_content
from integrations.actions.jobs.run_sync import run_sync
from integrations.actions.push.enqueue import enqueue_leads
from integrations.actions.trials.dry_run import dry_run
from integrations.actions.undo.undo_run import undo_run
from integrations.models import Connection, ExternalRecord, SyncRun
from integrations.sandbox_crm.server import SandboxServer
from leads.actions.intake import run_intake
from leads.models import Assignment, Company, Lead, LeadScore, Touchpoint, User
from tests.integrations.flows.vendors import WORLDS, World, world_of
from tests.integrations.world import Clock
from tests.leads.factories import LeadFactory, TouchpointFactory, UserFactory

pytestmark = pytest.mark.django_db
KINDS = sorted(WORLDS)


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest, crm: SandboxServer, company: Company) -> World:
    return world_of(request.param, crm.dialect(request.param))


@pytest.fixture
def connection(world: World, crm: SandboxServer) -> Connection:
    return world.connect(crm.url)


def sync(world: World, connection: Connection, clock: Clock) -> list[SyncRun]:
    world.later()
    before = set(SyncRun.objects.values_list("pk", flat=True))
    run_sync(connection_id=connection.pk, reason="asked for", clock=clock, seed=1)
    runs = list(SyncRun.objects.exclude(pk__in=before).order_by("pk"))
    assert {run.state for run in runs} == {"done"}, [run.note for run in runs]
    return runs


def choose(connection: Connection, takes: str, clock: Clock) -> None:
    choose_content(connection_id=connection.pk, takes_people=takes, activities={}, at=clock())


def made_leads(connection: Connection) -> list[Lead]:
    links = ExternalRecord.objects.filter(connection=connection, is_born_there=True, lead__isnull=False)
    return [link.lead for link in links.select_related("lead").order_by("pk") if link.lead]


def test_nobody_is_taken_over_unless_chosen(world: World, connection: Connection, clock: Clock) -> None:
    world.add_person("nina@prospect.example", "Nina", "Berg")
    sync(world, connection, clock)
    assert Lead.objects.count() == 0


def test_a_person_of_the_crm_becomes_a_lead_with_its_owner(world: World, connection: Connection, clock: Clock) -> None:
    jana = UserFactory(email="jana.weber@example.com", role="sales_rep")
    world.add_person("Nina@Prospect.example", "Nina", "Berg", owner=world.owner_of("jana.weber@example.com"))
    choose(connection, "all", clock)

    pull = sync(world, connection, clock)[0]

    (lead,) = Lead.objects.all()
    assert (lead.email, lead.first_name, lead.last_name) == ("nina@prospect.example", "Nina", "Berg")
    assert (lead.owner, lead.stage) == (jana, "lead")
    assert lead.events.get(kind="captured").details == {"source": f"crm:{connection.slug}"}
    assert LeadScore.objects.filter(lead=lead).exists()
    (touch,) = Touchpoint.objects.filter(lead=lead)
    assert (touch.kind, touch.exclusion) == ("crm_record", "internal")
    run_intake(lead_ids=[lead.pk], at=clock())
    lead.refresh_from_db()
    assert lead.owner == jana
    assert [each.because for each in Assignment.objects.filter(lead=lead)] == [f"{connection} names {jana}"]
    assert pull.created >= 1

    # Again and again: nobody is doubled on either side, nothing echoes.
    sync(world, connection, clock)
    for run in sync(world, connection, clock):
        assert (run.created, run.updated, run.rejected) == (0, 0, 0), run.note
    assert Lead.objects.count() == 1
    assert world.person_count("nina@prospect.example") == 1


def test_an_owner_who_is_no_user_here_is_kept_there(
    world: World, connection: Connection, clock: Clock, client: Client, sales_leader: User
) -> None:
    tom = world.owner_of("tom.okafor@example.com")
    person = world.add_person("nina@prospect.example", "Nina", "Berg", owner=tom)
    choose(connection, "all", clock)
    sync(world, connection, clock)
    (lead,) = Lead.objects.all()
    assert (lead.owner, lead.owner_elsewhere) == (None, "Tom Okafor")
    client.force_login(sales_leader)
    page = client.get(lead.get_absolute_url()).content.decode()
    assert "owner: Tom Okafor (in the CRM, no user here)" in page
    assert "The CRM names the owner, who has no account here" in page
    assert "Tom Okafor (in the CRM, no user here)" in client.get(reverse("leads:lead-list")).content.decode()
    run_intake(lead_ids=[lead.pk], at=clock())
    lead.refresh_from_db()
    assert lead.owner is None

    lead.first_name = "Nora"
    Lead.objects.filter(pk=lead.pk).update(first_name="Nora", changed_at=clock())
    enqueue_leads(lead_ids=[lead.pk], at=clock(), reason="changed")
    sync(world, connection, clock)
    assert world.first_name_of(world.dialect.records[world.person, person]) == "Nora"
    assert world.owner_id_of(person) == tom
    assert world.person_count("nina@prospect.example") == 1

    # Once somebody here is that owner, the lead is theirs.
    user = UserFactory(email="other@example.com", role="sales_rep")
    ExternalRecord.objects.filter(connection=connection, kind="owner", remote_id=tom).update(owner=user, is_chosen=True)
    connection.watermarks.update(read_to=None)
    sync(world, connection, clock)
    lead.refresh_from_db()
    assert lead.owner == user


def test_whom_we_know_by_e_mail_is_not_made_twice(world: World, connection: Connection, clock: Clock) -> None:
    lead = LeadFactory(email="nina@prospect.example", first_name="Nina", last_name="Berg", company="Acme")
    world.add_person("nina@prospect.example", "Nina", "Berg")
    choose(connection, "all", clock)
    sync(world, connection, clock)
    enqueue_leads(lead_ids=[lead.pk], at=clock(), reason="changed")
    sync(world, connection, clock)
    sync(world, connection, clock)
    assert Lead.objects.count() == 1
    assert world.person_count("nina@prospect.example") == 1
    assert world.keys() == {str(lead.public_id): 1}
    assert not Touchpoint.objects.filter(lead=lead, kind="crm_record").exists()


def test_only_those_added_from_now_on(world: World, connection: Connection, clock: Clock) -> None:
    world.add_person("old@prospect.example", "Olga", "Old")
    sync(world, connection, clock)
    time.sleep(1.1)
    choose_content(connection_id=connection.pk, takes_people="new", activities={}, at=world.now())
    world.later(minutes=1)
    world.add_person("new@prospect.example", "Nina", "New")
    sync(world, connection, clock)
    assert [lead.email for lead in Lead.objects.all()] == ["new@prospect.example"]


def test_a_person_without_an_e_mail_address(world: World, connection: Connection, clock: Clock) -> None:
    world.add_person("", "Nina", "Berg")
    choose(connection, "all", clock)
    sync(world, connection, clock)
    (lead,) = Lead.objects.all()
    assert lead.email is None
    assert lead.external_id is not None
    assert lead.external_id.startswith(f"{connection.slug}:")
    sync(world, connection, clock)
    for run in sync(world, connection, clock):
        assert (run.created, run.rejected) == (0, 0), run.note
    assert Lead.objects.count() == 1
    assert world.person_count("") == 1


def test_dry_run_then_pull_then_undo(world: World, connection: Connection, clock: Clock, admin_user: User) -> None:
    sync(world, connection, clock)
    world.add_person("nina@prospect.example", "Nina", "Berg")
    world.add_person("paul@prospect.example", "Paul", "Koch")
    choose(connection, "all", clock)
    world.later()
    trial = dry_run(connection_id=connection.pk, clock=clock)
    would = [(each.outcome, each.title, each.lead_id) for each in trial.records.filter(way="in", kind="person")]
    assert sorted(would) == [("would_create", "Nina Berg", None), ("would_create", "Paul Koch", None)], trial.note
    assert Lead.objects.count() == 0

    pull = sync(world, connection, clock)[0]
    assert Lead.objects.count() == 2
    # Paul has sent a form since: he stays.
    paul = Lead.objects.get(email="paul@prospect.example")
    TouchpointFactory(lead=paul, kind="form_submission")
    undo = undo_run(run_id=pull.pk, by=admin_user, clock=clock)
    assert undo.state == "done"
    told = {each.title or str(each.lead): (each.outcome, each.note) for each in undo.records.filter(kind="person")}
    assert told["Nina Berg"][0] == "removed"
    assert told["Paul Koch"] == ("kept", "There were contacts with the person.")
    assert list(Lead.objects.all()) == [paul]
    # Held: not made again by the next sync.
    sync(world, connection, clock)
    assert list(Lead.objects.all()) == [paul]
    assert pull.records.filter(title="Nina Berg").exists()


def test_a_converted_lead_stays_one(crm: SandboxServer, company: Company, clock: Clock) -> None:
    world: Any = world_of("salesforce", crm.dialect("salesforce"))
    connection = world.connect(crm.url)
    person = world.add_person("nina@prospect.example", "Nina", "Berg")
    choose(connection, "all", clock)
    sync(world, connection, clock)
    world.dialect.convert_lead(person)
    sync(world, connection, clock)
    sync(world, connection, clock)
    assert Lead.objects.count() == 1
    lead = Lead.objects.get()
    assert sorted(ExternalRecord.objects.filter(lead=lead).values_list("kind", flat=True)) == ["contact", "person"]
    # And one that was converted before we came is its contact.
    other = world.add_person("olga@prospect.example", "Olga", "Old")
    world.dialect.convert_lead(other)
    sync(world, connection, clock)
    assert sorted(str(lead.email) for lead in Lead.objects.all()) == ["nina@prospect.example", "olga@prospect.example"]
    sync(world, connection, clock)
    assert world.person_count("olga@prospect.example") == 1
