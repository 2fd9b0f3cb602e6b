"""Windows, associations, history and campaigns, in the fewest calls; scopes that are missing."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from integrations.connectors.base import Outage, ScopeMissing, Window
from integrations.connectors.hubspot.records import KEY
from integrations.sandbox_crm.dialects import Fault
from tests.integrations.connectors.faults import answering, faulty
from tests.integrations.connectors.hubspot.account import draft, recent


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
    assert connector.calls == 6 + 2 + 2 + 1, "pages of 200; people and companies of a thousand at once; the zone"
    lines = list(connector.stage_history([deal.remote_id for deal in deals[:101]]))
    assert len(lines) == 101, "fifty at once with history"
    assert connector.calls == 11 + 3, "fifty at once with history"


def test_a_first_load_lists_a_hundred_a_call(connect, hubspot):
    with hubspot.records.write():
        for _ in range(1001):
            hubspot.add_deal({"dealname": "D", "deal_currency_code": "EUR"})
    connector = connect()
    pages = list(connector.changes("deal", Window(None, recent().until)))
    assert (len(pages), sum(len(page.records) for page in pages)) == (11, 1001)
    assert connector.calls == 11 + 2 + 2 + 1


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
    assert names["77001/2003"] == "Partners: Dropped"
    assert names["default/closedwon"] == "Sales pipeline: Closed won"
    assert [line.to_stage for line in connector.stage_history([deal])] == ["77001/2001", "77001/2003"]
    hubspot.records.archive("deals", deal)
    assert len(list(connector.stage_history([deal]))) == 2, "archived deals keep their past"
    assert connector.fetch("deal", [deal])[deal].is_archived


@pytest.mark.parametrize("neighbor", [None, {"dealname": "No currency"}])
def test_a_deal_closes_on_the_day_of_the_accounts_zone_whatever_lies_beside_it(connect, hubspot, neighbor):
    """Half past ten in the evening in UTC is the next day in Berlin."""
    members = {"dealname": "D", "dealstage": "closedwon", "deal_currency_code": "EUR"}
    deal = hubspot.add_deal(members | {"closedate": "2026-03-31T22:30:00.000Z"})
    if neighbor:
        hubspot.add_deal(neighbor)
    (page,) = connect().changes("deal", recent())
    found = {each.remote_id: each.fields["close_on"] for each in page.records}
    assert found[deal] == date(2026, 4, 1)


def test_a_tested_connection_asks_nothing_for_the_zone(connect, hubspot):
    assert connect().check().time_zone == "Europe/Berlin"
    hubspot.add_deal({"dealname": "D", "deal_currency_code": "EUR"})
    connector = connect()
    connector._link.zone = ZoneInfo("America/New_York")
    list(connector.changes("deal", recent()))
    assert connector.calls == 3, "deals, people and companies"


@pytest.mark.parametrize("turn", [("1",), ("1", "2")])
def test_places_that_come_round_again_end_in_an_outage(connect, turn):
    """In lists, and in the further people of a deal."""
    asked = iter(range(1000))

    def body():
        following = {"next": {"after": turn[next(asked) % len(turn)]}}
        return json.dumps({"results": [], "paging": following}).encode()

    with faulty(lambda sock, request: answering(200, body())(sock, request)) as crm, pytest.raises(Outage):
        list(connect(url=crm.url).changes("person", Window(None, recent().until)))

    def people():
        row = {"from": {"id": "5"}, "to": [], "paging": {"next": {"after": turn[next(asked) % len(turn)]}}}
        return json.dumps({"results": [row]}).encode()

    with faulty(lambda sock, request: answering(200, people())(sock, request)) as crm, pytest.raises(Outage):
        connect(url=crm.url)._read.linked("deals", ["5"], "contacts")


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
    assert known["amount"].type == "money"
    assert not known["properties.hs_is_closed"].is_writable


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


@pytest.mark.parametrize(
    ("kind", "scope"),
    [
        ("call", "crm.objects.contacts.read"),
        ("meeting", "crm.objects.contacts.read"),
        ("email", "sales-email-read"),
        ("form", "forms"),
        ("list", "crm.lists.read"),
    ],
)
def test_activities_need_the_scope_of_their_kind(connect, hubspot, kind, scope):
    window = Window(None, datetime.now(UTC))
    assert list(connect().activities((kind,), window, ("Fair*",))) == []
    hubspot.meanwhile({"verb": "deny", "scopes": [scope]})
    with pytest.raises(ScopeMissing, match=scope.replace(".", r"\.")):
        list(connect().activities((kind,), window, ("Fair*",)))


def test_campaigns_out_of_reach_are_none(connect, hubspot):
    members = {"hs_name": "Fair", "hs_spend_items_sum_amount": "12.50", "hs_currency_code": "EUR",
               "hs_start_date": "2026-03-01", "hs_campaign_status": "completed"}  # fmt: skip
    hubspot.records.add("campaigns", members)
    (campaign,) = connect().campaigns()
    assert (campaign.cost, campaign.currency, campaign.is_active) == (Decimal("12.50"), "EUR", False)
    assert campaign.starts_on == date(2026, 3, 1)
    hubspot.meanwhile({"verb": "deny", "scopes": ["marketing.campaigns.read"]})
    assert list(connect().campaigns()) == []
