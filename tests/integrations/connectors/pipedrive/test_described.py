"""Pipedrive's own description against us: what our requests may hold, what its answers look like.

`facts/pipedrive.json` holds members and types out of the client that Pipedrive generates from its OpenAPI description;
`payloads/pipedrive` holds answers in the shapes of its documentation.
"""

import json
import re
from base64 import b64encode
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from integrations.connectors import base
from integrations.connectors.base import Account, Draft, Hint, RawWebhook, Window
from integrations.connectors.pipedrive import records as read
from integrations.connectors.pipedrive.connector import PipedriveConnector
from integrations.connectors.pipedrive.history import has_moved, stage_changes
from tests.integrations.connectors.faults import answering, faulty
from tests.integrations.sandbox_crm.running import TOKEN, running_crm

HERE = Path(__file__).parents[1]
FACTS = json.loads((HERE / "facts/pipedrive.json").read_text())
KEY_CODE = "d4de1c1518b4531717c676029a45911c340390a6"
PLAIN = {"string": str, "number": (int, float), "boolean": bool, "object": dict}


def payload(name):
    return json.loads((HERE / "payloads/pipedrive" / f"{name}.json").read_text())


def check(kind, value, where):
    """A value against a type of the facts."""
    if isinstance(kind, list):
        assert isinstance(value, list), where
        for each in value:
            check(kind[0], each, where)
    elif isinstance(kind, str):
        assert isinstance(value, PLAIN[kind]), where
        assert kind == "boolean" or not isinstance(value, bool), where
    elif "enum" in kind:
        assert value in kind["enum"], where
    else:
        assert value.keys() <= kind["members"].keys(), where
        assert set(kind["required"]) <= value.keys(), where
        for name, each in value.items():
            check(kind["members"][name], each, f"{where}.{name}")


def check_query(kind, text, where):
    """A query's text: lists are parted by commas."""
    if isinstance(kind, dict):
        assert set(text.split(",")) <= set(kind["enum"]), where
    elif kind == "number":
        assert re.fullmatch(r"[0-9]+", text), where
    elif kind == "boolean":
        assert text in ("true", "false"), where


@pytest.fixture(scope="module")
def worked(tmp_path_factory):
    """A dialect whose log holds every kind of request that the connector makes."""
    path = tmp_path_factory.mktemp("pipedrive") / "crm.sqlite3"
    with running_crm(path) as server:
        dialect = server.dialect("pipedrive")
        account = Account(
            f"{server.url}/pipedrive", {"token": TOKEN}, allow_loopback=True, settings={"make_leads": True}
        )
        connector = PipedriveConnector(account, page_size=2)
        connector.prepare()
        connector.check()
        connector.reference()
        for kind in ("person", "deal", "account"):
            connector.describe(kind)
        fields = {"first_name": "Ada", "last_name": "L.", "email": "ada@example.com", "phone": "1", "owner_id": "1"}
        drafts = [Draft(f"lead-{n}", fields | {"email": f"ada{n}@example.com"}) for n in range(3)]
        made = list(connector.upsert("person", drafts))
        list(connector.upsert("person", [Draft("lead-0", {"email": "new@example.com"}, made[0].remote_id)]))
        list(connector.upsert("person", [Draft("lead-9", {"last_name": "Nobody", "company": "Acme"})]))
        connector.find("person", ["lead-0", "lead-1"])
        dialect.records.add("organization", {"name": "Acme", "owner_id": 1, "custom_fields": {}})
        deals = [dialect.add_deal({"title": "Deal"}).id for _ in range(3)]
        dialect.change_deal(deals[0], {"status": "won", "value": 3})
        window = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime.now(UTC) + timedelta(minutes=1))
        for kind in ("person", "deal", "account"):
            list(connector.changes(kind, window))
        list(connector.gone("deal", window))
        list(connector.stage_history([*deals, "99"]))
        dialect.rows = {kind: [dialect.shown(row) for row in dialect.records.listing(kind, limit=9)]
                        for kind in ("deal", "stage", "pipeline", "organization", "user")}  # fmt: skip
        dialect.lines = json.loads(connector._session.get(
            f"{server.url}/pipedrive/api/v1/deals/{deals[0]}/changelog").content)["data"]  # fmt: skip
        connector.close()
        yield dialect


def test_every_request_is_as_described(worked):
    for logged in worked.log:
        fact = FACTS["requests"][logged.route]
        query = {name: values[-1] for name, values in logged.request.query.items()}
        assert query.keys() <= fact["query"].keys(), logged.route
        assert set(fact["required_query"]) <= query.keys(), logged.route
        for name, text in query.items():
            check_query(fact["query"][name], text, f"{logged.route}?{name}")
        if logged.request.body:
            check(fact["body"], json.loads(logged.request.body), logged.route)
        assert "body" not in fact or logged.request.body, logged.route


