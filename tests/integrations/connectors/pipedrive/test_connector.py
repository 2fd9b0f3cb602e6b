"""The Pipedrive connector against Pipedrive's dialect on a real socket."""

import base64
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from integrations.connectors.base import (
    Account,
    Created,
    Draft,
    MemoryTokens,
    Misuse,
    Outage,
    QuotaDay,
    RawWebhook,
    Rejected,
    RetryLater,
    Throttled,
    Unchanged,
    Unknown,
    Updated,
    Window,
)
from integrations.connectors.http import Limits
from integrations.connectors.pipedrive.connector import KEY_FIELD, PipedriveConnector
from integrations.sandbox_crm.dialects import Fault
from tests.integrations.connectors.contract import ConnectorContract, SignInContract, everything, read_all
from tests.integrations.connectors.faults import answering
from tests.integrations.connectors.harness import Harness
from tests.integrations.sandbox_crm.running import TOKEN, running_crm

PASSWORD = "hook-password"
SPENT = b'{"success": false, "error": "daily request limit exceeded", "errorCode": 429}'


@pytest.fixture
def server(tmp_path):
    with running_crm(tmp_path / "crm.sqlite3") as running:
        running.base_url = f"{running.url}/pipedrive"
        running.pipedrive = running.dialect("pipedrive")
        running.key_code = running.pipedrive.add_field("personField", KEY_FIELD, "varchar").members["field_code"]
        yield running


@pytest.fixture
def make(server):
    """make(token="…") → a connector by API token; make(oauth=True) by OAuth."""
    made = []

    def connector(*, url=None, token=TOKEN, read=5.0, total=15.0, page_size=500, allow_loopback=True, oauth=False,
                  **settings):  # fmt: skip
        secrets = {"token": token, "webhook_password": PASSWORD}
        if oauth:
            secrets = {"client_secret": token, "refresh_token": TOKEN, "webhook_password": PASSWORD}
        account = Account(
            server.base_url if url is None else url, secrets, allow_loopback=allow_loopback,
            settings={"client_id": "app", **settings}, tokens=MemoryTokens(),
        )  # fmt: skip
        made.append(PipedriveConnector(account, limits=Limits(read=read, total=total), page_size=page_size))
        return made[-1]

    yield connector
    for each in made:
        each.close()


def person(n):
    return {
        "first_name": "Ada",
        "last_name": f"Name {n}",
        "email": f"ada{n}@example.com",
        "phone": f"+49 30 {n}",
        "owner_id": "1",
    }


def webhook(person_id, *, at=None, secret=PASSWORD, **meta):
    at = at or datetime.now(UTC)
    meta = {
        "action": "change", "entity": "person", "entity_id": person_id, "id": "b7c9", "version": "2.0",
        "company_id": 1, "timestamp": at.isoformat(), "attempt": 1, **meta,
    }  # fmt: skip
    basic = base64.b64encode(f"portal:{secret}".encode()).decode()
    body = json.dumps({"meta": meta, "data": {"id": int(person_id)}, "previous": None}).encode()
    return RawWebhook("POST", "https://portal.example/hook", {"Authorization": f"Basic {basic}"}, body, at)


@pytest.fixture
def harness(server, make):
    dialect = server.pipedrive
    records = dialect.records

    def person_of(key):
        (found,) = records.find("person", "custom_fields", [key])
        return int(found.id)

    def load_same_stamp(count, stamp):
        dialect.clock.frozen = stamp
        for n in range(count):
            members = {"name": f"Name {n}", "custom_fields": {server.key_code: f"same-{n}"}}
            records.add("person", {"emails": [], "phones": [], "owner_id": 1, **members})
        dialect.clock.frozen = None

    def win(deal_id, amount):
        dialect.change_deal(deal_id, {"status": "won", "value": float(amount)})

    def make_deal(key):
        values = {"title": "Deal", "value": 1234.5, "currency": "EUR", "person_id": person_of(key)}
        dialect.clock.frozen = datetime(2026, 1, 5, 9, 0, len(records.listing("deal")), tzinfo=UTC)
        deal = dialect.add_deal(values)
        dialect.clock.frozen = None
        return deal.id

    return Harness(
        connector=make,
        port=server.server_port,
        path="/pipedrive",
        person=person,
        change=("phone", "+49 40 1"),
        kept="last_name",
        bad=("owner_id", "424242"),
        names_bad_field=False,
        make_deal=make_deal,
        move_deal=lambda deal_id, stage: dialect.change_deal(deal_id, {"stage_id": int(stage)}),
        win_deal=win,
        remove_person=lambda person_id: records.delete("person", person_id),
        tells_removed_people=False,
        remove_deal=lambda deal_id: records.delete("deal", deal_id),
        merge_people=lambda loser, winner: records.merge("person", loser, winner),
        load_same_stamp=load_same_stamp,
        write=r"(POST|PATCH) /pipedrive/api/v2/persons",
        one_by_one=True,
        calls_for=lambda count: count + 2,  # who is there is listed, and looked at again after a hundred
        overhead=1,
        tells_person_keys=False,
        tells_quota=True,
        forbidden=b'{"success": false, "error": "canary-secret-7f3a: scope and URL mismatch", "errorCode": 403}',
        internal=(b'{"success": false, "error": "Server error"}', "http_500"),
        spent=answering(429, SPENT, "x-daily-ratelimit-token-remaining: 0", "x-ratelimit-reset: 2"),
        custom_field=f"custom_fields.{server.key_code}",
        webhook=webhook,
        tick=Harness.seconds(1),
        vendor_urls=("https://api.pipedrive.com", "https://acme.pipedrive.com"),
        foreign_urls=("https://pipedrive.com.evil.example", "https://evilpipedrive.com", "http://api.pipedrive.com"),
    )


