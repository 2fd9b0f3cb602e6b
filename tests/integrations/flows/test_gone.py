"""What was archived over there is looked for where something may have been: two counts tell that nothing was."""

from __future__ import annotations

from datetime import timedelta

import pytest

from integrations.actions.jobs.run_sync import run_sync
from integrations.models import Connection, ExternalRecord, SyncRun, Watermark
from integrations.sandbox_crm.server import SandboxServer
from leads.models import Company
from tests.integrations.flows.vendors import World, world_of
from tests.integrations.world import Clock, owed_leads

pytestmark = pytest.mark.django_db
KINDS = ("contacts", "companies", "deals")
ARCHIVED = 2_110


@pytest.fixture
def world(crm: SandboxServer, company: Company) -> World:
    return world_of("hubspot", crm.dialect("hubspot"))


@pytest.fixture
def connection(world: World, crm: SandboxServer) -> Connection:
    return world.connect(crm.url)


def calls(world: World, connection: Connection, clock: Clock) -> dict[str, int]:
    """The calls of one more sync, half an hour later."""
    clock.pass_by(minutes=30)
    world.later(seconds=1800)
    world.dialect.calls.clear()
    run_sync(connection_id=connection.pk, reason="asked for", clock=clock, seed=1)
    run = SyncRun.objects.filter(connection=connection, direction="pull").latest("pk")
    assert run.state == "done", run.note
    return dict(world.dialect.calls.shown()["by_route"])


def archive(world: World, count: int) -> None:
    records = world.dialect.records
    with records.write():
        for n in range(count):
            records.archive("contacts", records.add("contacts", {"email": f"old{n}@example.com"}).id)


def listed(told: dict[str, int]) -> int:
    return told.get("GET /crm/objects/2026-09/{type}", 0)


def test_nothing_new_among_many_archived_costs_two_counts(world: World, connection: Connection, clock: Clock) -> None:
    archive(world, ARCHIVED)
    lead, other = owed_leads(connection, 2)
    most = -(-ARCHIVED // 100)
    # The first sync lists the living of each kind too. It finds that one list is long; the second one counts beside it.
    assert [listed(calls(world, connection, clock)) for _ in range(2)] == [most + 2 + len(KINDS), most + 2]

    quiet = calls(world, connection, clock)
    # Changes and what was merged of each kind, two counts of contacts, and the short lists of the others.
    assert quiet["POST /crm/objects/2026-09/{type}/search"] == 2 * len(KINDS) + 2
    assert listed(quiet) == 2

    link = ExternalRecord.objects.get(lead=lead, kind="person")
    world.end_person(link.remote_id)
    assert listed(calls(world, connection, clock)) == -(-(ARCHIVED + 1) // 100) + 2
    link.refresh_from_db()
    assert link.archived_at is not None
    assert ExternalRecord.objects.get(lead=other, kind="person").archived_at is None
    assert listed(calls(world, connection, clock)) == 2


def test_what_was_written_since_the_last_count_is_asked_for_by_its_id(
    world: World, connection: Connection, clock: Clock
) -> None:
    archive(world, 400)
    for _ in range(2):
        calls(world, connection, clock)
    (lead,) = owed_leads(connection, 1)
    calls(world, connection, clock)
    link = ExternalRecord.objects.get(lead=lead, kind="person")
    world.end_person(link.remote_id)
    told = calls(world, connection, clock)
    link.refresh_from_db()
    assert link.archived_at is not None
    assert listed(told) == 2


def test_once_a_day_it_is_looked_anyway(world: World, connection: Connection, clock: Clock) -> None:
    archive(world, 400)
    for _ in range(2):
        calls(world, connection, clock)
    assert listed(calls(world, connection, clock)) == 2
    for mark in Watermark.objects.filter(connection=connection):
        assert mark.gone_to is not None
        Watermark.objects.filter(pk=mark.pk).update(gone_to=mark.gone_to - timedelta(days=1))
    assert listed(calls(world, connection, clock)) == 4 + 2


def test_a_merge_is_noticed_at_once(world: World, connection: Connection, clock: Clock) -> None:
    loser, winner = owed_leads(connection, 2)
    calls(world, connection, clock)
    calls(world, connection, clock)
    remote = {lead.pk: ExternalRecord.objects.get(lead=lead, kind="person").remote_id for lead in (loser, winner)}
    world.merge(remote[loser.pk], remote[winner.pk])
    calls(world, connection, clock)
    assert ExternalRecord.objects.get(remote_id=remote[loser.pk]).merged_into == remote[winner.pk]
