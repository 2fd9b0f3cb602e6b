"""What is read from Salesforce: windows, places, deals with their people and their past, and the calls it takes."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from integrations.connectors.base import (
    Misuse,
    Window,
)
from integrations.connectors.salesforce.soql import Source, list_selects, record_id, text
from integrations.sandbox_crm.dialects.scenario import Fault
from tests.integrations.connectors.salesforce.org import AHEAD, KEY, drafts, everything, read, running_org


@pytest.fixture
def org(tmp_path):
    with running_org(tmp_path) as running:
        yield running


@pytest.mark.parametrize("is_forgotten", [False, True])
def test_a_window_goes_on_behind_the_last_row_when_its_place_is_forgotten(org, is_forgotten):
    connector = org.connect(page_size=4)
    list(connector.upsert("person", drafts(10)))
    pages = connector.changes("person", everything())
    first = next(pages)
    if is_forgotten:
        org.dialect.meanwhile({"verb": "forget_locators"})
    rest = list(org.connect(page_size=4).changes("person", everything(), first.resume))
    assert len(first.resume) < 500
    keys = [record.key for page in (first, *rest) for record in page.records]
    assert sorted(keys) == sorted(f"lead-{n}" for n in range(10))


@pytest.mark.parametrize("resume", ["", "x", "[]", '[7,"","",""]', "[0,1,2,3]", '{"a":1}'])
def test_a_foreign_place_is_misuse_or_the_start(org, resume):
    connector = org.connect()
    if not resume:
        assert list(connector.changes("person", everything(), resume))
        return
    with pytest.raises(Misuse):
        list(connector.changes("person", everything(), resume))


@pytest.mark.parametrize("place", ["@evil.example/", "/services/data/v68.0/query/../../x", "https://evil.example/x"])
def test_a_place_cannot_lead_elsewhere(org, place):
    """A stored place is read again; one that is no locator is as good as a forgotten one."""
    resume = json.dumps([0, place, "2026-01-05T00:00:00.000+0000", "00Q5f0000000001EAA"])
    connector = org.connect()
    list(connector.upsert("person", drafts(1)))
    assert [page.resume for page in connector.changes("person", everything(), resume)] == [None]
    assert all("evil" not in logged.request.path and ".." not in logged.request.path for logged in org.dialect.log)


def test_deleted_deals_come_as_archived_for_fifteen_days(org):
    connector = org.connect()
    deal = org.dialect.add_deal({"Amount": 10})
    org.records.delete("Opportunity", deal)
    (record,) = read(connector, "deal")
    assert record.is_archived
    org.records.restamp("Opportunity", [deal], datetime.now(UTC) - timedelta(days=16))
    assert read(connector, "deal") == []
    assert connector.fetch("deal", [deal]) == {}


def test_mapped_fields_of_a_connection_are_read(org):
    fields = {"person": ["Tier__c", "Email"], "deal": ["properties.Loss_Reason__c"]}
    connector = org.connect(fields=fields)
    list(connector.upsert("person", drafts(1, Tier__c="Gold")))
    org.dialect.add_deal({"Loss_Reason__c": "Price"})
    assert read(connector, "person")[0].fields["Tier__c"] == "Gold"
    assert read(connector, "deal")[0].fields["properties"] == {"Loss_Reason__c": "Price"}
    for bad in ("Id FROM User", "a.b.c", "x'", ""):
        with pytest.raises(Misuse):
            org.connect(fields={"person": [bad]})


def test_accounts_come_with_their_domain(org):
    connector = org.connect()
    for website in ("https://www.Acme.example/about", "acme.example", "http://[", None):
        org.records.add("Account", {"Name": "Acme", "Website": website})
    assert [record.fields["domain"] for record in read(connector, "account")] == [
        "acme.example",
        "acme.example",
        "",
        "",
    ]


def test_history_leaves_out_what_moved_neither_stage_nor_amount(org):
    connector = org.connect()
    deal = org.dialect.add_deal({"Amount": 10})
    org.records.change("Opportunity", deal, {"CloseDate": "2027-01-01"})
    org.records.change("Opportunity", deal, {"Amount": 12.5})
    lines = [(line.from_stage, line.to_stage, line.amount) for line in connector.stage_history([deal, "odd id"])]
    assert [(line[0], str(line[2])) for line in lines] == [(None, "10"), ("Prospecting", "12.5")]


def test_an_org_of_one_currency_tells_which(org):
    org.dialect.count_in("USD")
    connector = org.connect()
    org.dialect.add_deal({"Amount": 10})
    assert connector.check().currency == "USD"
    assert [record.fields["currency"] for record in read(connector, "deal")] == ["USD"]
    assert {line.currency for line in connector.stage_history([read(connector, "deal")[0].remote_id])} == {"USD"}
    assert org.connect().reference().stages


def test_past_lines_are_in_the_currency_of_then(org):
    deal = org.dialect.add_deal({"Amount": 10})
    org.records.change("Opportunity", deal, {"CurrencyIsoCode": "USD", "Amount": 12.0})
    lines = org.connect().stage_history([deal])
    assert [(str(line.amount), line.currency) for line in lines] == [("10", "EUR"), ("12.0", "USD")]


def test_members_say_when_they_responded(org):
    connector = org.connect()
    (made,) = connector.upsert("person", drafts(1))
    campaign = org.records.add("Campaign", {"Name": "Fair", "BudgetedCost": 100.5, "StartDate": "2026-03-01"}).id
    org.records.add("CampaignMember", {"CampaignId": campaign, "LeadId": made.remote_id, "Status": "Responded",
                                       "FirstRespondedDate": "2026-03-02"})  # fmt: skip
    (member,) = connector.members(everything())
    (shown,) = connector.campaigns()
    assert (member.person_key, member.responded_at) == ("lead-0", date(2026, 3, 2))
    assert (str(shown.budget), shown.starts_on.isoformat()) == ("100.5", "2026-03-01")


def test_prepare_says_what_an_admin_must_make(org):
    connector = org.connect()
    org.dialect.lacks.add(("Contact", KEY))
    todo = connector.prepare()
    assert len(todo) == 2
    assert "Contact" in todo[0]
    assert KEY in todo[0]
    assert "Map Lead Fields" in todo[1]


@pytest.mark.parametrize("kind", ["duplicate", "reorder"])
def test_pages_that_repeat_or_turn_lose_and_double_nothing(org, kind):
    contact = org.records.add("Contact", {"LastName": "C", KEY: "k"}).id
    ids = [org.dialect.add_deal({"Amount": n}, contact) for n in range(11)]
    for deal in ids:
        org.records.change("Opportunity", deal, {"StageName": "Qualification"})
    connector = org.connect(page_size=4)
    with org.dialect.faults(Fault(kind, times=None)):
        found = read(connector, "deal")
        lines = list(connector.stage_history(ids))
        owners = connector.reference().owners
    assert {record.remote_id for record in found} == set(ids)
    assert all([each.person_key for each in record.contacts] == ["k"] for record in found)
    assert [line.deal_id for line in lines] == [deal for deal in ids for _ in range(2)]
    assert len({owner.remote_id for owner in owners}) == len(owners) == 3


# --- calls ---


def test_2000_ids_are_one_call_and_every_url_fits():
    ids = [record_id(f"0065f{n:010d}AAA") for n in range(2000)]
    selects = list_selects(Source("OpportunityHistory", ("Id", "StageName")), "OpportunityId", ids, everything=True)
    assert len(selects) <= 5
    assert all(len(select.path) < 12_000 for select in selects)
    keys = [text(f"9b2f0c1e-6f4b-4e7a-8d55-{n:012d}") for n in range(1000)]
    assert len(list_selects(Source("Lead", ("Id",)), KEY, keys)) <= 5


def test_a_pull_of_deals_takes_a_page_their_people_and_their_past(org):
    contact = org.records.add("Contact", {"LastName": "C", KEY: "k"}).id
    with org.records.write():
        ids = [org.dialect.add_deal({"Amount": n}, contact) for n in range(600)]
    connector = org.connect()
    connector.reference()
    before = connector.calls
    found = read(connector, "deal", Window(datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + AHEAD))
    lines = list(connector.stage_history([record.remote_id for record in found]))
    assert {record.remote_id for record in found} == set(ids) == {line.deal_id for line in lines}
    assert connector.calls - before == 3


def test_a_person_taken_off_or_put_on_a_deal_brings_it_again(org):
    """Neither moves the deal's own stamp; a window where nobody's part changed costs no further call."""
    before = datetime.now(UTC) - timedelta(hours=2)
    people = [org.records.add("Contact", {"LastName": f"C{n}", KEY: f"k{n}"}).id for n in range(3)]
    old = [org.dialect.add_deal({"Amount": 1}, people[0], modified=before) for _ in range(3)]
    org.records.restamp("Opportunity", old, before)
    roles = org.records.listing("OpportunityContactRole", state="any")
    org.records.restamp("OpportunityContactRole", [each.id for each in roles], before)
    connector = org.connect()
    window = Window(before + timedelta(hours=1), datetime.now(UTC) + AHEAD)
    assert read(connector, "deal", window) == []
    calls = connector.calls
    org.records.delete("OpportunityContactRole", roles[0].id)
    org.dialect.add_role(old[1], people[2])
    found = {
        each.remote_id: [person.person_key for person in each.contacts] for each in read(connector, "deal", window)
    }
    assert found == {old[0]: [], old[1]: ["k0", "k2"]}
    assert connector.calls - calls == 3, "the window, both deals, their people"
