"""Many leads by one job of Bulk API 2.0: results by key, whatever their order; what is unclear stays so."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from integrations.connectors.base import Account, Draft, Outage, Throttled
from integrations.connectors.salesforce import bulk, connect
from integrations.connectors.salesforce import connector as salesforce
from integrations.sandbox_crm.dialects import Fault
from integrations.sandbox_crm.server import SandboxServer
from tests.integrations.sandbox_crm.running import TOKEN, running_crm

JOBS = "* /services/data/{version}/jobs/ingest"


@pytest.fixture
def crm(tmp_path: Path) -> Iterator[SandboxServer]:
    with running_crm(tmp_path / "crm.sqlite3") as server:
        yield server


@pytest.fixture
def connector(crm: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(salesforce, "BULK_FROM", 3)
    monkeypatch.setattr(bulk, "FIRST_LOOK", 0.01)
    secrets = {"client_id": "c1", "client_secret": TOKEN}
    made = connect(Account(f"{crm.url}/salesforce", secrets, allow_loopback=True))
    yield made
    made.close()


def draft(number: int, **fields: Any) -> Draft:
    return Draft(f"key-{number}", {"LastName": f"Berg, “{number}”\nII", "Company": "Acme", "Email": "", **fields})


def names(outcomes: list[Any]) -> Counter[str]:
    return Counter(type(each).__name__ for each in outcomes)


def test_a_job_writes_and_tells_by_key(crm: SandboxServer, connector: Any) -> None:
    dialect = crm.dialect("salesforce")
    drafts = [draft(number, NumberOfEmployees=number) for number in range(5)]
    outcomes = list(connector.upsert("person", drafts))
    assert [each.key for each in outcomes] == [each.key for each in drafts]
    assert names(outcomes) == {"Created": 5}
    rows = dialect.records.listing("Lead", limit=100)
    assert {each.members["Portal_Id__c"]: each.id for each in rows} == {each.key: each.remote_id for each in outcomes}
    assert {each.members["NumberOfEmployees"] for each in rows} == {0, 1, 2, 3, 4}
    assert rows[0].members["LastName"] == "Berg, “0”\nII"

    again = [Draft("key-0", {"NumberOfEmployees": None}, outcomes[0].remote_id), *drafts[1:]]
    assert names(list(connector.upsert("person", again))) == {"Updated": 5}
    first = dialect.records["Lead", outcomes[0].remote_id].members
    assert first["NumberOfEmployees"] is None  # cleared
    assert first["Company"] == "Acme"  # what a draft does not name is left alone


def test_a_refused_row_refuses_itself(crm: SandboxServer, connector: Any) -> None:
    drafts = [draft(0), draft(1, LastName="x" * 200), draft(2), draft(3)]
    outcomes = list(connector.upsert("person", drafts))
    assert names(outcomes) == {"Created": 3, "Rejected": 1}
    assert (outcomes[1].code, outcomes[1].field) == ("STRING_TOO_LONG", "LastName")


def test_whom_a_duplicate_rule_means_is_shown(crm: SandboxServer, connector: Any) -> None:
    """As one call of 200 tells it: the lead is refused, and a person chooses among those who are there."""
    dialect = crm.dialect("salesforce")
    held = {"FirstName": "Ada", "LastName": "Berg", "Company": "Acme", "Email": "a@b.example", "IsConverted": False}
    there = dialect.records.add("Lead", held)
    people = [draft(0, LastName="Berg", FirstName="Ada"), draft(1), draft(2, LastName="Cole"), draft(3)]
    with dialect.faults(Fault("rows", "PATCH */jobs/ingest/*", nth=1, times=None, code="DUPLICATES_DETECTED")):
        outcomes = list(connector.upsert("person", people))
    assert [each.code for each in outcomes] == ["DUPLICATES_DETECTED"] * 4
    assert [[each.remote_id for each in told.candidates] for told in outcomes] == [[there.id], [], [], []]
    assert outcomes[0].candidates[0].name == "Lead: Ada Berg, Acme, a@b.example"


def test_an_earlier_job_that_is_under_way_is_waited_for(crm: SandboxServer, connector: Any) -> None:
    """It would write older values after the newer ones."""
    dialect = crm.dialect("salesforce")
    dialect.records.set_meta("job_seconds", "0.3")
    connector.beat = lambda: 1 / 0  # the process ends while its job goes on
    with pytest.raises(ZeroDivisionError):
        list(connector.upsert("person", [replace(draft(number), is_new=True) for number in range(4)]))
    with pytest.raises(Throttled) as raised:
        connector.find("person", ["key-0"])
    assert raised.value.code == "job_under_way"
    assert raised.value.after == timedelta(seconds=30)
    time.sleep(0.5)
    assert set(connector.find("person", ["key-0", "key-9"])) == {"key-0"}


def test_converted_leads_go_to_their_contact(crm: SandboxServer, connector: Any) -> None:
    dialect = crm.dialect("salesforce")
    drafts = [draft(number) for number in range(4)]
    outcomes = list(connector.upsert("person", drafts))
    contact = dialect.convert_lead(outcomes[2].remote_id)["contact"]
    again = [
        Draft(each.key, {"Phone": "+49 30 1"}, told.remote_id) for each, told in zip(drafts, outcomes, strict=True)
    ]
    told = list(connector.upsert("person", again))
    assert names(told) == {"Updated": 4}
    assert told[2].remote_id == contact
    assert dialect.records["Contact", contact].members["Phone"] == "+49 30 1"


def test_until_it_is_closed_nothing_was_written(crm: SandboxServer, connector: Any) -> None:
    dialect = crm.dialect("salesforce")
    dialect.scenario.set(Fault("status", route="PUT */batches", status=503))
    with pytest.raises(Outage):
        list(connector.upsert("person", [draft(number) for number in range(4)]))
    assert dialect.records.count("Lead") == 0


def test_what_was_closed_and_not_heard_of_is_unclear(crm: SandboxServer, connector: Any) -> None:
    dialect = crm.dialect("salesforce")
    dialect.scenario.set(Fault("status", route="GET */successfulResults", status=503))
    outcomes = list(connector.upsert("person", [draft(number) for number in range(4)]))
    assert names(outcomes) == {"Unknown": 4}
    assert set(connector.find("person", [f"key-{number}" for number in range(4)])) == {f"key-{n}" for n in range(4)}


def test_whoever_holds_the_connection_is_told_that_it_goes_on(connector: Any) -> None:
    beats: list[int] = []
    connector.beat = lambda: beats.append(1)
    list(connector.upsert("person", [draft(number) for number in range(4)]))
    assert len(beats) >= 3
