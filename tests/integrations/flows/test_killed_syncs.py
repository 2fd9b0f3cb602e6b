"""Workers killed at random moments of a sync that pushes and pulls: nothing lost, nothing doubled, and it ends by
itself. `python -m benchmarks.crm_kills` does the same fifty times for each vendor."""

from __future__ import annotations

from pathlib import Path

import pytest

from integrations.connectors import connector_for
from integrations.connectors.base import Account, Draft, MemoryTokens
from integrations.models import SyncRun
from integrations.sandbox_crm.server import SandboxServer
from leads.models import Company
from tests.integrations.api.test_capture_races import shared_database
from tests.integrations.flows.storm import Storm, prepare
from tests.integrations.flows.syncer import MOMENTS
from tests.integrations.flows.vendors import WORLDS, world_of
from tests.leads.factories import LeadFactory

pytestmark = [pytest.mark.django_db(transaction=True, serialized_rollback=True), pytest.mark.slow]


@pytest.mark.parametrize("kind", sorted(WORLDS))
def test_a_sync_killed_again_and_again_loses_and_doubles_nothing(crm: SandboxServer, tmp_path: Path, kind: str) -> None:
    Company.objects.filter(pk=1).update(time_zone="Europe/Berlin", currency="EUR")
    world = world_of(kind, crm.dialect(kind))
    connection = prepare(world, crm.url, LeadFactory.create_batch(30, company="Acme"))
    storm = Storm(world, connection.pk, kills=4, searches_apart=0.03)
    with shared_database(tmp_path) as address:
        storm.run(address)

    found = storm.counted()
    lost = {name: count for name, count in found.items() if name.endswith(("lost", "doubled")) and count}
    assert (lost, found["running"], found["unfinished_jobs"], found["waiting"]) == ({}, 0, 0, 0), found
    assert found["contacts"] == len(storm.deals)
    # What the page shows of a run whose worker died; a push may be over before its hour has come.
    assert 1 <= found["died_pulling"] + found["died_pushing"] <= storm.kills
    assert all(run.finished_at and run.note for run in SyncRun.objects.filter(state="failed"))


@pytest.mark.parametrize("kind", ["pipedrive"])
def test_control_creating_again_after_a_lost_answer_doubles(crm: SandboxServer, company: Company, kind: str) -> None:
    """What the tests above would count, were it not for the look-up: a CRM without keys takes everything twice."""
    world = world_of(kind, crm.dialect(kind))
    account = Account(f"{crm.url}/{kind}", **world.secrets, allow_loopback=True, tokens=MemoryTokens())
    connector = connector_for(kind)(account)
    connector.prepare()
    for _ in range(2):
        connector._first_contact = lambda draft: ([], [])
        list(connector.upsert("person", [Draft(f"lead-{n}", {"email": f"a{n}@b.example"}) for n in range(3)]))
        connector._made.clear()
    connector.close()
    assert set(world.keys().values()) == {2}


def test_a_worker_killed_at_each_moment_of_a_job_loses_and_doubles_nothing(
    crm: SandboxServer, tmp_path: Path, company: Company
) -> None:
    """The job goes on without whoever made it; what it still writes is older than what is sent after it."""
    world = world_of("salesforce", crm.dialect("salesforce"))
    connection = prepare(world, crm.url, LeadFactory.create_batch(30, company="Acme"))
    world.dialect.records.set_meta("job_seconds", "1.5")
    storm = Storm(world, connection.pk, kills=len(MOMENTS), moments=tuple(MOMENTS))
    with shared_database(tmp_path) as address:
        storm.run(address)

    found = storm.counted()
    lost = {name: count for name, count in found.items() if name.endswith(("lost", "doubled")) and count}
    assert (lost, found["running"], found["unfinished_jobs"], found["waiting"]) == ({}, 0, 0, 0), found
    assert found["died_pushing"] == len(MOMENTS)
    assert len(world.dialect.jobs) >= len(MOMENTS)
