"""What all dialects share: the record store, the scenario's faults, the counts, the pages for people."""

import threading
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import requests

from integrations.connectors import connector_for
from integrations.connectors.base import Account, Window
from integrations.sandbox_crm.dialects import Dialect, Fault, ObjectType, Records, dialects, position
from integrations.sandbox_crm.dialects.shapes import Clock, Duplicate
from integrations.sandbox_crm.rules import Refused
from tests.integrations.sandbox_crm.running import TOKEN, running_crm

PERSON = ObjectType(
    "person", "People", lambda members: [("key", members.get("key", ""))], frozenset({"key"}), frozenset({"stage"})
)


@pytest.fixture
def records(tmp_path):
    store = Records(tmp_path / "r.sqlite3", [PERSON], clock=Clock())
    yield store
    store.close()


@pytest.fixture
def server(tmp_path):
    with running_crm(tmp_path / "crm.sqlite3") as running:
        yield running


@pytest.fixture
def call(server):
    """call("GET", "/pipedrive/…") with the token in both places that our dialects read."""
    with requests.Session() as session:
        session.headers.update({"Authorization": f"Bearer {TOKEN}", "x-api-token": TOKEN})
        yield lambda verb, path, **kwargs: session.request(verb, server.url + path, timeout=5, **kwargs)


def test_unique_members_belong_to_one_living_record(records):
    first = records.add("person", {"key": "A"})
    with pytest.raises(Duplicate) as caught:
        records.add("person", {"key": "a"})
    assert caught.value.id == first.id
    records.delete("person", first.id)
    second = records.add("person", {"key": "a"})
    assert [each.id for each in records.find("person", "key", ["A"])] == [second.id]
    assert records.count("person", state="any") == 2, "nothing is ever removed"


def test_a_request_is_one_transaction_with_one_stamp(records):
    with pytest.raises(RuntimeError), records.write():
        records.add("person", {"key": "a"})
        raise RuntimeError
    assert records.count("person") == 0
    with records.write():
        one, other = records.add("person", {"key": "a"}), records.add("person", {"key": "b"})
    assert one.modified_at == other.modified_at
    assert one.modified_at.microsecond == 0


def test_stamps_never_step_back_with_the_clock(records):
    before = records.add("person", {"key": "a"})
    records.clock.skew = timedelta(hours=-1)
    assert records.add("person", {"key": "b"}).modified_at >= before.modified_at
    records.clock.frozen = datetime(2026, 1, 5, tzinfo=UTC)
    assert records.add("person", {"key": "c"}).modified_at == records.clock.frozen


def test_equal_members_move_no_stamp_and_history_is_append_only(records):
    made = records.add("person", {"key": "a", "stage": "new"}, modified=datetime(2026, 1, 5, tzinfo=UTC))
    assert records.change("person", made.id, {"stage": "new"}).modified_at == made.modified_at
    records.change("person", made.id, {"stage": "old", "note": "n"}, by="me")
    assert [(each.old, each.new, each.by) for each in records.history("person", [made.id])] == [
        (None, "new", ""), ("new", "old", "me"),
    ]  # fmt: skip
    with pytest.raises(Exception, match="append-only"):
        records._db.execute("DELETE FROM history")


def test_merging_keeps_the_loser_and_fills_the_winner(records):
    loser, winner = records.add("person", {"key": "a", "phone": "1"}), records.add("person", {"key": "b", "phone": ""})
    assert records.merge("person", loser.id, winner.id).members == {"key": "b", "phone": "1"}
    assert records["person", loser.id].merged_into == winner.id
    with pytest.raises(Refused):
        records["person", "99"]


def test_pages_pass_equal_stamps_once(records):
    stamp = datetime(2026, 1, 5, tzinfo=UTC)
    for n in range(7):
        records.add("person", {"key": str(n)})
    records.restamp("person", [str(n + 1) for n in range(7)], stamp)
    first = records.page("person", limit=3)
    rest = records.page("person", after=position(first[-1]), limit=10)
    assert [each.members["key"] for each in [*first, *rest]] == [str(n) for n in range(7)]