class TestPipedriveByToken(ConnectorContract):
    """The whole contract, by API token."""

    @pytest.fixture
    def crm(self, harness):
        return harness


class TestPipedriveByOauth(SignInContract):
    """Signing in by a refresh token."""

    @pytest.fixture
    def crm(self, harness, make, server):
        harness.connector = lambda **kwargs: make(oauth=True, **kwargs)
        harness.sign_in = r"POST /pipedrive/oauth/token"
        harness.expire_tokens = server.pipedrive.tokens.expire
        harness.overhead = 2
        return harness


def test_prepare_makes_the_field_once(tmp_path):
    with running_crm(tmp_path / "crm.sqlite3") as server:
        account = Account(f"{server.url}/pipedrive", {"token": TOKEN}, allow_loopback=True)
        connector = PipedriveConnector(account)
        with pytest.raises(Misuse) as caught:
            list(connector.upsert("person", [Draft("a", person(1))]))
        assert caught.value.code == "not_prepared"
        assert connector.prepare() == ()
        assert PipedriveConnector(account).prepare() == ()
        fields = server.dialect("pipedrive").records.listing("personField", limit=100)
        assert [each.members["field_name"] for each in fields].count(KEY_FIELD) == 1
        assert [type(each) for each in connector.upsert("person", [Draft("a", person(1))])] == [Created]
        connector.close()


def test_first_contact_takes_the_person_of_that_email_and_keeps_what_it_holds(server, make):
    records = server.pipedrive.records
    ours = {"name": "Other lead", "emails": [{"value": "ada1@example.com", "primary": True, "label": "work"}],
            "phones": [], "owner_id": 1, "custom_fields": {server.key_code: "another-lead"}}  # fmt: skip
    emails = [{"value": "ada@home.example", "primary": True, "label": "home"},
              {"value": "ADA1@example.com", "primary": False, "label": "work"}]  # fmt: skip
    records.add("person", ours)
    theirs = records.add("person", {**ours, "name": "A. Name", "emails": emails, "custom_fields": {}})
    (outcome,) = make().upsert("person", [Draft("lead-1", person(1))])
    assert outcome == Updated("lead-1", theirs.id)
    kept = records["person", theirs.id].members
    assert kept["custom_fields"] == {server.key_code: "lead-1"}
    assert [(each["value"], each["primary"]) for each in kept["emails"]] == [
        ("ada1@example.com", True), ("ada@home.example", False),
    ]  # fmt: skip
    assert records.count("person") == 2


def test_several_people_of_one_email_are_for_a_person_to_choose_from(server, make):
    records = server.pipedrive.records
    emails = [{"value": "ada1@example.com", "primary": True, "label": "work"}]
    both = [records.add("person", {"name": name, "emails": emails, "phones": [], "owner_id": 1, "custom_fields": {}}).id
            for name in ("A. Name", "Doublet")]  # fmt: skip
    (refused,) = make().upsert("person", [Draft("lead-1", person(1))])
    assert isinstance(refused, Rejected)
    assert [each.remote_id for each in refused.candidates] == both
    assert refused.candidates[1].name.startswith("Doublet, ada1@example.com")
    (chosen,) = make().upsert("person", [Draft("lead-1", person(1), both[1], is_keyed=False)])
    assert chosen == Updated("lead-1", both[1])
    (made,) = make().upsert("person", [Draft("lead-2", person(1), is_new=True)])
    assert isinstance(made, Created)


