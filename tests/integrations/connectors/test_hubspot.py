"""The HubSpot connector against HubSpot's dialect of the sandbox, on a free port."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from integrations.connectors.base import (
    Account,
    Created,
    Draft,
    Misuse,
    QuotaDay,
    RawWebhook,
    Rejected,
    RetryLater,
    ScopeMissing,
    Throttled,
    Unchanged,
    Updated,
    Window,
)
from integrations.connectors.http import Limits
from integrations.connectors.hubspot import HubSpotConnector
from integrations.connectors.hubspot_records import KEY
from integrations.connectors.hubspot_session import VERSION
from integrations.sandbox_crm.dialects import Fault
from tests.integrations.connectors.contract import ConnectorContract
from tests.integrations.connectors.faults import answering, faulty
from tests.integrations.connectors.harness import Harness
from tests.integrations.sandbox_crm.running import TOKEN, running_crm

PAYLOADS = Path(__file__).parent / "payloads" / "hubspot"
DAILY = json.dumps(
    {
        "status": "error",
        "message": "You have reached your daily limit.",
        "errorType": "RATE_LIMIT",
        "correlationId": "c033cdaa-2c40-4a64-ae48-b4cec88dad24",
        "policyName": "DAILY",
    }
).encode()
SCOPES = json.dumps(
    {
        "status": "error",
        "message": "This app hasn't been granted all required scopes. canary-secret-7f3a",
        "errors": [{"message": "", "context": {"requiredGranularScopes": ["crm.objects.contacts.read"]}}],
        "category": "MISSING_SCOPES",
    }
).encode()


def signed(body, *, secret, at, url="https://portal.example/hooks/hubspot", method="POST"):
    stamp = str(int(at.timestamp() * 1000))
    signature = hmac.digest(secret.encode(), f"{method}{url}".encode() + body + stamp.encode(), hashlib.sha256)
    headers = {
        "X-HubSpot-Signature-v3": base64.b64encode(signature).decode(),
        "X-HubSpot-Request-Timestamp": stamp,
    }
    return RawWebhook(method, url, headers, body, datetime.now(UTC))


def webhook(person_id, at=None, secret=TOKEN):
    event = {
        "eventId": 100, "subscriptionId": 51, "portalId": 62515, "occurredAt": 1700000000000,
        "subscriptionType": "contact.propertyChange", "attemptNumber": 0, "objectId": int(person_id),
        "propertyName": "firstname", "propertyValue": "Ada",
    }  # fmt: skip
    return signed(json.dumps([event]).encode(), secret=secret, at=at or datetime.now(UTC))


@pytest.fixture
def server(tmp_path):
    with running_crm(tmp_path / "crm.sqlite3") as server:
        yield server
        for each in server._dialects.values():
            each.close()


@pytest.fixture
def hubspot(server):
    """The dialect: what an account's users could do, tests do here."""
    dialect = server.dialect("hubspot")
    dialect.search_bucket = None
    return dialect


@pytest.fixture
def connect(server, hubspot):
    """connect(…) → a connector, signed in by service key or, with `oauth`, by a refresh token."""
    made = []

    def connector(
        *, url=None, token=TOKEN, read=5.0, total=15.0, page_size=None, allow_loopback=True, oauth=False, **further
    ):
        secrets = {"client_secret": token} | ({"refresh_token": token} if oauth else {"token": token})
        settings = {"client_id": "c1"} if oauth else {}
        account = Account(
            f"{server.url}/hubspot" if url is None else url, secrets, allow_loopback, settings=settings, **further
        )
        limits = Limits(read=read, total=total)
        made.append(HubSpotConnector(account, limits=limits, page_size=page_size, pause=lambda seconds: None))
        return made[-1]

    yield connector
    for each in made:
        each.close()


