"""Processes that push at the same time, or are killed in the middle: the CRM's own file holds each lead once."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.connectors.base import Draft
from integrations.models import Connection, PendingPush, SyncRun
from integrations.sandbox_crm.server import SandboxServer
from leads.models import Company
from tests import forking
from tests.forking import Forked
from tests.integrations.api.test_capture_races import shared_database
from tests.integrations.sandbox_crm.running import running_crm
from tests.integrations.world import connect, connector_to, owed_leads, people, states

pytestmark = [pytest.mark.django_db(transaction=True, serialized_rollback=True), pytest.mark.slow]


@pytest.fixture
def crm(tmp_path: Path) -> Iterator[SandboxServer]:
    with running_crm(tmp_path / "crm.sqlite3") as server:
        yield server


@pytest.fixture
def connection(crm: SandboxServer) -> Connection:
    Company.objects.filter(pk=1).update(time_zone="Europe/Berlin")
    return connect(crm.url)


def pusher(connection: Connection, address: str, *, ahead: float = 0, pause: float = 0) -> Forked:
    return forking.start("tests.integrations.flows.pusher", connection.pk, ahead, pause, address=address)


def wait_for(process: Forked, word: str) -> str:
    for line in process.stdout:
        if line.startswith(word):
            return line
    raise AssertionError(f"the process ended without saying {word!r}: {process.communicate()[1]}")


@pytest.mark.parametrize("moment", ["pushing", "answered"])
def test_a_killed_push_is_finished_by_the_next(
    connection: Connection, crm: SandboxServer, tmp_path: Path, moment: str
) -> None:
    """Killed in the call, or after the CRM's answer and before ours was written down."""
    leads = owed_leads(connection, 45)
    with shared_database(tmp_path) as address:
        for round_number in range(3):
            process = pusher(connection, address, ahead=round_number * 600, pause=30)
            wait_for(process, moment)
            if moment == "pushing":
                time.sleep(random.Random(round_number).random() * 0.02)
            process.kill()
            process.wait()
            process.stdout.close()
        last = pusher(connection, address, ahead=3600)
        said, _ = last.communicate(timeout=60)
        assert said.splitlines()[-1].startswith("done"), said

    assert sorted(people(crm)) == sorted(str(lead.public_id) for lead in leads)
    assert states(connection) == {"done": 45}
    assert not PendingPush.objects.filter(is_unclear=True).exists()
    assert SyncRun.objects.filter(state="failed", note__contains="process ended").count() >= 1


def test_a_frozen_holder_is_overtaken_and_its_late_answer_refused(
    connection: Connection, crm: SandboxServer, tmp_path: Path
) -> None:
    leads = owed_leads(connection, 12)
    with shared_database(tmp_path) as address:
        frozen = pusher(connection, address, pause=0.5)
        wait_for(frozen, "answered")
        frozen.send_signal(signal.SIGSTOP)
        second = pusher(connection, address, ahead=600)
        said, _ = second.communicate(timeout=60)
        frozen.send_signal(signal.SIGCONT)
        late, _ = frozen.communicate(timeout=60)
        assert said.splitlines()[-1].startswith("done")
        assert late.splitlines()[-1].startswith("failed")

    assert sorted(people(crm)) == sorted(str(lead.public_id) for lead in leads)
    assert states(connection) == {"done": 12}


def test_two_pushers_at_once_send_each_lead_once(connection: Connection, crm: SandboxServer, tmp_path: Path) -> None:
    leads = owed_leads(connection, 30)
    with shared_database(tmp_path) as address:
        processes = [pusher(connection, address, pause=0.3) for _ in range(3)]
        said = [process.communicate(timeout=60)[0].splitlines()[-1] for process in processes]

    assert sorted(people(crm)) == sorted(str(lead.public_id) for lead in leads)
    assert states(connection) == {"done": 30}
    # Whoever came second either found the door locked or nothing left to do.
    assert "done 30 0" in said
    assert set(said) <= {"done 30 0", "done 0 0", "busy"}
    calls = crm.calls.shown()["by_route"]
    assert calls == {"POST /v1/people/upsert": 3}


def test_control_a_naive_push_without_keys_or_intent_would_double(connection: Connection, crm: SandboxServer) -> None:
    """Create, lose the answer, create again: what the tests above would count, were it not for key and look-up."""
    leads = owed_leads(connection, 3)
    connector = connector_to(crm.url)
    for attempt in range(2):
        drafts = [Draft(f"{lead.pk}-{attempt}", {"email": lead.email, "last_name": lead.last_name}) for lead in leads]
        list(connector.upsert("person", drafts))
    connector.close()
    assert len(people(crm)) == 6