def test_calls_of_each_operation(server, make):
    """What a benchmark counts: a call for a new person, one for a changed one, and a read per batch."""
    calls = server.pipedrive.calls
    connector = make()
    drafts = [Draft(f"lead-{n}", person(n)) for n in range(10)]
    made = list(connector.upsert("person", drafts))
    assert calls.shown()["by_route"] == {
        "GET /api/v2/personFields": 1, "GET /api/v2/persons": 1, "POST /api/v2/persons": 10,
    }  # fmt: skip
    calls.clear()
    changed = [Draft(each.key, person(n + 50), each.remote_id) for n, each in enumerate(made)]
    assert all(isinstance(each, Updated) for each in connector.upsert("person", changed))
    assert calls.shown()["by_route"] == {"GET /api/v2/persons": 1, "PATCH /api/v2/persons/{id}": 10}
    calls.clear()
    assert all(isinstance(each, Unchanged) for each in connector.upsert("person", changed))
    assert calls.shown()["by_route"] == {"GET /api/v2/persons": 1}
    calls.clear()
    connector.reference()
    assert calls.shown()["total"] == 3


def test_a_person_deleted_meanwhile_is_created_anew(server, make):
    connector = make()
    (made,) = connector.upsert("person", [Draft("lead-1", person(1))])
    server.pipedrive.records.delete("person", made.remote_id)
    (again,) = make().upsert("person", [Draft("lead-1", person(1), made.remote_id)])
    assert isinstance(again, Created)
    assert again.remote_id != made.remote_id


def test_a_person_merged_into_another_lead_is_not_made_anew(server, make):
    connector = make()
    loser, winner = connector.upsert("person", [Draft(f"lead-{n}", person(n)) for n in range(2)])
    records = server.pipedrive.records
    both = [records["person", each.remote_id].members["emails"][0] for each in (winner, loser)]
    records.merge("person", loser.remote_id, winner.remote_id)
    records.change("person", winner.remote_id, {"emails": both})
    (outcome,) = make().upsert("person", [Draft("lead-0", person(0), loser.remote_id)])
    assert isinstance(outcome, Rejected)
    assert outcome.code == "merged_away"
    assert records.count("person") == 1


def test_an_unclear_create_is_found_again_and_not_doubled(server, make):
    dialect = server.pipedrive
    drafts = [Draft(f"lead-{n}", person(n)) for n in range(3)]
    for fault in (Fault("status", "POST */persons", status=502, after_write=True),
                  Fault("reset", "POST */persons", after_write=True, skip=1),
                  Fault("html", "POST */persons", status=200, after_write=True)):  # fmt: skip
        with dialect.faults(fault):
            outcomes = list(make().upsert("person", drafts))
        index = fault.skip
        assert [type(each) for each in outcomes[index:]] == [Unknown] + [RetryLater] * (2 - index)
        found = make().find("person", [each.key for each in drafts])
        assert len(found) == index + 1
        settled = list(make().upsert("person", drafts))
        assert {each.key: each.remote_id for each in settled}.items() >= {
            key: record.remote_id for key, record in found.items()
        }.items()
        assert dialect.records.count("person") == 3
        for each in settled:
            dialect.records.delete("person", each.remote_id)


def test_duplicated_and_reordered_pages_lose_nothing(server, make):
    keys = {f"lead-{n}" for n in range(9)}
    list(make().upsert("person", [Draft(key, person(n)) for n, key in enumerate(sorted(keys))]))
    pages = "GET */persons"
    with server.pipedrive.faults(Fault("duplicate", pages, times=None), Fault("reorder", pages, times=None)):
        records = read_all(make(page_size=2))
    assert {record.key for record in records} == keys
    assert len(records) > len(keys)


def test_limits_say_when_to_come_back(server, make):
    connector = make()
    with server.pipedrive.faults(Fault("status", status=429)), pytest.raises(Throttled) as caught:
        connector.check()
    assert caught.value.after.total_seconds() == 2
    with server.pipedrive.faults(Fault("status", status=429, code="daily")), pytest.raises(QuotaDay):
        connector.check()
    with server.pipedrive.faults(Fault("html", status=403)), pytest.raises(Outage) as blocked:
        connector.check()
    assert blocked.value.code == "blocked"
    assert blocked.value.after.total_seconds() == 600
    connector.check()
    assert 0 < connector.quota.left < connector.quota.limit


