"""What a row says, and what makes it refused; which column feeds which field."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from leads.pure.imports.fields import (
    COSTS,
    FIELDS,
    LEADS,
    OPPORTUNITIES,
    MappingRefused,
    channel_words,
    check_columns,
    guess_columns,
)
from leads.pure.imports.rows import Plan, RowRefused, parse_moment, parse_row
from leads.pure.imports.table import MAX_BYTES, count_rows, open_table
from leads.pure.table_file import Row, UnreadableFile

BERLIN = ZoneInfo("Europe/Berlin")
AT = datetime(2026, 11, 21, 10, tzinfo=UTC)


def plan(kind: str = LEADS, **more: Any) -> Plan:
    """Every field fed by a column of its own name."""
    columns = {each.name: each.name for each in FIELDS[kind]}
    return Plan(**{"kind": kind, "columns": columns, "at": AT, "tz": BERLIN, "currency": "EUR", **more})


def parse(kind: str = LEADS, more: dict[str, Any] | None = None, **cells: str) -> Any:
    return parse_row(Row(2, cells), plan(kind, **(more or {})))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-02-01", datetime(2026, 1, 31, 23, tzinfo=UTC)),
        ("01.02.2026", datetime(2026, 1, 31, 23, tzinfo=UTC)),
        ("2026-07-01 20:17:59", datetime(2026, 7, 1, 18, 17, 59, tzinfo=UTC)),
        ("2026-07-01T20:17Z", datetime(2026, 7, 1, 20, 17, tzinfo=UTC)),
        ("2026-07-01T20:17:59-03:00", datetime(2026, 7, 1, 23, 17, 59, tzinfo=UTC)),
        ("2026-03-29 02:30", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
    ],
)
def test_moments(text: str, moment: datetime) -> None:
    assert parse_moment(text, BERLIN) == moment


@pytest.mark.parametrize(
    "text", ["3/4/2026", "2026-02-30", "yesterday", "32.1.2026", "45231", "9999-99-99", "٣.٤.٢٠٢٦"]
)
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match="is not a date such as"):
        parse_moment(text, BERLIN)


def test_a_midnight_that_does_not_exist_is_the_days_first_moment() -> None:
    sao_paulo = ZoneInfo("America/Sao_Paulo")
    assert parse_moment("2017-10-15", sao_paulo).astimezone(sao_paulo).isoformat() == "2017-10-15T01:00:00-02:00"


def test_a_lead() -> None:
    lead = parse(
        more={"keeps_other_columns": True, "channels": channel_words({"Fair 2026": "events"})},
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
    ("word", "channel"),
    [
        ("Paid Search", "paid-search"),
        ("direct-traffic", "direct"),
        ("unknown", "other"),
        ("", "other"),
        ("tv", "other"),
    ],
)
def test_channel_words(word: str, channel: str) -> None:
    lead = parse(external_id="a", channel=word)
    assert lead.channel == channel
    assert lead.attributes == ({"channel": word} if word else {})


@pytest.mark.parametrize(
    ("kind", "cells", "field"),
    [
        (LEADS, {"first_name": "Ada"}, ""),
        (LEADS, {"email": "not an address"}, "email"),
        (LEADS, {"external_id": "a", "country": "Utopia"}, "country"),
        (LEADS, {"external_id": "a", "company_size": "50-200"}, "company_size"),
        (LEADS, {"external_id": "a", "company_size": "²"}, "company_size"),
        (LEADS, {"external_id": "a", "occurred_at": "2026-12-01"}, "occurred_at"),
        (LEADS, {"external_id": "a", "occurred_at": "1789-07-14"}, "occurred_at"),
        (LEADS, {"external_id": "a" * 121}, "external_id"),
        (LEADS, {"external_id": "a", "company": "b" * 201}, "company"),
        (OPPORTUNITIES, {"name": "Deal"}, "external_id"),
        (OPPORTUNITIES, {"external_id": "a", "amount": "1.234,50"}, "amount"),
        (OPPORTUNITIES, {"external_id": "a", "currency": "€"}, "currency"),
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
    assert (deal.owner_email, deal.attributes) == ("sam@us.example", {"owner": "Sam@Us.example"})
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


def test_columns_are_guessed_by_their_names() -> None:
    header = ["MQL ID", "first_contact_date", "Landing-Page", "Origin", "E-mail Address", "whatever"]
    assert guess_columns(LEADS, header) == {
        "external_id": "MQL ID",
        "email": "E-mail Address",
        "occurred_at": "first_contact_date",
        "channel": "Origin",
        "landing_page": "Landing-Page",
    }
    assert guess_columns(OPPORTUNITIES, ["mql_id", "seller_id", "won_date"]) == {
        "external_id": "seller_id",
        "lead_external_id": "mql_id",
        "closed_at": "won_date",
    }


@pytest.mark.parametrize(
    ("columns", "field"),
    [({"external_id": "gone"}, "external_id"), ({"shoe_size": "id"}, "shoe_size"), ({"company": "id"}, "external_id")],
)
def test_columns_that_cannot_be(columns: dict[str, str], field: str) -> None:
    with pytest.raises(MappingRefused) as refused:
        check_columns(LEADS, columns, ["id"])
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("content", "cells"),
    [
        (b"id,name\n1,Zo\xc3\xab\n", {"id": "1", "name": "Zoë"}),
        (b"\xef\xbb\xbfid;name\r\n1;Zo\xc3\xab\r\n", {"id": "1", "name": "Zoë"}),
        (b"id\tname\n1\tZo\xeb\n", {"id": "1", "name": "Zoë"}),
        ("id,name\n1,Zoë\n".encode("utf-16"), {"id": "1", "name": "Zoë"}),
        (b'id,name\n1,"two\nlines, ""quoted"""\n', {"id": "1", "name": 'two\nlines, "quoted"'}),
    ],
    ids=["utf-8", "bom", "cp1252", "utf-16", "quoted"],
)
def test_files_of_every_make(content: bytes, cells: dict[str, str]) -> None:
    table = open_table(content)
    assert [row.cells for row in table.rows()] == [cells]
    assert [row.cells for row in table.rows()] == [cells]
    assert table.header == ("id", "name")


def test_an_accent_after_the_head_of_a_windows_file() -> None:
    table = open_table(b"id,name\n" + b"1,plain\n" * 20_000 + b"2,Zo\xeb\n")
    assert list(table.rows())[-1].cells["name"] == "Zoë"


def test_a_thousand_columns() -> None:
    header = [f"c{n}" for n in range(1000)]
    table = open_table((",".join(header) + "\n" + ",".join("x" * 1000) + "\n").encode())
    assert len(next(table.rows()).cells) == len(table.header) == 1000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"id,name\n", "no rows"),
        (b"id,id\n1,2\n", "Two columns"),
        (b"id,name\n1,a\x00b\n", "not text"),
        (b"id,name\n" + b"1,a\n" * 30_000 + b"2,\x00\n", "NUL"),
        (b"PK\x03\x04\x00\x00", "not text"),
        (b"x" * (MAX_BYTES + 1), "larger than 50 MB"),
    ],
)
def test_files_that_cannot_be_read(content: bytes, message: str) -> None:
    with pytest.raises(UnreadableFile, match=message):
        count_rows(open_table(content))