def harness(connector, server, hubspot, **differing):
    records = hubspot.records

    def id_of(key):
        return records.find("contacts", KEY, [key])[0].id

    def make_deal(person_key):
        members = {"dealname": "Deal", "amount": "1234.50", "deal_currency_code": "EUR"}
        return hubspot.add_deal(members, contacts=[(id_of(person_key), "")])

    def move_deal(deal_id, stage):
        pipeline, _, stage = stage.partition("/")
        hubspot.move_deal(deal_id, pipeline=pipeline, dealstage=stage)

    def load_same_stamp(count, stamp):
        with records.write():
            for n in range(count):
                records.add("contacts", {KEY: f"same-{n}", "firstname": "Same"}, created=stamp, modified=stamp)

    return Harness(
        **{
            "connector": connector,
            "port": server.server_port,
            "path": "/hubspot",
            "write": r"POST /hubspot/crm/objects/.*/batch/upsert",
            "person": lambda n: {
                "email": f"ada{n}@example.com",
                "firstname": "Ada",
                "lastname": f"Name {n}",
                "hubspot_owner_id": "41001",
            },
            "change": ("company", "Renamed"),
            "kept": "lastname",
            "bad": ("email", "no address"),
            "make_deal": make_deal,
            "move_deal": move_deal,
            "win_deal": lambda deal_id, amount: hubspot.move_deal(deal_id, dealstage="closedwon", amount=amount),
            "remove_person": lambda person_id: records.archive("contacts", person_id),
            "load_same_stamp": load_same_stamp,
            "tick": timedelta(milliseconds=1),
            "unknown_id": "1",
            "calls_to_fetch": 3,  # what is not alive is asked for once more among the archived
            "tells_person_keys": False,
            "tells_quota": True,
            "forbidden": SCOPES,
            "spent": answering(429, DAILY),
            "custom_field": KEY,
            "merge_people": lambda loser, winner: hubspot.merge("contacts", loser, winner),
            "make_campaign": lambda name: records.add("campaigns", {"hs_name": name}).id,
            "webhook": webhook,
            "webhook_window": timedelta(minutes=5),
            "vendor_urls": ("https://api.hubapi.com", "https://api-eu1.hubapi.com"),
            "foreign_urls": ("https://api.hubapi.com.evil.example", "https://evilhubapi.com", "http://api.hubapi.com"),
        }
        | differing
    )


@pytest.fixture
def prepared(connect):
    assert connect().prepare() == ()


@pytest.fixture
def by_key(connect, server, hubspot, prepared):
    return harness(connect, server, hubspot)


@pytest.fixture
def by_oauth(connect, server, hubspot, prepared):
    """The same signed in by OAuth: an access token is fetched first, and again when it is over."""
    return harness(
        lambda **given: connect(**given, oauth=True),
        server,
        hubspot,
        sign_in=r"POST /hubspot/oauth/.*",
        expire_tokens=hubspot.tokens.expire,
        overhead=1,
    )


class TestServiceKey(ConnectorContract):
    """The whole contract."""

    @pytest.fixture
    def crm(self, by_key):
        return by_key


class TestOAuth:
    """What differs: a token is fetched first, renewed by the clock and once when it is refused."""

    @pytest.fixture
    def crm(self, by_oauth):
        return by_oauth

    test_check = ConnectorContract.test_check_names_account_and_clock
    test_fewest_calls = ConnectorContract.test_upsert_uses_the_fewest_calls
    test_wrong_secret = ConnectorContract.test_wrong_token_is_auth_dead_and_stays_secret
    test_renewed_once = ConnectorContract.test_an_expired_token_is_renewed_once
    test_lasting_401 = ConnectorContract.test_a_lasting_401_ends
    test_logs = ConnectorContract.test_nothing_logs_the_token
    test_forbidden = ConnectorContract.test_forbidden_is_a_missing_scope


# --- the contacts that are there already ---


def draft(n, **fields):
    return Draft(f"lead-{n}", {"email": f"p{n}@example.com", "firstname": f"P{n}", **fields})


def paths(hubspot):
    return [entry.route.rpartition("/")[2] for entry in hubspot.log]


