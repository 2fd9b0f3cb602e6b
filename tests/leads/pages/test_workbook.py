"""Workbooks: number formats, names of sheets, headers that stay in view, the same bytes whenever they are written."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from leads.views.workbook import Book, Share

BERLIN = ZoneInfo("Europe/Berlin")
MADE_AT = datetime(2026, 11, 30, 6, tzinfo=UTC)


def book_of(*rows: list[Any], name: str = "Rows") -> bytes:
    book = Book(BERLIN, title="Rows", made_at=MADE_AT)
    book.table(book.name(name), [f"Column {place}" for place in range(len(rows[0]))], rows)
    return book.answer({}).content


@pytest.mark.parametrize(
    ("value", "shown", "number_format"),
    [
        (Share(0.25), 0.25, "0.0%"),
        (Decimal("1234.50"), 1234.5, "#,##0.00"),
        (Decimal("1234"), 1234, "#,##0"),
        (Decimal("1.234"), 1.234, "#,##0.000"),
        (12, 12, "#,##0"),
        (1.5, 1.5, "#,##0.00"),
        (date(2026, 11, 30), datetime(2026, 11, 30), "yyyy-mm-dd"),
        (datetime(2026, 11, 30, 23, 30, tzinfo=UTC), datetime(2026, 12, 1, 0, 30), "yyyy-mm-dd hh:mm:ss"),
        (True, "yes", "General"),
        ("=1+1", "'=1+1", "General"),
        (None, None, "General"),
    ],
)
def test_value_has_the_format_of_its_kind(value: Any, shown: Any, number_format: str) -> None:
    cell = openpyxl.load_workbook(BytesIO(book_of([value, "beside"])))["Rows"]["A2"]
    assert cell.value == shown
    assert cell.number_format == number_format
    assert cell.data_type != "f"


def test_header_stays_in_view_and_filters() -> None:
    sheet = openpyxl.load_workbook(BytesIO(book_of(["a", 1], ["b", 2])))["Rows"]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:B3"


def test_sheets_get_names_that_spreadsheets_take_and_no_two_the_same() -> None:
    book = Book(BERLIN)
    long = "Deals without a rate into the company currency"
    names = [book.name(wanted) for wanted in ("Won: deals/rows", "won: DEALS/rows", long, long)]
    assert len({name.lower() for name in names}) == 4
    assert all(0 < len(name) <= 31 for name in names)
    assert not set("".join(names)) & set("[]:*?/\\")


def test_contents_link_to_their_sheets() -> None:
    book = Book(BERLIN)
    contents, rows = book.name("Contents"), book.name("Jan's rows")
    book.contents(contents, ["Sheet", "Rows"], [(rows, [1])])
    book.table(rows, ["Column"], [["a"]])
    sheet = openpyxl.load_workbook(BytesIO(book.answer({}).content))[contents]
    assert sheet["A2"].value == rows
    assert sheet["A2"].hyperlink.location == "'Jan''s rows'!A1"


def test_same_bytes_whenever_it_is_written() -> None:
    assert book_of(["a", 1.5]) == book_of(["a", 1.5])
