"""Who is there already, and for whom they work: listed or searched, whatever costs fewer tokens."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from integrations.connectors.base import Account, Created, Draft, RetryLater, Unchanged, Updated
from integrations.connectors.pipedrive.connector import KEY_FIELD, PipedriveConnector
from integrations.sandbox_crm.dialects import Fault
from integrations.sandbox_crm.dialects.pipedrive.objects import ORGANIZATION, PERSON
from tests.integrations.sandbox_crm.running import TOKEN, SandboxServer, running_crm


@pytest.fixture
def server(tmp_path) -> Iterator[SandboxServer]:
    with running_crm(tmp_path / "crm.sqlite3") as running:
        running.pipedrive = running.dialect("pipedrive")
        running.code = running.pipedrive.add_field("personField", KEY_FIELD, "varchar").members["field_code"]
        yield running


@pytest.fixture
def connect(server):
    """connect() → a new connector, as each run has one."""
    made = []

    def new() -> PipedriveConnector:
        account = Account(f"{server.url}/pipedrive", {"token": TOKEN}, allow_loopback=True)
        made.append(PipedriveConnector(account))
        return made[-1]

    yield new
    for each in made:
        each.close()


def draft(n: int, **more) -> Draft:
    return Draft(f"lead-{n}", {"last_name": f"Name {n}", "email": f"ada{n}@example.com"} | more)


def add_people(server, count: int) -> None:
    for n in range(count):
        emails = [{"value": f"Ada{n}@example.com", "primary": True, "label": "work"}]
        server.pipedrive.records.add("person", {**PERSON, "name": f"Name {n}", "emails": emails})


def spent(connector: PipedriveConnector) -> int:
    """Tokens of the day that are gone, as the last answer tells."""
    assert connector.quota is not None
    assert connector.quota.limit is not None
    return connector.quota.limit - connector.quota.left


def organizations(server) -> list[str]:
    return [each.members["name"] for each in server.pipedrive.records.listing("organization", limit=500)]


def test_a_hundred_new_people_cost_five_tokens_each_and_a_few_lists(server, connect) -> None:
    connector = connect()
    for start in range(0, 100, 25):
        made = list(connector.upsert("person", [draft(n) for n in range(start, start + 25)]))
        assert {type(each) for each in made} == {Created}
    # 100 × 5 of writes, 10 of the fields, 10 of a list per batch; a search for each would be 2,000 more.
    assert spent(connector) == 550
    assert "GET /api/v2/persons/search" not in server.pipedrive.calls.shown()["by_route"]


def test_a_list_is_read_on_and_never_again(server, connect) -> None:
    account = Account(f"{server.url}/pipedrive", {"token": TOKEN}, allow_loopback=True)
    connector = PipedriveConnector(account, page_size=10)
    dialect = server.pipedrive
    for start in range(0, 60, 10):
        dialect.clock.skew = timedelta(minutes=start)
        dialect.calls.clear()
        list(connector.upsert("person", [draft(n) for n in range(start, start + 10)]))
        # Nobody at first; then those of the last time, whose second is read again, and the page after them.
        assert dialect.calls.shown()["by_route"]["GET /api/v2/persons"] <= 2
    connector.close()


def test_those_who_are_there_are_met_by_the_list(server, connect) -> None:
    add_people(server, 30)
    connector = connect()
    outcomes = list(connector.upsert("person", [draft(n) for n in range(25)]))
    assert {type(each) for each in outcomes} == {Updated}
    assert server.pipedrive.records.count("person") == 30
    # Fields, a page of people, those met by their ids, 25 writes.
    assert spent(connector) == 10 + 10 + 10 + 125


def test_of_many_people_no_more_is_listed_than_half_of_what_searching_costs(server, connect, monkeypatch) -> None:
    add_people(server, 40)
    account = Account(f"{server.url}/pipedrive", {"token": TOKEN}, allow_loopback=True)
    connector = PipedriveConnector(account, page_size=2)
    outcomes = list(connector.upsert("person", [draft(n + 100) for n in range(10)]))
    calls = server.pipedrive.calls.shown()["by_route"]
    assert {type(each) for each in outcomes} == {Created}
    assert calls["GET /api/v2/persons"] == 10
    assert calls["GET /api/v2/persons/search"] == 10
    server.pipedrive.calls.clear()
    list(connector.upsert("person", [draft(n + 200) for n in range(20)]))
    # The rest of the 50, on from where the first batch stopped.
    assert "GET /api/v2/persons/search" not in server.pipedrive.calls.shown()["by_route"]
    connector.close()


def test_one_new_person_is_searched(server, connect) -> None:
    add_people(server, 3)
    (outcome,) = connect().upsert("person", [draft(1)])
    assert isinstance(outcome, Updated)
    assert server.pipedrive.calls.shown()["by_route"]["GET /api/v2/persons/search"] == 1


def test_somebody_made_there_between_two_batches_is_met(server, connect) -> None:
    connector = connect()
    list(connector.upsert("person", [draft(n + 50) for n in range(10)]))
    add_people(server, 5)
    outcomes = list(connector.upsert("person", [draft(n) for n in range(5)]))
    assert {type(each) for each in outcomes} == {Updated}


def test_two_leads_of_one_address_in_a_batch_take_one_person_once(server, connect) -> None:
    add_people(server, 1)
    drafts = [Draft(f"lead-{n}", {"last_name": "Name", "email": "ada0@example.com"}) for n in range(5)]
    outcomes = list(connect().upsert("person", drafts))
    assert [type(each) for each in outcomes] == [Updated, Created, Created, Created, Created]


def test_a_company_is_linked_as_an_organization_made_once(server, connect) -> None:
    names = ["Acme GmbH", "ACME  gmbh", "Globex", "Acme GmbH", "Initech"]
    connector = connect()
    outcomes = list(connector.upsert("person", [draft(n, company=name) for n, name in enumerate(names)]))
    people = server.pipedrive.records.listing("person", limit=10)
    assert {type(each) for each in outcomes} == {Created}
    assert organizations(server) == ["Acme GmbH", "Globex", "Initech"]
    assert [each.members["org_id"] for each in people] == [1, 1, 2, 1, 3]
    assert connector.fetch("person", ["2"])["2"].fields["company"] == "Acme GmbH"
    again = [Draft(each.key, {"company": name}, each.remote_id) for each, name in zip(outcomes, names, strict=True)]
    assert {type(each) for each in connect().upsert("person", again)} == {Unchanged}


def test_the_oldest_of_several_organizations_of_one_name_is_taken(server, connect) -> None:
    for name in ("Globex", "Acme", "acme"):
        server.pipedrive.records.add("organization", {**ORGANIZATION, "name": name})
    list(connect().upsert("person", [draft(1, company="ACME")]))
    (person,) = server.pipedrive.records.listing("person")
    assert person.members["org_id"] == 2
    assert len(organizations(server)) == 3


def test_our_account_names_the_organization_where_it_is_known(server, connect) -> None:
    for name in ("Acme", "Acme"):
        server.pipedrive.records.add("organization", {**ORGANIZATION, "name": name})
    list(connect().upsert("person", [draft(1, company="Acme", org_id="2")]))
    (person,) = server.pipedrive.records.listing("person")
    assert person.members["org_id"] == 2


def test_whoever_has_an_organization_keeps_it_when_met_first(server, connect) -> None:
    add_people(server, 1)
    server.pipedrive.records.add("organization", {**ORGANIZATION, "name": "Theirs"})
    server.pipedrive.records.change("person", "1", {"org_id": 1})
    (met,) = connect().upsert("person", [draft(0, company="Ours")])
    assert server.pipedrive.records["person", "1"].members["org_id"] == 1
    assert organizations(server) == ["Theirs"]
    # Later it is ours to say, where the mapping says so.
    list(connect().upsert("person", [Draft("lead-0", {"company": "Ours"}, met.remote_id)]))
    assert server.pipedrive.records["person", "1"].members["org_id"] == 2


@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize(("kind", "more"), [("status", {"status": 502}), ("reset", {}), ("html", {"status": 200})])
def test_an_organization_whose_answer_was_lost_is_not_made_twice(server, connect, kind, more, count) -> None:
    drafts = [draft(n, company="Acme") for n in range(count)]
    with server.pipedrive.faults(Fault(kind, "POST */organizations", after_write=True, **more)):
        outcomes = list(connect().upsert("person", drafts))
    assert {type(each) for each in outcomes} == {RetryLater}
    assert outcomes[0].after.total_seconds() == 120
    assert server.pipedrive.records.count("person") == 0
    assert {type(each) for each in connect().upsert("person", drafts)} == {Created}
    assert organizations(server) == ["Acme"]


def test_an_organization_that_is_refused_leaves_the_person_without(server, connect) -> None:
    with server.pipedrive.faults(Fault("status", "POST */organizations", status=400)):
        (outcome,) = connect().upsert("person", [draft(1, company="Acme")])
    assert isinstance(outcome, Created)
    assert outcome.left == {"company"}


def test_title_and_country_go_into_fields_of_their_name(server, connect) -> None:
    codes = {
        name: server.pipedrive.add_field("personField", label, "varchar").members["field_code"]
        for name, label in (("job_title", "Job title"), ("country", "Country"))
    }
    described = connect().describe("person").by_name()
    assert described["job_title"].label == "Job title"
    assert "region" not in described
    connector = connect()
    list(connector.upsert("person", [draft(1, company="Acme", job_title="CTO", country="DE", region="Bavaria")]))
    (person,) = server.pipedrive.records.listing("person")
    (organization,) = server.pipedrive.records.listing("organization")
    held = person.members["custom_fields"]
    assert {name: held[code] for name, code in codes.items()} == {"job_title": "CTO", "country": "DE"}
    assert organization.members["address"] == {"value": "Bavaria, DE"}
    assert connector.fetch("person", [person.id])[person.id].fields["job_title"] == "CTO"
