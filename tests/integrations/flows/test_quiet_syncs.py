"""A sync with nothing new costs a known number of calls, whatever was read and sent before."""

from __future__ import annotations

from datetime import timedelta

import pytest

from integrations.actions.jobs.run_sync import run_sync
from integrations.models import Connection, SyncRun
from integrations.sandbox_crm.server import SandboxServer
from leads.models import Company
from tests.integrations.flows.vendors import World, world_of
from tests.integrations.world import Clock, owed_leads

pytestmark = pytest.mark.django_db
# By route, as the CRM counts them.
QUIET = {
    "salesforce": {"POST /services/data/{version}/composite": 3},
    "hubspot": {
        "GET /crm/objects/2026-09/{type}": 3,
        "GET /crm/owners/2026-09": 2,
        "GET /crm/pipelines/2026-09/{type}": 1,
        "GET /marketing/campaigns/2026-09": 1,
        "POST /crm/objects/2026-09/{type}/search": 6,
    },
    "pipedrive": {
        "GET /api/v1/users": 1,
        "GET /api/v2/deals": 1,
        "GET /api/v2/deals/archived": 1,
        "GET /api/v2/organizations": 1,
        "GET /api/v2/personFields": 1,
        "GET /api/v2/persons": 1,
        "GET /api/v2/pipelines": 1,
        "GET /api/v2/stages": 1,
    },
}
# What calls and meetings cost besides.
WITH_ACTIVITIES = {
    "salesforce": {"GET /services/data/{version}/queryAll": 2},
    "hubspot": {"GET /crm/objects/2026-09/{type}": 2, "POST /crm/objects/2026-09/{type}/search": 2},
    "pipedrive": {"GET /api/v2/activities": 1},
}


@pytest.fixture(params=sorted(QUIET))
def world(request: pytest.FixtureRequest, crm: SandboxServer, company: Company) -> World:
    return world_of(request.param, crm.dialect(request.param))


@pytest.fixture
def connection(world: World, crm: SandboxServer) -> Connection:
    return world.connect(crm.url)


def calls(world: World, connection: Connection, clock: Clock) -> dict[str, int]:
    """The calls of one more sync, an hour later."""
    clock.pass_by(hours=1)
    world.later(hours=1)
    world.dialect.calls.clear()
    synced = run_sync(connection_id=connection.pk, reason="asked for", clock=clock, seed=1)
    assert synced.is_done, SyncRun.objects.latest("pk").note
    told: dict[str, int] = dict(world.dialect.calls.shown()["by_route"])
    return told


def test_nothing_new(world: World, connection: Connection, clock: Clock) -> None:
    owed_leads(connection, 3, company="Acme")
    calls(world, connection, clock)
    person = world.people()[0].id
    world.move_deal(world.add_deal(person, "Looms", 1_000))
    for _ in range(3):
        calls(world, connection, clock)
    assert calls(world, connection, clock) == QUIET[world.kind]
    assert calls(world, connection, clock) == QUIET[world.kind]


def test_nothing_new_among_activities(world: World, connection: Connection, clock: Clock) -> None:
    owed_leads(connection, 1)
    calls(world, connection, clock)
    person = world.people()[0].id
    world.add_call(person, clock() - timedelta(days=1))
    rules = {"call": {"rule": "done", "channel": "events"}, "meeting": {"rule": "held", "channel": "other"}}
    Connection.objects.filter(pk=connection.pk).update(activities=rules)
    for _ in range(3):
        calls(world, connection, clock)
    more = WITH_ACTIVITIES[world.kind]
    expected = {route: QUIET[world.kind].get(route, 0) + more.get(route, 0) for route in {*QUIET[world.kind], *more}}
    assert calls(world, connection, clock) == expected