@pytest.mark.parametrize("by_row", [False, True])
def test_a_contact_with_the_same_mail_gets_our_key_and_nobody_is_doubled(connect, hubspot, prepared, by_row):
    hubspot.conflicts_by_row = by_row
    records = hubspot.records
    known = [records.add("contacts", {"email": f"p{n}@example.com", "phone": "1"}).id for n in (3, 50)]
    further = records.add("contacts", {"email": "other@example.com", "hs_additional_emails": "p70@example.com"}).id
    hubspot.log.clear()
    connector = connect()
    outcomes = list(connector.upsert("person", [draft(n) for n in range(100)]))
    assert [each.key for each in outcomes] == [f"lead-{n}" for n in range(100)]
    assert {n for n, each in enumerate(outcomes) if isinstance(each, Updated)} == {3, 50, 70}
    assert [outcomes[n].remote_id for n in (3, 50, 70)] == [*known, further]
    assert sum(isinstance(each, Created) for each in outcomes) == 97
    assert records.count("contacts") == 100
    assert records["contacts", known[0]].members["phone"] == "1", "what we do not send stays"
    # The refused batch, one look at all e-mails, one update; the rest again only where nothing of it was written.
    assert paths(hubspot) == ["upsert", "read", "update"] + ([] if by_row else ["upsert"])
    again = list(connect().upsert("person", [draft(n) for n in range(100)]))
    assert all(isinstance(each, Unchanged) for each in again)


def test_a_mail_of_another_lead_of_ours_is_rejected_with_its_field(connect, hubspot, prepared):
    list(connect().upsert("person", [draft(0)]))
    outcomes = list(connect().upsert("person", [draft(1), Draft("twin", {"email": "P0@example.com"}), draft(2)]))
    assert [type(each) for each in outcomes] == [Created, Rejected, Created]
    assert (outcomes[1].code, outcomes[1].field) == ("duplicate_email", "email")


def test_a_whole_batch_refused_for_one_row_is_halved_down_to_it(connect, hubspot, prepared):
    """A unique value of our own that another contact holds: no e-mail leads to it."""
    properties = f"/crm/properties/{VERSION}/contacts"
    unique = {
        "name": "badge",
        "label": "Badge",
        "type": "string",
        "fieldType": "text",
        "groupName": "contactinformation",
    }
    connector = connect()
    connector._link.call("POST", properties, body=unique | {"hasUniqueValue": True})
    hubspot.records.add("contacts", {"badge": "7"})
    hubspot.log.clear()
    drafts = [Draft(f"lead-{n}", {"firstname": "A", "badge": str(n)}) for n in range(100)]
    outcomes = list(connector.upsert("person", drafts))
    assert [n for n, each in enumerate(outcomes) if isinstance(each, Rejected)] == [7]
    assert outcomes[7].code == "CONFLICT"
    assert sum(isinstance(each, Created) for each in outcomes) == 99 and hubspot.records.count("contacts") == 100
    assert len(hubspot.log) <= 15, "two calls for each halving"


def test_a_property_that_hubspot_does_not_know_rejects_the_rows_that_carry_it(connect, hubspot, prepared):
    drafts = [draft(0), draft(1, nonesuch="x"), draft(2, hs_object_id="5")]
    outcomes = list(connect().upsert("person", drafts))
    assert [type(each) for each in outcomes] == [Created, Rejected, Rejected]
    assert [(each.code, each.field) for each in outcomes[1:]] == [
        ("PROPERTY_DOESNT_EXIST", "nonesuch"), ("READ_ONLY_VALUE", "hs_object_id"),
    ]  # fmt: skip


def test_refused_whole_for_an_unknown_property_takes_one_more_call(connect):
    """As accounts answer that do not report by row."""
    body = {
        "status": "error", "category": "VALIDATION_ERROR", "correlationId": "8a3f6c3a", "message": "Not valid",
        "errors": [{"message": 'Property "nonesuch" does not exist', "code": "PROPERTY_DOESNT_EXIST",
                    "context": {"propertyName": ["nonesuch"]}}],
    }  # fmt: skip
    with faulty(answering(400, json.dumps(body).encode())) as crm:
        outcomes = list(connect(url=crm.url).upsert("person", [draft(n, nonesuch="x") for n in range(100)]))
        assert len(crm.requests) == 1
    assert all(isinstance(each, Rejected) and each.field == "nonesuch" for each in outcomes)


