"""Contacts that are there already, values, and limits."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from integrations.connectors.base import (
    Account,
    Created,
    Draft,
    QuotaDay,
    Rejected,
    RetryLater,
    Throttled,
    Unchanged,
    Updated,
    Window,
)
from integrations.connectors.hubspot.connector import HubSpotConnector
from integrations.connectors.hubspot.session import VERSION
from integrations.sandbox_crm.dialects import Fault
from integrations.sandbox_crm.messages import Answer
from tests.integrations.connectors.faults import answering, faulty
from tests.integrations.connectors.hubspot.account import draft
from tests.integrations.sandbox_crm.running import TOKEN


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
    assert sum(isinstance(each, Created) for each in outcomes) == 99
    assert hubspot.records.count("contacts") == 100
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
    assert caught.value.after == timedelta(seconds=seconds)
    assert caught.value.code == policy


def test_a_locked_record_waits_two_seconds(connect, hubspot, prepared):
    with hubspot.faults(Fault("status", "POST *", status=423)), pytest.raises(Throttled) as caught:
        list(connect().upsert("person", [draft(0)]))
    assert caught.value.after == timedelta(seconds=2)


def test_the_day_ends_at_midnight_of_the_account(connect, hubspot):
    connector = connect()
    connector.check()
    hubspot.meanwhile({"verb": "daily", "left": 1})
    connector.describe("deal")
    assert (connector.quota.left, connector.quota.limit) == (0, 250_000)
    with pytest.raises(QuotaDay) as caught:
        connector.check()
    local = caught.value.resume_at.astimezone(ZoneInfo("Europe/Berlin"))
    assert (local.hour, local.minute) == (0, 0)
    assert caught.value.resume_at == connector.quota.resets_at
    with pytest.raises(QuotaDay) as unknown:
        connect().check()
    resumes = unknown.value.resume_at
    assert resumes.minute == 0, "when some zone's day begins"
    assert resumes - datetime.now(UTC) <= timedelta(hours=1), "when some zone's day begins"


def test_searches_keep_a_fifth_of_a_second_apart(server, hubspot):
    slept = []
    account = Account(f"{server.url}/hubspot", {"token": TOKEN}, allow_loopback=True)
    connector = HubSpotConnector(account, page_size=1, pause=slept.append)
    hubspot.records.add("contacts", {"firstname": "A"})
    hubspot.records.add("contacts", {"firstname": "B"})
    list(connector.changes("person", Window(datetime(2026, 1, 1, tzinfo=UTC), datetime.now(UTC) + timedelta(days=1))))
    connector.close()
    assert len(slept) == 1
    assert 0 < slept[0] <= 0.2


def test_no_more_than_a_hundred_calls_in_ten_seconds(server, hubspot):
    slept = []
    account = Account(f"{server.url}/hubspot", {"token": TOKEN}, allow_loopback=True)
    connector = HubSpotConnector(account, pause=slept.append)
    for _ in range(100):
        connector.check()
    assert slept == []
    connector.check()
    connector.close()
    assert len(slept) == 1
    assert 0 < slept[0] <= 10


# --- refusals ---


def many(n: int, **fields: str) -> list[Draft]:
    return [draft(each, **fields) for each in range(n)]


@pytest.mark.parametrize("by_row", [False, True])
def test_a_hundred_leads_without_what_is_required_cost_few_calls(connect, hubspot, prepared, by_row):
    """As the account's admin asked for it, and the version of September 2026 heeds it."""
    hubspot.records.set_meta("required contacts", "jobtitle")
    hubspot.conflicts_by_row = by_row
    connector = connect()
    outcomes = list(connector.upsert("person", many(100)))
    assert all(isinstance(each, Rejected) for each in outcomes)
    assert {(each.code, each.field) for each in outcomes} == {("REQUIRED_PROPERTY_MISSING", "jobtitle")}
    assert connector.calls == 1
    assert hubspot.records.count("contacts") == 0


def test_those_that_have_what_is_required_are_made(connect, hubspot, prepared):
    hubspot.records.set_meta("required contacts", "jobtitle company")
    drafts = [draft(n, **({"jobtitle": "CFO"} if n % 2 else {}), **({"company": "A"} if n % 3 else {}))
              for n in range(100)]  # fmt: skip
    connector = connect()
    outcomes = list(connector.upsert("person", drafts))
    made = {n for n, each in enumerate(outcomes) if isinstance(each, Created)}
    assert made == {n for n in range(100) if n % 2 and n % 3}
    assert connector.calls == 3


def refusing(words: str, code: str = "VALIDATION_ERROR"):
    """Refuses every batch as a whole with these words."""
    body = json.dumps({"status": "error", "category": code, "message": words, "correlationId": "8a3f"}).encode()
    return answering(400, body)


def test_a_hundred_leads_refused_for_a_reason_that_names_nobody_cost_twelve_calls_at_most(connect):
    with faulty(refusing("A rule of your account does not allow this.")) as crm:
        outcomes = list(connect(url=crm.url).upsert("person", many(100)))
        assert len(crm.requests) <= 12
    assert len(outcomes) == 100
    assert all(isinstance(each, Rejected) for each in outcomes)
    assert "3 others of its batch" in outcomes[-1].message


def test_a_bad_option_named_by_a_refusal_of_all_costs_one_more_call(connect, hubspot, prepared):
    body = {
        "status": "error", "category": "VALIDATION_ERROR", "message": "Not valid", "correlationId": "8a3f",
        "errors": [{"message": "Gold was not one of the allowed options", "code": "INVALID_OPTION",
                    "context": {"propertyName": ["hs_lead_status"]}}],
    }  # fmt: skip
    refused = json.dumps(body).encode()
    drafts = [draft(n, hs_lead_status="Gold" if n == 41 else "NEW") for n in range(100)]
    first = iter([True])
    answer = hubspot.answer

    def once(request):
        if request.path.endswith("upsert") and next(first, False):
            return Answer(400, refused)
        return answer(request)

    hubspot.answer = once
    connector = connect()
    outcomes = list(connector.upsert("person", drafts))
    assert [n for n, each in enumerate(outcomes) if isinstance(each, Rejected)] == [41]
    assert connector.calls == 2


def test_required_properties_are_described_and_a_missing_scope_hides_only_them(connect, hubspot):
    hubspot.records.set_meta("required contacts", "jobtitle")
    fields = {each.name: each for each in connect().describe("person").fields}
    assert fields["jobtitle"].is_required
    assert not fields["email"].is_required
