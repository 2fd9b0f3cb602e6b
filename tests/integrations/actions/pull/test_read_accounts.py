"""What a sync tells of accounts: before and after, what became of their records, and what an undo takes back."""

from __future__ import annotations

import pytest
from django.test import Client

from integrations.actions.jobs.run_sync import run_sync
from integrations.actions.trials.dry_run import dry_run
from integrations.actions.trials.reconcile import reconcile
from integrations.actions.undo.release_records import release_records
from integrations.actions.undo.undo_run import undo_run
from integrations.models import Connection, ExternalRecord, SyncRun
from integrations.sandbox_crm.server import SandboxServer
from leads.models import Account, Company, User
from tests.integrations.flows.vendors import World, world_of
from tests.integrations.world import Clock
from tests.leads.factories import AccountFactory, UserFactory

pytestmark = pytest.mark.django_db
THEIRS = (("name", "name"), ("industry", "industry"), ("owner_id", "owner_id"))


@pytest.fixture
def world(crm: SandboxServer, company: Company) -> World:
    return world_of("hubspot", crm.dialect("hubspot"))


@pytest.fixture
def connection(world: World, crm: SandboxServer) -> Connection:
    connection = world.connect(crm.url)
    for position, (local, remote) in enumerate(THEIRS):
        connection.field_maps.create(
            kind="account", local=local, remote=remote, direction="pull", policy="theirs", position=position
        )
    return connection


def synced(connection: Connection, world: World, clock: Clock) -> SyncRun:
    """A sync of what was changed before this moment; the pull's run."""
    world.later()
    clock.pass_by(seconds=2)
    run_sync(connection_id=connection.pk, reason="asked for", clock=clock, seed=1)
    run = SyncRun.objects.filter(direction="pull").latest("pk")
    assert run.state == "done", run.note
    return run


def add(world: World, domain: str, name: str, **more: str) -> str:
    return str(world.dialect.records.add("companies", {"domain": domain, "name": name, **more}).id)


def told(run: SyncRun) -> list[tuple[str, str, str]]:
    rows = run.records.filter(kind="account").order_by("pk")
    return list(rows.values_list("outcome", "remote_id", "note"))


def test_two_records_of_one_account_are_told_each(connection: Connection, world: World, clock: Clock) -> None:
    """Each with what it wrote, so that the undo goes back by steps to what there was before."""
    account = AccountFactory(name="Old", domain="acme.example", industry="")
    first, second = add(world, "acme.example", "Acme"), add(world, "www.acme.example", "Acme GmbH", industry="RETAIL")

    run = synced(connection, world, clock)

    rows = run.records.filter(kind="account").order_by("pk")
    assert [row.remote_id for row in rows] == [first, second]
    assert [row.written["name"] for row in rows] == [["Old", "Acme"], ["Acme", "Acme GmbH"]]
    assert rows[1].changes["industry"] == ["", account_now(account).industry]
    undo = undo_run(run_id=run.pk, by=None, clock=clock)
    assert (account_now(account).name, account_now(account).industry) == ("Old", "")
    assert undo.updated == 2


def test_a_company_whose_website_is_a_page_of_another_is_not_that_one(
    connection: Connection, world: World, clock: Clock
) -> None:
    account = AccountFactory(name="LinkedIn", domain="linkedin.com", industry="")
    add(world, "linkedin.com", "Smith & Sons")
    assert told(synced(connection, world, clock)) == []
    assert account_now(account).name == "LinkedIn"


def account_now(account: Account) -> Account:
    return Account.objects.get(pk=account.pk)


def test_what_became_of_a_record_is_told(connection: Connection, world: World, clock: Clock) -> None:
    """Deleted, restored, merged into a record that we have and into one that we do not."""
    one, two, three = (AccountFactory(domain=f"{name}.example", name=name) for name in ("one", "two", "three"))
    ids = [add(world, each.domain or "", each.name) for each in (one, two, three)]
    synced(connection, world, clock)
    records = world.dialect.records

    records.archive("companies", ids[0])
    assert told(synced(connection, world, clock)) == [("archived", ids[0], "")]
    records.archive("companies", ids[0], is_archived=False)
    assert told(synced(connection, world, clock)) == [("skipped", ids[0], "It is back in the CRM.")]
    world.dialect.merge("companies", ids[1], ids[0])
    assert told(synced(connection, world, clock)) == [
        ("merged", ids[1], "The CRM took this account and one for one company. Here they are two.")
    ]
    stranger = add(world, "four.example", "four")
    world.dialect.merge("companies", ids[2], stranger)
    assert told(synced(connection, world, clock)) == [
        ("merged", ids[2], f"Merged into {stranger} in the CRM; the account is known by that now.")
    ]
    links = ExternalRecord.objects.filter(kind="account").order_by("account")
    assert list(links.values_list("remote_id", "merged_into")) == [(ids[0], ""), (ids[1], ids[0]), (stranger, "")]
    # Read again for the overlap of the windows, now as the account's own record.
    assert told(synced(connection, world, clock)) == [("updated", stranger, "")]
    assert account_now(three).name == "four"


def test_an_owner_who_is_no_user_here_is_told_once(connection: Connection, world: World, clock: Clock) -> None:
    account = AccountFactory(name="Acme", domain="acme.example", owner=None)
    there = add(world, "acme.example", "Acme", hubspot_owner_id="41002")

    note = "owner: the CRM's owner '41002' is none of our users"
    assert told(synced(connection, world, clock)) == [("skipped", there, note)]
    world.dialect.records.change("companies", there, {"name": "Acme GmbH"})
    run = synced(connection, world, clock)
    assert told(run) == [("updated", there, "")]
    assert account_now(account).name == "Acme GmbH"


def test_the_pages_name_owners_and_lead_to_the_account(
    connection: Connection, world: World, clock: Clock, admin_user: User, client: Client
) -> None:
    """In the run, its file, its undo and the list of what is held; a release reads the record again."""
    before, tom = UserFactory(name="Rita Old"), UserFactory(name="Tom Okafor", email="tom.okafor@acme.example")
    account = AccountFactory(name="Acme", domain="acme.example", owner=before)
    there = add(world, "acme.example", "Acme", hubspot_owner_id="41002")
    ExternalRecord.objects.create(
        connection=connection, kind="owner", remote_id="41002", owner=tom, is_chosen=True, remote_name="Tom"
    )
    world.later()
    clock.pass_by(seconds=2)
    trial = dry_run(connection_id=connection.pk, clock=clock)
    assert told(trial) == [("would_update", there, "")]
    run = synced(connection, world, clock)
    client.force_login(admin_user)
    address, link = f"/connections/hubspot/runs/{run.public_id}", f'href="/history/account/{account.public_id}"'

    page = client.get(address).content.decode()
    preview = client.get(f"{address}/undo").content.decode()
    undo = undo_run(run_id=run.pk, by=admin_user, clock=clock)
    undone = client.get(f"/connections/hubspot/runs/{undo.public_id}").content.decode()
    held = client.get("/connections/hubspot").content.decode()

    for told_page in (page, preview, undone):
        assert link in told_page
        assert "Rita Old" in told_page
        assert "Tom Okafor" in told_page
        assert "owner_id" not in told_page
    assert link in held
    assert account_now(account).owner == before
    file = client.get(f"{address}?export=csv").content.decode()
    assert "Rita Old,Tom Okafor" in file

    release_records(connection_id=connection.pk, at=clock())
    clock.pass_by(minutes=1)
    assert reconcile(connection_id=connection.pk, clock=clock).drifted == 1