def test_values_go_as_texts_and_none_clears(connect, hubspot, prepared):
    made = {"firstname": "Ada", "company": None, "phone": 42, "lifecyclestage": "lead"}
    (first,) = connect().upsert("person", [Draft("a", made)])
    assert hubspot.records["contacts", first.remote_id].members["phone"] == "42"
    (cleared,) = connect().upsert("person", [Draft("a", {"phone": None})])
    assert isinstance(cleared, Updated)
    assert connect().find("person", ["a"])["a"].fields["phone"] is None


def test_a_limit_in_the_middle_keeps_what_is_settled(connect, hubspot, prepared):
    hubspot.records.add("contacts", {"email": "p1@example.com"})
    hubspot.conflicts_by_row = True
    with hubspot.faults(Fault("status", "POST *update", status=429, code="SECONDLY")):
        outcomes, sending = [], connect().upsert("person", [draft(n) for n in range(3)])
        with pytest.raises(Throttled) as caught:
            outcomes.extend(iter(lambda: next(sending), None))
    assert [type(each) for each in outcomes] == [Created, RetryLater, Created]
    assert caught.value.after == timedelta(seconds=1)


# --- limits ---


@pytest.mark.parametrize(("policy", "seconds"), [("SECONDLY", 1), ("TEN_SECONDLY_ROLLING", 10)])
def test_a_short_limit_waits_as_its_policy_says(connect, hubspot, policy, seconds):
    with hubspot.faults(Fault("status", status=429, code=policy)), pytest.raises(Throttled) as caught:
        connect().check()
    assert caught.value.after == timedelta(seconds=seconds) and caught.value.code == policy


def test_a_locked_record_waits_two_seconds(connect, hubspot, prepared):
    with hubspot.faults(Fault("status", "POST *", status=423)), pytest.raises(Throttled) as caught:
        list(connect().upsert("person", [draft(0)]))
    assert caught.value.after == timedelta(seconds=2)


def test_the_day_ends_at_midnight_of_the_account(connect, hubspot):
    connector = connect()
    connector.check()
    hubspot.meanwhile({"verb": "daily", "left": 1})
    connector.describe("person")
    assert (connector.quota.left, connector.quota.limit) == (0, 250_000)
    with pytest.raises(QuotaDay) as caught:
        connector.check()
    local = caught.value.resume_at.astimezone(ZoneInfo("Europe/Berlin"))
    assert (local.hour, local.minute) == (0, 0) and caught.value.resume_at == connector.quota.resets_at
    with pytest.raises(QuotaDay) as unknown:
        connect().check()
    resumes = unknown.value.resume_at
    assert resumes.minute == 0 and resumes - datetime.now(UTC) <= timedelta(hours=1), "when some zone's day begins"


def test_searches_keep_a_fifth_of_a_second_apart(server, hubspot):
    slept = []
    account = Account(f"{server.url}/hubspot", {"token": TOKEN}, allow_loopback=True)
    connector = HubSpotConnector(account, page_size=1, pause=slept.append)
    hubspot.records.add("contacts", {"firstname": "A"})
    hubspot.records.add("contacts", {"firstname": "B"})
    list(connector.changes("person", Window(datetime(2026, 1, 1, tzinfo=UTC), datetime.now(UTC) + timedelta(days=1))))
    connector.close()
    assert len(slept) == 1 and 0 < slept[0] <= 0.2


def test_no_more_than_a_hundred_calls_in_ten_seconds(server, hubspot):
    slept = []
    account = Account(f"{server.url}/hubspot", {"token": TOKEN}, allow_loopback=True)
    connector = HubSpotConnector(account, pause=slept.append)
    for _ in range(100):
        connector.check()
    assert slept == []
    connector.check()
    connector.close()
    assert len(slept) == 1 and 0 < slept[0] <= 10