def test_a_lead_is_made_for_a_new_person_where_settings_ask_for_it(server, make):
    connector = make(make_leads=True)
    (made,) = connector.upsert("person", [Draft("lead-1", person(1))])
    list(connector.upsert("person", [Draft("lead-1", person(2), made.remote_id)]))
    (lead,) = server.pipedrive.records.listing("lead")
    assert (lead.members["title"], lead.members["person_id"]) == ("Ada Name 1", int(made.remote_id))


def test_a_lead_that_fails_stops_the_run_but_not_the_person(server, make):
    drafts = [Draft(f"lead-{n}", person(n)) for n in range(2)]
    answered = []
    with server.pipedrive.faults(Fault("status", "POST */leads", status=429)), pytest.raises(Throttled):
        for outcome in make(make_leads=True).upsert("person", drafts):
            answered.append(outcome)
    assert [type(each) for each in answered] == [Created]


def test_archived_deals_come_by_gone_and_deleted_ones_with_the_changes(server, make):
    dialect = server.pipedrive
    kept, archived, deleted = (dialect.add_deal({"title": title}).id for title in ("kept", "archived", "deleted"))
    dialect.records.archive("deal", archived)
    dialect.records.delete("deal", deleted)
    connector = make()
    assert {each.remote_id: each.is_archived for each in read_all(connector, "deal")} == {kept: False, deleted: True}
    gone = [each for page in connector.gone("deal", everything()) for each in page.records]
    assert [(each.remote_id, each.is_archived) for each in gone] == [(archived, True)]
    assert connector.fetch("deal", [kept, archived]).keys() == {kept, archived}


def test_deals_that_never_moved_need_no_changelog(server, make):
    dialect = server.pipedrive
    ids = [dialect.add_deal({"title": f"Deal {n}", "value": n}).id for n in range(5)]
    dialect.clock.skew = Harness.seconds(60)
    dialect.change_deal(ids[0], {"stage_id": 2})
    dialect.clock.skew = Harness.seconds(120)
    dialect.change_deal(ids[0], {"status": "lost", "lost_reason": "Price"})
    dialect.calls.clear()
    lines = list(make().stage_history(ids))
    assert dialect.calls.shown()["by_route"] == {"GET /api/v2/deals": 1, "GET /api/v1/deals/{id}/changelog": 1}
    assert [line.to_stage for line in lines if line.deal_id == ids[0]] == ["1", "2", "1:lost"]
    assert len(lines) == 7
    later = Window(None, datetime.now(UTC) + timedelta(hours=1))
    (deal,) = [each for each in read_all(make(), "deal", later) if each.remote_id == ids[0]]
    assert deal.fields["lost_reason"] == "Price"
    assert deal.fields["stage"] == "1:lost"


def test_organizations_are_accounts(server, make):
    server.pipedrive.records.add("organization", {"name": "Acme", "owner_id": 1, "custom_fields": {}})
    (account,) = read_all(make(), "account")
    assert (account.fields["name"], account.fields["owner_id"]) == ("Acme", "1")


def test_webhooks_of_deletes_are_marked_and_foreign_entities_say_nothing(make):
    (hint,) = make().parse_webhook(webhook("7", action="delete", entity="deal"))
    assert (hint.kind, hint.remote_id, hint.is_gone) == ("deal", "7", True)
    assert make().parse_webhook(webhook("7", entity="note")) == []


def test_amounts_keep_their_cents(server, make):
    server.pipedrive.add_deal({"title": "Deal", "value": 0.1})
    (deal,) = read_all(make(), "deal")
    assert deal.fields["amount"] == Decimal("0.1")


def test_a_pipeline_without_probabilities_tells_none(server, make):
    """It still lists 100 for each stage; the flag says that nobody set them."""
    records = server.pipedrive.records
    off = records.add("pipeline", {"name": "Partners", "order_nr": 2, "is_deal_probability_enabled": False}).id
    for order, name in enumerate(("Met", "Agreed"), 1):
        records.add("stage", {"name": name, "order_nr": order, "deal_probability": 100, "pipeline_id": int(off)})
    stages = {each.name: each.probability for each in make().reference().stages}
    assert stages["Partners: Met"] is None
    assert stages["Partners: Agreed"] is None
    assert stages["Partners: Won"] == 1.0
    assert stages["Sales: Proposal made"] == 0.5