def test_writers_in_many_threads_lose_nothing(records):
    def write(name: str) -> None:
        for n in range(20):
            records.add("person", {"key": f"{name}-{n}"})

    threads = [threading.Thread(target=write, args=(str(n),)) for n in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert records.count("person") == 80


# --- the scenario, on a real socket ---


def add(call, n=0):
    return call("POST", "/pipedrive/api/v2/persons", json={"name": f"Name {n}"})


@pytest.mark.parametrize(
    ("fault", "status", "written"),
    [
        ({"kind": "status", "status": 429, "retry_after": 3}, 429, 0),
        ({"kind": "status", "status": 500}, 500, 0),
        ({"kind": "status", "status": 503, "after_write": True}, 503, 1),
        ({"kind": "html", "status": 403}, 403, 0),
        ({"kind": "html", "status": 200, "after_write": True}, 200, 1),
        ({"kind": "reset"}, None, 0),
        ({"kind": "reset", "after_write": True}, None, 1),
        ({"kind": "half"}, None, 1),
        ({"kind": "timeout", "seconds": 0.2}, None, 1),
        ({"kind": "timeout", "seconds": 0.2, "after_write": False}, None, 0),
    ],
    ids=lambda value: value.get("kind", "") if isinstance(value, dict) else "",
)
def test_faults_strike_once_and_say_whether_the_work_was_done(server, call, fault, status, written):
    order = {"dialect": "pipedrive", "faults": [fault | {"route": "POST */persons"}]}
    assert call("PUT", "/_scenario", json=order).status_code == 200
    if status is None:
        with pytest.raises(requests.RequestException):
            add(call)
    else:
        answer = add(call)
        assert answer.status_code == status
        assert ("html" in answer.headers["Content-Type"]) is (fault["kind"] == "html")
        assert answer.headers.get("Retry-After") == ("3" if "retry_after" in fault else None)
    assert server.dialect("pipedrive").records.count("person") == written
    assert add(call).status_code == 201, "once"
    (shown,) = call("GET", "/_scenario").json()["scenario"]["pipedrive"]
    assert (shown["struck"], shown["seen"]) == (1, 2)


def test_a_dripping_body_lasts(server, call):
    with server.dialect("pipedrive").faults(Fault("drip", seconds=0.3)):
        started = time.monotonic()
        with pytest.raises(requests.RequestException):
            call("GET", "/pipedrive/api/v1/users/me")
        assert 0.2 < time.monotonic() - started < 2


def test_faults_skip_repeat_and_roll_the_same_dice(server, call):
    dialect = server.dialect("pipedrive")
    with dialect.faults(Fault("status", "POST */persons", status=500, skip=1, every=2, times=2)):
        assert [add(call).status_code for _ in range(6)] == [201, 500, 201, 500, 201, 201]
    rolls = []
    for _ in range(2):
        with dialect.faults(Fault("status", "POST */persons", status=500, chance=0.5, times=None), seed=7):
            rolls.append([add(call).status_code for _ in range(8)])
    assert rolls[0] == rolls[1]
    assert set(rolls[0]) == {201, 500}


def test_records_change_meanwhile(server, call):
    add(call)
    add(call)
    order = {"kind": "meanwhile", "do": {"verb": "merge", "object": "person", "id": "1", "into": "2"}}
    call("PUT", "/_scenario", json={"dialect": "pipedrive", "faults": [order]})
    assert [row["id"] for row in call("GET", "/pipedrive/api/v2/persons").json()["data"]] == [2]
    ran = []
    with server.dialect("pipedrive").faults(Fault("meanwhile", hook=lambda: ran.append(1))):
        call("GET", "/pipedrive/api/v2/persons")
    assert ran == [1]


def test_clock_rate_and_tokens_are_the_scenarios_too(server, call):
    call("PUT", "/_scenario", json={"dialect": "pipedrive", "clock": {"frozen": "2026-01-05T09:30:00+00:00"}})
    assert call("GET", "/pipedrive/api/v2/persons").headers["Date"] == "Mon, 05 Jan 2026 09:30:00 GMT"
    call("PUT", "/_scenario", json={"dialect": "pipedrive", "rate": 1})
    assert 429 in {call("GET", "/pipedrive/api/v2/persons").status_code for _ in range(4)}
    call("DELETE", "/_scenario")
    token = server.dialect("pipedrive").tokens.issue()
    bearer = {"Authorization": f"Bearer {token}", "x-api-token": ""}
    assert call("GET", "/pipedrive/api/v2/persons", headers=bearer).status_code == 200
    with server.dialect("pipedrive").faults(Fault("expire")):
        assert call("GET", "/pipedrive/api/v2/persons", headers=bearer).status_code == 401


@pytest.mark.parametrize(
    "order",
    [
        {"dialect": "none"}, {"dialect": "pipedrive", "faults": [{"kind": "x"}]}, {"dialect": "pipedrive", "rate": 0},
        {"dialect": "pipedrive", "faults": [{"kind": "reset", "hook": "x"}]},
        {"dialect": "pipedrive", "clock": {"frozen": "yesterday"}},
    ],
)  # fmt: skip
def test_a_scenario_that_makes_no_sense_is_refused(call, order):
    assert call("PUT", "/_scenario", json=order).status_code == 400


def test_steering_needs_the_token_and_calls_are_counted_by_route(server, call):
    for verb, path in (("PUT", "/_scenario"), ("GET", "/_calls")):
        assert requests.request(verb, server.url + path, json={}, timeout=5).status_code == 401
    add(call)
    call("GET", "/pipedrive/api/v2/persons/77")
    shown = call("GET", "/_calls").json()["calls"]["pipedrive"]
    assert shown["by_route"] == {"POST /api/v2/persons": 1, "GET /api/v2/persons/{id}": 1}
    assert shown["by_status"] == {"201": 1, "404": 1}
    assert call("DELETE", "/_calls").json()["calls"]["pipedrive"]["total"] == 0
    assert server.dialect("pipedrive").log[0].route == "POST /api/v2/persons"


def test_every_dialect_is_mounted_under_its_prefix_and_keeps_its_own_file(server, call, tmp_path):
    assert {"pipedrive", "hubspot", "salesforce"} <= dialects().keys()
    for kind, dialect in dialects().items():
        assert issubclass(dialect, Dialect)
        assert dialect.prefix == f"/{kind}"
        assert call("GET", f"{dialect.prefix}/nowhere").status_code == 404
        assert (tmp_path / f"crm.{kind}.sqlite3").exists()


# --- the pages ---


def test_people_edit_records_by_hand(server, call):
    dialect = server.dialect("pipedrive")
    deal = dialect.add_deal({"title": "<b>Deal</b>", "value": 5})
    url = f"/pipedrive/ui/deal/{deal.id}"
    assert "Access token" in call("GET", url).text
    shown = call("GET", f"{url}?token={TOKEN}")
    assert shown.url.endswith(url)
    assert "&lt;b&gt;Deal" in shown.text
    assert "<b>Deal" not in shown.text
    form_token = shown.text.split('name="form_token" value="')[1].split('"')[0]
    form = {"form_token": form_token, "verb": "save", "m-stage_id": "2", "m-value": "7.5", "m-title": "Renamed"}
    assert call("POST", url, data=form).status_code == 200
    changed = dialect.records["deal", deal.id].members
    assert (changed["stage_id"], changed["value"], changed["title"]) == (2, 7.5, "Renamed")
    assert changed["stage_change_time"], "what a dialect sets beside it"
    assert call("POST", url, data=form | {"form_token": "x"}).status_code == 403
    assert call("POST", url, data=form | {"m-value": "much"}).status_code == 422
    call("POST", url, data={"form_token": form_token, "verb": "delete"})
    assert dialect.records["deal", deal.id].is_deleted
    assert "deleted" in call("GET", "/pipedrive/ui/deal?q=Renamed").text
    assert call("GET", "/pipedrive/ui/nothing").status_code == 404
    assert "Organizations" in call("GET", "/pipedrive/ui").text


@pytest.mark.parametrize("kind", ["pipedrive", "hubspot", "salesforce"])
def test_every_dialects_pages_open(server, call, kind):
    dialect = server.dialect(kind)
    call("GET", f"/{kind}/ui?token={TOKEN}")
    for each in dialect.objects:
        assert call("GET", f"/{kind}/ui/{each.name}").status_code == 200
        for record in dialect.records.listing(each.name, limit=1):
            assert call("GET", f"/{kind}/ui/{each.name}/{record.id}").status_code == 200


PEOPLE = {
    "pipedrive": ("person", {"name": "Ada Byron", "emails": [], "phones": [], "custom_fields": {}}, "value"),
    "hubspot": ("contacts", {"firstname": "Ada"}, "amount"),
    "salesforce": ("Lead", {"LastName": "Byron", "Company": "Engines"}, "Amount"),
}


@pytest.mark.parametrize("kind", PEOPLE)
def test_people_make_a_deal_with_a_person(server, call, kind):
    dialect = server.dialect(kind)
    object_name, members, amount = PEOPLE[kind]
    person = dialect.records.add(object_name, members)
    url = f"/{kind}/ui/{object_name}/{person.id}"
    form_token = call("GET", f"{url}?token={TOKEN}").text.split('name="form_token" value="')[1].split('"')[0]
    form = {"form_token": form_token, "verb": "deal", "name": "<b>Big</b>", "amount": "1234,50"}
    for wrong in ({"amount": "much"}, {"name": " "}, {"amount": "-1"}):
        assert call("POST", url, data=form | wrong).status_code == 422
    made = call("POST", url, data=form)
    assert made.status_code == 200
    assert "&lt;b&gt;Big" in made.text
    assert "<b>Big" not in made.text
    deal_kind, deal_id = made.url.rsplit("/", 2)[-2:]
    assert float(dialect.records[deal_kind, deal_id].members[amount]) == 1234.5
    assert "Make a deal" not in made.text
    (page,) = server_pages(server, kind)
    (deal,) = page.records
    assert (deal.fields["amount"], deal.fields["currency"], len(deal.contacts)) == (Decimal("1234.50"), "EUR", 1)


def server_pages(server, kind):
    account = Account(
        f"http://127.0.0.1:{server.server_port}/{kind}",
        {"token": TOKEN, "client_id": "app", "client_secret": TOKEN},
        allow_loopback=True,
    )
    connector = connector_for(kind)(account)
    try:
        connector.prepare()
        return list(connector.changes("deal", Window(None, datetime.now(UTC) + timedelta(seconds=5))))
    finally:
        connector.close()