# --- pulls ---


def recent():
    now = datetime.now(UTC)
    return Window(now - timedelta(hours=1), now + timedelta(seconds=5))


def test_changed_deals_take_the_fewest_calls(connect, hubspot):
    with hubspot.records.write():
        people = [hubspot.records.add("contacts", {"firstname": "A"}).id for _ in range(50)]
        company = hubspot.records.add("companies", {"name": "Acme"}).id
        members = {"dealname": "D", "amount": "10", "deal_currency_code": "EUR"}
        for n in range(1100):
            hubspot.add_deal(members, contacts=[(people[n % 50], "Champion")], company=company)
    connector = connect()
    deals = [deal for page in connector.changes("deal", recent()) for deal in page.records]
    assert len({deal.remote_id for deal in deals}) == 1100
    assert all(deal.account_id == company and deal.contacts[0].role == "Champion" for deal in deals)
    assert connector.calls == 6 + 2 + 2, "pages of 200; people and companies of a thousand deals at once"
    lines = list(connector.stage_history([deal.remote_id for deal in deals[:101]]))
    assert len(lines) == 101 and connector.calls == 10 + 3, "fifty at once with history"


def test_a_first_load_lists_a_hundred_a_call(connect, hubspot):
    with hubspot.records.write():
        for _ in range(1001):
            hubspot.add_deal({"dealname": "D", "deal_currency_code": "EUR"})
    connector = connect()
    pages = list(connector.changes("deal", Window(None, recent().until)))
    assert (len(pages), sum(len(page.records) for page in pages)) == (11, 1001)
    assert connector.calls == 11 + 2 + 2


def test_a_window_beyond_the_cap_of_a_search_is_whole(connect, hubspot):
    hubspot.search_cap = 10
    stamp = datetime.now(UTC) - timedelta(minutes=3)
    with hubspot.records.write():
        made = {
            hubspot.records.add("contacts", {"firstname": "A"}, created=stamp, modified=stamp).id for _ in range(33)
        }
    found = [each.remote_id for page in connect(page_size=5).changes("person", recent()) for each in page.records]
    assert sorted(found) == sorted(made)


def test_records_that_leave_the_window_meanwhile_hide_no_others(connect, hubspot):
    """With offsets, each record changed between two pages would shift one out of sight."""
    stamp = datetime.now(UTC) - timedelta(minutes=3)
    with hubspot.records.write():
        made = [
            hubspot.records.add("contacts", {"firstname": "A"}, created=stamp, modified=stamp).id for _ in range(12)
        ]
    window = Window(stamp - timedelta(seconds=1), stamp + timedelta(seconds=1))
    found = []
    for page in connect(page_size=3).changes("person", window):
        found += [each.remote_id for each in page.records]
        hubspot.records.change("contacts", page.records[0].remote_id, {"firstname": "B"})
    assert found == made


def test_what_the_index_does_not_show_yet_comes_with_the_next_window(connect, hubspot):
    hubspot.meanwhile({"verb": "lag", "seconds": 60})
    made = hubspot.records.add("contacts", {"firstname": "A"}).id
    first = recent()
    assert [page.records for page in connect().changes("person", first)] == [()]
    hubspot.meanwhile({"verb": "lag", "seconds": 0})
    later = Window(first.until - timedelta(minutes=10), first.until + timedelta(minutes=1))
    assert [each.remote_id for page in connect().changes("person", later) for each in page.records] == [made]


def test_pages_that_repeat_or_turn_round_lose_nothing(connect, hubspot):
    with hubspot.records.write():
        made = {hubspot.records.add("contacts", {"firstname": "A"}).id for _ in range(20)}
    for kind in ("duplicate", "reorder"):
        with hubspot.faults(Fault(kind, times=None)):
            pages = list(connect(page_size=6).changes("person", recent()))
        assert {each.remote_id for page in pages for each in page.records} == made