def test_every_operation_was_seen(worked):
    assert {logged.route for logged in worked.log} == FACTS["requests"].keys()
    assert all(logged.status < 300 for logged in worked.log)


def test_the_sandbox_answers_hold_only_described_members(worked):
    named = {"deal": "Deal", "stage": "StageItem", "pipeline": "GetPipelinesResponseAllOfDataInner",
             "organization": "OrganizationItem"}  # fmt: skip
    for kind, name in named.items():
        for row in worked.rows[kind]:
            assert row.keys() <= set(FACTS["answers"][name]), kind
    for line in worked.lines:
        assert line.keys() == set(FACTS["answers"]["GetChangelogResponseAllOfDataInner"])


def test_a_person_as_documented_is_read():
    row = payload("person")["data"]
    person = read.record("person", row, KEY_CODE)
    assert (person.remote_id, person.key, person.account_id, person.is_archived) == ("1042", "lead-7", "77", False)
    assert person.fields["email"] == "ada@example.com"
    assert person.fields["owner_id"] == "18487521"
    assert person.modified_at == datetime(2026, 1, 6, 10, tzinfo=UTC)
    body = read.person_body({"email": "ADA@home.example", "first_name": "Augusta"}, person)
    assert body["name"] == "Augusta Lovelace", "the half of the name that was not sent stays"
    assert [(each["value"], each["primary"]) for each in body["emails"]] == [
        ("ADA@home.example", True), ("ada@example.com", False),
    ]  # fmt: skip
    assert "emails" not in read.differing(read.person_body({"email": "Ada@example.com"}, person), person)
    assert read.person_body({"email": ""}, person)["emails"] == person.fields["emails"], "nothing known wipes nothing"


def test_deals_as_documented_are_read():
    won, deleted = (read.record("deal", row) for row in payload("deals")["data"])
    assert (won.fields["stage"], won.fields["status"], won.fields["amount"]) == ("1:won", "won", Decimal("1234.5"))
    assert won.fields["close_on"] == date(2026, 2, 2)  # the account is in Berlin
    assert won.fields["closed_at"].hour == 23
    assert [each.person_id for each in won.contacts] == ["1042"]
    assert won.fields["properties"]["channel"] == 52
    assert (deleted.is_archived, deleted.fields["amount"], deleted.fields["close_on"]) == (
        True,
        None,
        date(2026, 3, 31),
    )
    assert has_moved(won)
    assert not has_moved(deleted)


@pytest.mark.parametrize("turn", [1, -1], ids=["newest first", "oldest first"])
def test_a_changelog_as_documented_is_read_in_either_order(turn):
    won = read.record("deal", payload("deals")["data"][0])
    steps = stage_changes(won, payload("changelog")["data"][::turn])
    assert [(each.from_stage, each.to_stage, each.amount) for each in steps] == [
        (None, "1", Decimal(1000)), ("1", "2", Decimal(1000)), ("2", "3", Decimal(1000)),
        ("3", "1:won", Decimal("1234.5")),
    ]  # fmt: skip
    assert len({each.remote_id for each in steps}) == 4
    assert steps[1].changed_by == "18487521"


def test_a_webhook_as_documented_is_a_hint():
    account = Account("https://api.pipedrive.com", {"token": "t", "webhook_password": "p"})
    basic = {"authorization": "Basic " + b64encode(b"portal:p").decode()}
    body = json.dumps(payload("webhook")).encode()
    connector = PipedriveConnector(account)
    (hint,) = connector.parse_webhook(RawWebhook("POST", "https://x.example", basic, body, datetime.now(UTC)))
    connector.close()
    assert isinstance(hint, Hint)
    assert (hint.kind, hint.remote_id, hint.is_gone, hint.merged_into) == ("person", "1042", True, "1043")
    assert hint.event_id.startswith("8b6b4c1e")


@pytest.mark.parametrize("case", payload("errors"), ids=lambda case: f"{case['status']} {case['becomes']}")
def test_errors_as_documented_are_classified(case):
    body, headers = json.dumps(case["body"]).encode(), case.get("headers", [])
    with faulty(answering(case["status"], body, *headers)) as server:
        connector = PipedriveConnector(Account(server.url, {"token": "t"}, allow_loopback=True))
        with pytest.raises(getattr(base, case["becomes"])) as caught:
            connector.check()
        connector.close()
    assert type(caught.value).__name__ == case["becomes"]
