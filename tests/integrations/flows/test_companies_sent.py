"""Companies of leads at Pipedrive: linked at the first push, by the account that is known there or by name."""

from __future__ import annotations

import pytest

from integrations.actions.jobs.run_sync import run_sync
from integrations.actions.push.enqueue import enqueue_leads
from integrations.models import Connection, ExternalRecord, SyncRun
from integrations.sandbox_crm.dialects.pipedrive.objects import ORGANIZATION
from integrations.sandbox_crm.server import SandboxServer
from leads.models import Company, Lead
from tests.integrations.flows.vendors import World, world_of
from tests.integrations.world import Clock
from tests.leads.factories import AccountFactory, LeadFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(crm: SandboxServer, company: Company) -> World:
    return world_of("pipedrive", crm.dialect("pipedrive"))


def sync(world: World, connection: Connection, clock: Clock, *leads: Lead) -> None:
    enqueue_leads(lead_ids=[lead.pk for lead in leads], at=clock(), reason="captured")
    world.later()
    run_sync(connection_id=connection.pk, reason="asked for", clock=clock, seed=1)
    assert not SyncRun.objects.exclude(state="done").exists()


def organization_of(world: World, lead: Lead) -> int | None:
    remote = ExternalRecord.objects.get(lead=lead, kind="person").remote_id
    found: int | None = world.dialect.records["person", remote].members["org_id"]
    return found


def test_the_account_that_is_known_there_or_the_name(world: World, crm: SandboxServer, clock: Clock) -> None:
    records = world.dialect.records
    older, ours = (int(records.add("organization", {**ORGANIZATION, "name": "Acme"}).id) for _ in range(2))
    connection = world.connect(crm.url)
    sync(world, connection, clock)
    with_account, by_name, alone = (LeadFactory(company=name) for name in ("Acme", "ACME", ""))
    account = AccountFactory(name="Acme")
    ExternalRecord.objects.create(connection=connection, kind="account", remote_id=str(ours), account=account)
    Lead.objects.filter(pk=with_account.pk).update(account=account)

    sync(world, connection, clock, with_account, by_name, alone)

    linked = [organization_of(world, lead) for lead in (with_account, by_name, alone)]
    assert linked == [ours, older, None]

    # People there link somebody elsewhere: as the mapping comes, that stays, whatever changes here.
    other = int(records.add("organization", {**ORGANIZATION, "name": "Globex"}).id)
    remote = ExternalRecord.objects.get(lead=by_name, kind="person").remote_id
    records.change("person", remote, {"org_id": other})
    Lead.objects.filter(pk=by_name.pk).update(first_name="Changed", company="Acme Group")
    sync(world, connection, clock, by_name)
    assert organization_of(world, by_name) == other
    assert records.count("organization") == 3