def test_deals_of_another_pipeline_have_their_own_stages(connect, hubspot):
    deal = hubspot.add_deal({"dealname": "P", "pipeline": "77001", "dealstage": "2001", "amount": None})
    hubspot.move_deal(deal, dealstage="2003", closed_lost_reason="Price")
    connector = connect()
    (page,) = connector.changes("deal", recent())
    (found,) = page.records
    assert (found.fields["stage"], found.fields["status"], found.fields["lost_reason"]) == (
        "77001/2003",
        "lost",
        "Price",
    )
    assert (found.fields["amount"], found.fields["currency"]) == (None, "EUR"), "the account's own currency"
    names = {stage.key: stage.name for stage in connector.reference().stages}
    assert names["77001/2003"] == "Partners: Dropped" and names["default/closedwon"] == "Sales pipeline: Closed won"
    assert [line.to_stage for line in connector.stage_history([deal])] == ["77001/2001", "77001/2003"]
    hubspot.records.archive("deals", deal)
    assert len(list(connector.stage_history([deal]))) == 2, "archived deals keep their past"
    assert connector.fetch("deal", [deal])[deal].is_archived


def test_the_account_of_a_person_is_its_primary_company(connect, hubspot, prepared):
    company = hubspot.records.add("companies", {"name": "Acme", "domain": "acme.example"}).id
    hubspot.records.add("contacts", {KEY: "a", "associatedcompanyid": company})
    assert connect().find("person", ["a"])["a"].account_id == company
    (page,) = connect().changes("account", recent())
    assert [(each.remote_id, each.fields["name"], each.fields["domain"]) for each in page.records] == [
        (company, "Acme", "acme.example")
    ]


def test_former_owners_are_known_but_not_active(connect):
    owners = {each.name: each.is_active for each in connect().reference().owners}
    assert owners == {"Jana Weber": True, "Tom Okafor": True, "Ida Gone": False}


def test_mapped_properties_are_asked_for(connect, hubspot, prepared):
    hubspot.records.add("contacts", {KEY: "a", "website": "https://a.example"})
    hubspot.add_deal({"dealname": "D", "dealtype": "newbusiness", "hs_next_step": "Call"})
    fields = {"person": ("website",), "deal": ("amount", "properties.dealtype")}
    connector = connect(fields=fields)
    assert connector.find("person", ["a"])["a"].fields["website"] == "https://a.example"
    (page,) = connector.changes("deal", recent())
    assert page.records[0].fields["properties"]["dealtype"] == "newbusiness"
    known = {each.name: each for each in connector.describe("deal").fields}
    assert known["properties.dealtype"].choices[0] == ("newbusiness", "New business")
    assert known["amount"].type == "money" and not known["properties.hs_is_closed"].is_writable


# --- scopes ---


def test_preparing_without_the_scope_says_what_to_grant(connect, hubspot):
    hubspot.meanwhile({"verb": "deny", "scopes": ["crm.schemas.contacts.write"]})
    (words,) = connect().prepare()
    assert "crm.schemas.contacts.write" in words
    hubspot.meanwhile({"verb": "deny", "scopes": []})
    assert connect().prepare() == ()


def test_a_missing_scope_is_named(connect, hubspot, prepared):
    hubspot.meanwhile({"verb": "deny", "scopes": ["crm.objects.contacts.write"]})
    with pytest.raises(ScopeMissing, match=r"crm\.objects\.contacts\.write"):
        list(connect().upsert("person", [draft(0)]))


def test_campaigns_out_of_reach_are_none(connect, hubspot):
    members = {"hs_name": "Fair", "hs_spend_items_sum_amount": "12.50", "hs_currency_code": "EUR",
               "hs_start_date": "2026-03-01", "hs_campaign_status": "completed"}  # fmt: skip
    hubspot.records.add("campaigns", members)
    (campaign,) = connect().campaigns()
    assert (campaign.cost, campaign.currency, campaign.is_active) == (Decimal("12.50"), "EUR", False)
    assert campaign.starts_on == date(2026, 3, 1)
    hubspot.meanwhile({"verb": "deny", "scopes": ["marketing.campaigns.read"]})
    assert list(connect().campaigns()) == []


