"""What only Salesforce has: converted leads, locators, SOQL from foreign text, answers as it sends them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from integrations.connectors.base import (
    Account,
    Created,
    Draft,
    MemoryTokens,
    Misuse,
    Rejected,
    RetryLater,
    Throttled,
    Token,
    Unknown,
    Updated,
    Window,
)
from integrations.connectors.salesforce.connector import SalesforceConnector
from integrations.connectors.salesforce.soql import moment, record_id, text
from integrations.sandbox_crm.dialects.salesforce.soql import parse
from integrations.sandbox_crm.dialects.scenario import Fault
from tests.integrations.connectors.faults import answering, faulty
from tests.integrations.connectors.salesforce.org import AHEAD, KEY, drafts, person, read, running_org

PAYLOADS = Path(__file__).parents[1] / "payloads" / "salesforce"


@pytest.fixture
def org(tmp_path):
    with running_org(tmp_path) as running:
        yield running


# --- converted leads ---


def test_a_push_to_a_converted_lead_updates_its_contact_and_learns_where_it_is(org):
    connector = org.connect()
    made = list(connector.upsert("person", drafts(3)))
    org.dialect.maps_key_on_conversion = False
    contact = org.dialect.convert_lead(made[1].remote_id)["contact"]
    before = connector.calls
    outcomes = list(connector.upsert("person", drafts(3, Title="CFO", Company="Elsewhere")))
    assert outcomes == [Updated("lead-0", made[0].remote_id), Updated("lead-1", contact, frozenset({"Company"})),
                        Updated("lead-2", made[2].remote_id)]  # fmt: skip
    assert connector.calls - before == 3, "leads, where the contact is, contacts"
    kept = org.records["Contact", contact].members
    assert (kept["Title"], kept[KEY], kept["Email"]) == ("CFO", "lead-1", "ada1@example.com")
    assert org.records["Lead", made[1].remote_id].members["Company"] == "Analytical Engines"
    before = connector.calls
    (again,) = connector.upsert("person", [Draft("lead-1", person(1, Title="CEO"), contact)])
    assert (again, connector.calls - before) == (Updated("lead-1", contact, frozenset({"Company"})), 1)
    assert connector.find("person", ["lead-1"])["lead-1"].remote_id == contact


def test_leads_that_were_written_are_told_before_the_contacts_fail(org):
    connector = org.connect()
    made = list(connector.upsert("person", drafts(2)))
    contact = org.dialect.convert_lead(made[0].remote_id)["contact"]
    mixed = [Draft("lead-0", person(0), contact), Draft("lead-1", person(1), made[1].remote_id)]
    route = "PATCH */composite/sobjects"
    with org.dialect.faults(Fault("status", route, status=429, retry_after=7)):
        told, stream = [], connector.upsert("person", mixed)
        with pytest.raises(Throttled):
            for outcome in stream:
                told.append(outcome)
    after = timedelta(seconds=7)
    assert told == [RetryLater("lead-0", "TOO_MANY_REQUESTS", after), Updated("lead-1", made[1].remote_id)]
    with org.dialect.faults(Fault("reset", route, after_write=True)):
        assert list(connector.upsert("person", [*mixed, *drafts(3)[2:]]))[:2] == [
            Unknown("lead-0", "reset"), Updated("lead-1", made[1].remote_id),
        ]  # fmt: skip


def test_a_deleted_contact_and_a_shared_one_are_rejected(org):
    connector = org.connect()
    made = list(connector.upsert("person", drafts(2)))
    contact = org.dialect.convert_lead(made[0].remote_id)["contact"]
    both = [Draft("lead-0", person(0), contact), Draft("lead-9", person(9), contact)]
    first, second = connector.upsert("person", both)
    assert isinstance(first, Updated)
    assert (second.code, type(second)) == ("SHARED_CONTACT", Rejected)
    org.records.delete("Contact", contact)
    (gone,) = connector.upsert("person", both[:1])
    assert (type(gone), gone.code) == (Rejected, "ENTITY_IS_DELETED")


def test_deals_know_the_keys_of_contacts_that_carry_none(org):
    connector = org.connect()
    (made,) = connector.upsert("person", drafts(1))
    org.dialect.maps_key_on_conversion = False
    became = org.dialect.convert_lead(made.remote_id, deal={"Amount": 10})
    stranger = org.records.add("Contact", {"LastName": "Stranger"})
    org.dialect.add_role(became["deal"], stranger.id, role="Decision Maker")
    (deal,) = read(connector, "deal")
    people = [(each.person_id, each.person_key, each.role) for each in deal.contacts]
    assert people == [(became["contact"], "lead-0", "primary"), (stranger.id, None, "Decision Maker")]
    lead = connector.fetch("person", [made.remote_id])[made.remote_id]
    assert (lead.converted.contact_id, lead.converted.deal_id) == (became["contact"], became["deal"])


def test_a_new_contact_role_brings_its_deal_again_though_no_stamp_moved(org):
    connector = org.connect()
    contact = org.records.add("Contact", {"LastName": "Late"}).id
    old = datetime(2026, 1, 5, tzinfo=UTC)
    deal = org.dialect.add_deal({"Amount": 10}, modified=old)
    window = Window(datetime.now(UTC) - timedelta(minutes=5), datetime.now(UTC) + AHEAD)
    assert read(connector, "deal", window) == []
    org.dialect.add_role(deal, contact)
    before = connector.calls
    (record,) = read(connector, "deal", window)
    assert (record.remote_id, record.modified_at, len(record.contacts)) == (deal, old, 1)
    assert connector.calls - before == 4, "page with changed roles, their deal, roles, converted leads of strangers"


# --- pushing ---


def test_a_key_that_comes_twice_is_sent_once(org):
    connector = org.connect()
    outcomes = list(connector.upsert("person", [*drafts(2), Draft("lead-0", {"Company": "Later"})]))
    assert [type(each) for each in outcomes] == [Created] * 3
    assert outcomes[0] == outcomes[2]
    assert org.records.count("Lead") == 2
    assert org.records["Lead", outcomes[0].remote_id].members["Company"] == "Later"


def test_what_a_lead_needs_is_filled_in_once_and_empty_text_clears(org):
    connector = org.connect()
    (made,) = connector.upsert("person", [Draft("k", {"LastName": "", "Company": None, "Title": "CFO", "OwnerId": ""})])
    kept = org.records["Lead", made.remote_id].members
    assert (kept["LastName"], kept["Company"], kept["Title"]) == ("[not provided]", "[not provided]", "CFO")
    org.records.change("Lead", made.remote_id, {"LastName": "Known"})
    list(
        connector.upsert("person", [Draft("k", {"LastName": "", "Title": "", "NumberOfEmployees": 7}, made.remote_id)])
    )
    kept = org.records["Lead", made.remote_id].members
    assert (kept["LastName"], kept["Title"], kept["NumberOfEmployees"]) == ("Known", None, 7)


def test_a_locked_row_is_tried_later_and_a_broken_mapping_is_misuse(org):
    connector = org.connect()
    with org.dialect.faults(Fault("rows", "PATCH *", nth=2)):
        outcomes = list(connector.upsert("person", drafts(4)))
    assert [type(each) for each in outcomes] == [Created, RetryLater, Created, RetryLater]
    for fields in ({"No_Such__c": 1}, {"NumberOfEmployees": "many"}):
        with pytest.raises(Misuse) as caught:
            list(connector.upsert("person", drafts(1, **fields)))
        assert caught.value.code in ("INVALID_FIELD", "JSON_PARSER_ERROR")
    (refused,) = connector.upsert("person", drafts(1, IsConverted=True))
    assert (refused.code, refused.field) == ("INVALID_FIELD_FOR_INSERT_UPDATE", "IsConverted")


# --- SOQL ---


@pytest.mark.parametrize(
    "key", ["o'brien", "') OR (Id != '", "back\\slash", "a' AND IsDeleted = true", "ü@{x}", "%27", "x;--"]
)
def test_no_key_leaves_its_quotes(org, key):
    connector = org.connect()
    list(connector.upsert("person", [Draft(key, person(1)), *drafts(3)]))
    assert connector.find("person", [key]).keys() == {key}
    assert parse(f"SELECT Id FROM Lead WHERE {KEY} = {text(key)}").where.value.value == key


def test_what_no_literal_can_hold_is_refused():
    for value in ("a\nb", "\x00", "tab\t"):
        with pytest.raises(Misuse):
            text(value)
    for value in ("", "00Q' OR '1", "00Q5f0000000001", "00Q5f00000000011", "00Q5f000000000１AAA"):
        if value == "00Q5f0000000001":
            assert record_id(value) == "'00Q5f0000000001'"
            continue
        with pytest.raises(Misuse):
            record_id(value)


def test_moments_between_milliseconds_round_up():
    assert moment(datetime(2026, 1, 5, 9, 30, 0, 123001, tzinfo=UTC)) == "2026-01-05T09:30:00.124Z"
    assert moment(datetime(2026, 1, 5, 9, 30, 59, 999_999, tzinfo=UTC)) == "2026-01-05T09:31:00.000Z"


# --- payloads as Salesforce sends them ---


def canned(name: str, do):
    """What a connector makes of this body, whatever it asks for."""
    with faulty(answering(200, (PAYLOADS / name).read_bytes(), "Sforce-Limit-Info: api-usage=18/5000")) as server:
        tokens = MemoryTokens(Token("t0ken", base_url=server.url))
        connector = SalesforceConnector(Account(server.url, {}, allow_loopback=True, tokens=tokens))
        try:
            return do(connector), connector.quota
        finally:
            connector.close()


def test_a_partial_upsert_as_salesforce_answers_it():
    new = [replace(each, is_new=True) for each in drafts(5)]
    outcomes, quota = canned("upsert_partial.json", lambda c: list(c.upsert("person", new)))
    assert outcomes == [
        Created("lead-0", "00Q5f000001abcdEAA"),
        Rejected("lead-1", "INVALID_EMAIL_ADDRESS", "Email: invalid email address: a@x", "Email"),
        Updated("lead-2", "00Q5f000001abceEAA"),
        RetryLater("lead-3", "UNABLE_TO_LOCK_ROW", timedelta(seconds=30)),
        Rejected("lead-4", "DUPLICATES_DETECTED", "Use one of these records?"),
    ]
    assert (quota.left, quota.limit) == (4982, 5000)


def test_merged_and_converted_leads_as_salesforce_answers_them():
    ids = ["00Q5f000001abcdEAA", "00Q5f000001abceEAA"]
    found, _ = canned("query_leads.json", lambda c: c.fetch("person", ids))
    loser, winner = (found[each] for each in ids)
    assert (loser.is_archived, loser.merged_into, loser.key) == (True, ids[1], None)
    assert (winner.converted.contact_id, winner.converted.deal_id) == ("0035f000002AbCdAAK", None)
    assert winner.key == "9b2f0c1e-6f4b-4e7a-8d55-0a1b2c3d4e5f"
    assert winner.modified_at == datetime(2026, 10, 19, 12, 31, 10, tzinfo=UTC)


# --- who is there already ---


@pytest.mark.parametrize("duplicates", ["", "block"])
@pytest.mark.parametrize("kind", ["Lead", "Contact"])
def test_a_person_of_the_same_email_without_our_key_is_adopted(org, kind, duplicates):
    org.records.set_meta("duplicates", duplicates)
    members = {"LastName": "Before us", "Email": "ADA1@example.com", "Phone": "1"}
    there = org.records.add(kind, members | ({"Company": "Old"} if kind == "Lead" else {})).id
    connector = org.connect()
    outcomes = list(connector.upsert("person", drafts(3)))
    assert [type(each) for each in outcomes] == [Created, Updated, Created]
    assert outcomes[1].remote_id == there
    kept = org.records[kind, there].members
    assert (kept[KEY], kept["LastName"], kept["Phone"]) == ("lead-1", "Name 1", "1")
    assert org.records.count("Lead") + org.records.count("Contact") == 3
    calls = connector.calls
    list(connector.upsert("person", [Draft(each.key, person(n, Title="CFO"), each.remote_id)
                                     for n, each in enumerate(outcomes)]))  # fmt: skip
    assert connector.calls - calls <= 2, "who is known is not looked up again"


def test_several_of_one_email_are_shown_and_the_chosen_one_is_adopted(org):
    lead = org.records.add("Lead", {"LastName": "One", "Company": "Old", "Email": "ada0@example.com"}).id
    contact = org.records.add("Contact", {"LastName": "Two", "Email": "ada0@example.com"}).id
    org.records.add("Lead", {"LastName": "Ours", "Company": "A", "Email": "ada0@example.com", KEY: "another"})
    connector = org.connect()
    refused, other = connector.upsert("person", drafts(2))
    assert isinstance(other, Created)
    assert (refused.code, refused.field) == ("SEVERAL_FOUND", "Email")
    assert {each.remote_id: each.name for each in refused.candidates} == {
        lead: "Lead: One, Old, ada0@example.com", contact: "Contact: Two, ada0@example.com",
    }  # fmt: skip
    (chosen,) = connector.upsert("person", [Draft("lead-0", person(0), contact, is_keyed=False)])
    assert chosen.remote_id == contact
    (made,) = connector.upsert("person", [Draft("lead-9", person(0), is_new=True)])
    assert isinstance(made, Created)


def test_a_duplicate_rule_that_sees_more_than_addresses_shows_whom_it_means(org):
    """The rule blocks by address here; the address there differs from ours only for us."""
    org.records.set_meta("duplicates", "block")
    there = org.records.add("Lead", {"FirstName": "Ada", "LastName": "Name 0", "Company": "Analytical Engines",
                                     "Email": "other@example.com"}).id  # fmt: skip
    connector = org.connect()
    with org.dialect.faults(Fault("rows", "PATCH *", nth=1, code="DUPLICATES_DETECTED")):
        (refused,) = connector.upsert("person", drafts(1))
    assert refused.code == "DUPLICATES_DETECTED"
    assert [each.remote_id for each in refused.candidates] == [there]


def test_short_ids_are_the_same_records(org):
    owner = org.dialect.user_id
    (made,) = org.connect().upsert("person", drafts(1, OwnerId=owner[:15]))
    assert isinstance(made, Created)
    found = org.connect().fetch("person", [made.remote_id[:15]])
    assert found[made.remote_id[:15]].fields["OwnerId"] == owner


def test_an_inactive_owner_and_an_unlisted_place_are_refused_by_row(org):
    retired = org.records.add("User", {"Name": "Gone", "Email": "g@x.example", "Username": "g@x", "IsActive": False,
                                       "UserType": "Standard"}).id  # fmt: skip
    org.records.set_meta("places", "picklists")
    rows = [Draft("a", person(1, OwnerId=retired)), Draft("b", person(2, Country="DE")),
            Draft("c", person(3, Country="Germany", State="Bavaria"))]  # fmt: skip
    refused, unlisted, made = org.connect().upsert("person", rows)
    assert (refused.code, refused.field) == ("INACTIVE_OWNER_OR_USER", "OwnerId")
    assert (unlisted.code, unlisted.field) == ("FIELD_INTEGRITY_EXCEPTION", "Country")
    assert isinstance(made, Created)


def test_numbers_keep_the_decimals_that_the_org_stores(org):
    """Salesforce rounds what has more of them, half up; integers are refused instead."""
    fields = org.connect().describe("person").by_name()
    told = {name: (fields[name].decimals, fields[name].is_rounded) for name in ("Score__c", "AnnualRevenue")}
    assert told == {"Score__c": (2, True), "AnnualRevenue": (0, True)}
    assert (fields["NumberOfEmployees"].decimals, fields["NumberOfEmployees"].is_rounded) == (0, False)
    (made,) = org.connect().upsert("person", drafts(1, Score__c=7.005, AnnualRevenue=12.5))
    held = org.records["Lead", made.remote_id].members
    assert (held["Score__c"], held["AnnualRevenue"]) == (7.01, 13)
