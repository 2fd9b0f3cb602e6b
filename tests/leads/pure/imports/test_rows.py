"""What a row says, and what makes it refused."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from leads.pure.imports.cells import RowRefused
from leads.pure.imports.fields import ACCOUNTS, COSTS, LEADS, OPPORTUNITIES, value_map
from leads.pure.imports.rows import parse_row
from leads.pure.table_file import Row
from tests.leads.pure.imports.parsing import parse, plan


def test_a_lead() -> None:
    lead = parse(
        more={"keeps_other_columns": True, "channels": value_map({"Fair 2026": "events"})},
        email=" Ada@Engines.example",
        name="Ada King Lovelace",
        country="de",
        company_size="120",
        occurred_at="2026-02-01",
        channel="fair_2026",
        notes="called twice",
    )
    assert (lead.email, lead.channel) == ("ada@engines.example", "events")
    assert lead.details == {"first_name": "Ada", "last_name": "King Lovelace", "country": "DE", "company_size": 120}
    assert lead.attributes == {"notes": "called twice", "channel": "fair_2026"}


@pytest.mark.parametrize(
    ("kind", "cells", "field"),
    [
        (LEADS, {"first_name": "Ada"}, ""),
        (LEADS, {"email": "not an address"}, "email"),
        (LEADS, {"external_id": "a", "country": "Utopia"}, "country"),
        (LEADS, {"external_id": "a", "company_size": "many"}, "company_size"),
        (LEADS, {"external_id": "a", "phone": "4.93012E+11"}, "phone"),
        (LEADS, {"external_id": "a", "stage": "Nurturing"}, "stage"),
        (LEADS, {"external_id": "a", "consent": "yes"}, "consent_at"),
        (LEADS, {"external_id": "a", "unsubscribed": "perhaps"}, "unsubscribed"),
        (LEADS, {"external_id": "a", "occurred_at": "2018-W05"}, "occurred_at"),
        (LEADS, {"external_id": "a", "company_size": "²"}, "company_size"),
        (LEADS, {"external_id": "a", "occurred_at": "2026-12-01"}, "occurred_at"),
        (LEADS, {"external_id": "a", "occurred_at": "1789-07-14"}, "occurred_at"),
        (LEADS, {"external_id": "a" * 121}, "external_id"),
        (LEADS, {"external_id": "a", "company": "b" * 201}, "company"),
        (OPPORTUNITIES, {"name": "Deal"}, "external_id"),
        (OPPORTUNITIES, {"external_id": "a", "amount": "1.234,50"}, "amount"),
        (OPPORTUNITIES, {"external_id": "a", "currency": "$"}, "currency"),
        (OPPORTUNITIES, {"external_id": "a", "currency": "XYZ"}, "currency"),
        (OPPORTUNITIES, {"external_id": "a", "amount": "$5", "currency": "EUR"}, "amount"),
        (OPPORTUNITIES, {"external_id": "a", "amount": "5 €", "currency": "USD"}, "amount"),
        (ACCOUNTS, {"industry": "Retail"}, ""),
        (ACCOUNTS, {"name": "-"}, ""),
        (ACCOUNTS, {"name": "Web", "domain": "gmail.com"}, "domain"),
        (ACCOUNTS, {"name": "Web", "country": "Utopia"}, "country"),
        (OPPORTUNITIES, {"external_id": "a", "owner": "sam@@us.example"}, "owner"),
        (COSTS, {"campaign": "", "spent_on": "2026-01-01", "amount": "1"}, "campaign"),
        (COSTS, {"campaign": "a", "spent_on": "", "amount": "1"}, "spent_on"),
        (COSTS, {"campaign": "a", "spent_on": "2026-01-01", "amount": ""}, "amount"),
        (COSTS, {"campaign": "a", "spent_on": "2026-01-01", "amount": "-3"}, "amount"),
    ],
)
def test_refused_rows_name_the_field(kind: str, cells: dict[str, str], field: str) -> None:
    with pytest.raises(RowRefused) as refused:
        parse(kind, **cells)
    assert refused.value.field == field


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(RowRefused, match="has 3 cells instead of 4"):
        parse_row(Row(2, {}, "has 3 cells instead of 4"), plan())


def test_a_deal_and_a_cost() -> None:
    deal = parse(OPPORTUNITIES, lead_external_id="a", closed_at="2027-01-15", amount="99.50", owner="Sam@Us.example")
    assert (deal.external_id, deal.amount_cents, deal.currency) == ("deal of a", 9950, "EUR")
    assert (deal.owner, deal.attributes) == ("Sam@Us.example", {"owner": "Sam@Us.example"})
    cost = parse(COSTS, campaign="Q4-Search", spent_on="2026-01-05", amount="12.30", currency="usd")
    assert (cost.campaign, cost.spent_on, cost.amount_cents, cost.currency) == (
        "q4-search",
        date(2026, 1, 5),
        1230,
        "USD",
    )


@pytest.mark.parametrize("length", [1, 112, 113, 120])
def test_deals_of_two_leads_are_two_deals_however_long_the_leads_ids(length: int) -> None:
    stem = "m" * (length - 1)
    ids = [parse(OPPORTUNITIES, lead_external_id=stem + end).external_id for end in ("1", "2", "1")]
    assert ids[0] == ids[2] != ids[1]
    assert max(map(len, ids)) <= 120
    assert all(each.startswith(f"deal of {stem[:50]}") for each in ids)


@pytest.mark.parametrize("owner", ["Sam", "4820", "sam@us.example"])
def test_an_owner_stays_with_the_deal_in_the_words_of_the_file(owner: str) -> None:
    assert parse(OPPORTUNITIES, external_id="a", owner=owner).attributes == {"owner": owner}


@pytest.mark.parametrize("text", ["N/A", "-", "NULL", "n/a", "(blank)", "#N/A"])
def test_placeholders_are_empty(text: str) -> None:
    lead = parse(external_id="a", company=text, phone=text, country=text, company_size=text, campaign=text)
    assert lead.details == {}
    assert lead.campaign == ""
    deal = parse(OPPORTUNITIES, external_id="a", amount=text, closed_at=text, currency=text, owner=text)
    assert (deal.amount_cents, deal.closed_at, deal.currency) == (None, None, "EUR")
    assert deal.attributes == {}


def test_names_that_look_like_placeholders_stay_names() -> None:
    lead = parse(external_id="NA", first_name="Nan", last_name="Null", country="NA")
    assert lead.external_id == "NA"
    assert lead.details == {"first_name": "Nan", "last_name": "Null", "country": "NA"}


def test_signs_that_turn_or_hide_text_are_dropped() -> None:
    assert parse(external_id="a", name="Ada\u202e King\u200b").details == {"first_name": "Ada", "last_name": "King"}


@pytest.mark.parametrize(
    ("text", "size"), [("1,200", 1200), ("1.200", 1200), ("51-200", 51), ("10,001+", 10001), ("1 to 10", 1), ("7", 7)]
)
def test_sizes_of_companies(text: str, size: int) -> None:
    lead = parse(external_id="a", company_size=text)
    assert lead.details == {"company_size": size}
    assert lead.attributes == ({} if text == "7" else {"company_size": text})


@pytest.mark.parametrize(
    ("text", "decimal", "cents", "currency"),
    [
        ("1.234,50", ",", 123_450, "EUR"),
        ("1,234.50", ".", 123_450, "EUR"),
        ("1234.50 €", ".", 123_450, "EUR"),
        ("$1,234.50", ".", 123_450, "USD"),
        ("CHF 1'234.50", ".", 123_450, "CHF"),
        ("1 234,50 zł", ",", 123_450, "PLN"),
    ],
)
def test_amounts_in_the_number_format_of_the_file(text: str, decimal: str, cents: int, currency: str) -> None:
    default = "USD" if text.startswith("$") else "EUR"
    deal = parse(OPPORTUNITIES, {"decimal": decimal, "currency": default}, external_id="a", amount=text)
    assert (deal.amount_cents, deal.currency) == (cents, currency)


@pytest.mark.parametrize(
    ("text", "currency", "cents", "kept"),
    [("1234.567", "EUR", 123_457, "1234.57"), ("1234.5", "JPY", 1_234, "1234"), ("0.125", "USD", 12, "0.12")],
)
def test_an_amount_finer_than_its_currency_is_rounded_and_kept_as_the_file_has_it(
    text: str, currency: str, cents: int, kept: str
) -> None:
    deal = parse(OPPORTUNITIES, {"currency": currency}, external_id="a", amount=text)
    assert deal.amount_cents == cents
    assert deal.attributes["amount"] == text
    assert deal.note == f"{text} was rounded to {kept} {currency}."
    cost = parse(COSTS, {"currency": currency}, campaign="a", spent_on="2026-01-01", amount=text)
    assert (cost.amount_cents, cost.note) == (cents, deal.note)
    assert parse(OPPORTUNITIES, external_id="a", amount="1234.5000").note == ""


def test_an_amount_in_the_other_format_is_refused_not_read_a_thousand_times_too_small() -> None:
    with pytest.raises(RowRefused, match="decimal comma"):
        parse(OPPORTUNITIES, {"decimal": ","}, external_id="a", amount="1,234.50")


def test_a_lead_with_stage_owner_and_consent() -> None:
    lead = parse(
        more={"stages": value_map({"Nurturing": "mql"}), "owners": value_map({"Sam R.": "sam@us.example"})},
        email="ada@engines.example",
        stage="nurturing",
        owner="Sam R.",
        consent="I want the newsletter.",
        consent_at="2026-02-01",
        unsubscribed="No",
    )
    assert (lead.stage, lead.owner, lead.is_unsubscribed) == ("mql", "sam@us.example", False)
    assert lead.attributes == {"stage": "nurturing", "owner": "Sam R."}
    assert lead.consent is not None
    assert lead.consent.text == "I want the newsletter."
    assert lead.consent.given_at == datetime(2026, 1, 31, 23, tzinfo=UTC)


def test_an_account() -> None:
    account = parse(
        ACCOUNTS,
        name="Engines Ltd",
        domain="https://www.Engines.example/about",
        country="Vereinigtes Königreich",
        company_size="201-500",
    )
    assert (account.domain, account.country, account.company_size) == ("engines.example", "GB", 201)


@pytest.mark.parametrize(
    "text",
    [
        "Ada King <ada@a.example>",
        "mailto:ada@a.example",
        "<ada@a.example>",
        "'ada@a.example'",
        "ada@a.example;",
        "ada\uff20a.example",
    ],
)
def test_what_programs_put_around_an_address_is_dropped(text: str) -> None:
    assert parse(email=text).email == "ada@a.example"


@pytest.mark.parametrize(
    "text", ["ada@a.example, bob@b.example", "ada@a.example bob@b.example", "Ada <ada@a.example> <bob@b.example>"]
)
def test_two_addresses_are_none(text: str) -> None:
    with pytest.raises(RowRefused):
        parse(email=text)


def test_a_page_on_a_site_of_many_is_no_domain() -> None:
    with pytest.raises(RowRefused, match=r"a page on linkedin\.com"):
        parse(ACCOUNTS, name="A", domain="https://www.linkedin.com/company/a")
    assert parse(ACCOUNTS, name="LinkedIn", domain="linkedin.com").domain == "linkedin.com"


def test_days_that_stand_for_none_or_never() -> None:
    assert parse(OPPORTUNITIES, external_id="a", closed_at="0000-00-00 00:00:00").closed_at is None
    with pytest.raises(RowRefused, match="lies after 2100"):
        parse(OPPORTUNITIES, external_id="a", closed_at="9999-12-31")