# --- webhooks ---


def hints(connect, events, **changed):
    raw = signed(json.dumps(events).encode(), secret=TOKEN, at=datetime.now(UTC))
    return connect().parse_webhook(replace(raw, **changed))


def test_events_of_both_forms_become_hints(connect):
    common = {"eventId": 1, "subscriptionId": 2, "portalId": 3, "occurredAt": 4}
    events = [
        {**common, "subscriptionType": "deal.propertyChange", "objectId": 10},
        {**common, "subscriptionType": "object.creation", "objectTypeId": "0-1", "objectId": 11},
        {**common, "subscriptionType": "contact.deletion", "objectId": 12},
        {**common, "subscriptionType": "contact.merge", "objectId": 13, "primaryObjectId": 13,
         "mergedObjectIds": [14], "newObjectId": 15},
        {**common, "subscriptionType": "deal.associationChange", "fromObjectId": 16, "toObjectId": 17},
        {**common, "subscriptionType": "ticket.creation", "objectId": 18},
    ]  # fmt: skip
    found = hints(connect, events)
    assert [(each.kind, each.remote_id, each.is_gone) for each in found] == [
        ("deal", "10", False), ("person", "11", False), ("person", "12", True), ("person", "15", False),
        ("person", "14", True), ("person", "13", True), ("deal", "16", False),
    ]  # fmt: skip
    assert {each.event_id for each in found} == {"3-2-1-4"}, "a replay carries the same"


def test_the_address_is_decoded_as_hubspot_signs_it(connect):
    """Only the listed escapes are undone; `%20` and `%2B` stay."""
    body, at = b"[]", datetime.now(UTC)
    raw = signed(body, secret=TOKEN, at=at, url="https://portal.example/hook/a:b?x=(1)&y=%20%2B")
    came = replace(raw, url="https://portal.example/hook/a%3Ab?x=%281%29&y=%20%2B")
    assert connect().parse_webhook(came) == []


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_signature_five_minutes_off_is_refused_either_way(connect, minutes):
    raw = signed(b"[]", secret=TOKEN, at=datetime.now(UTC) + timedelta(minutes=minutes))
    with pytest.raises(Misuse, match="five minutes"):
        connect().parse_webhook(raw)


@pytest.mark.parametrize("changed", [{"body": b"[1]"}, {"method": "PUT"}, {"url": "https://portal.example/x"}])
def test_a_signature_covers_method_address_and_body(connect, changed):
    with pytest.raises(Misuse, match="signature is wrong"):
        hints(connect, [], **changed)


def test_captured_answers_are_read(connect):
    """Bodies as HubSpot's error guide and captured answers have them."""
    conflict = (PAYLOADS / "conflict_by_row.json").read_bytes()
    refused = (PAYLOADS / "invalid_by_row.json").read_bytes()
    with faulty(answering(207, refused)) as crm:
        outcomes = list(connect(url=crm.url).upsert("person", [Draft("549b1c2a9350", {}), Draft("549b1c2a9351", {})]))
    assert [type(each) for each in outcomes] == [Updated, Rejected]
    assert (outcomes[1].code, outcomes[1].field) == ("PROPERTY_DOESNT_EXIST", "missing")
    with faulty(answering(200, conflict)) as crm:
        outcomes = list(connect(url=crm.url).upsert("person", [Draft("0", {}), Draft("1", {})]))
    assert [type(each) for each in outcomes] == [Rejected, Created] and outcomes[0].code == "CONFLICT"
    wanting = faulty(answering(403, (PAYLOADS / "missing_scopes.json").read_bytes()))
    with wanting as crm, pytest.raises(ScopeMissing, match=r"crm\.objects\.deals\.read"):
        connect(url=crm.url).describe("deal")
