"""Workbooks (XLSX): values with number formats, headers that stay in view, and nothing a spreadsheet would run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter
from django.http import HttpResponse

from leads.pure.table_file import neutralize, sheet_name

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_WIDEST = 60
_OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}


class Share(float):
    """A ratio that people read in percent: 0.25 is shown as 25.0%. CSV files keep the ratio."""


class Book:
    """A workbook that is written sheet by sheet, from the first to the last.

    Moments stand in the given time zone, as spreadsheets know none; the workbook has to say which it is. ``made_at``
    makes the file the same bytes whenever it is written.
    """

    def __init__(self, tz: ZoneInfo, *, title: str = "", made_at: datetime | None = None) -> None:
        self.tz = tz
        self._stream = BytesIO()
        self._book = xlsxwriter.Workbook(self._stream, _OPTIONS)
        if title or made_at:
            created = {"created": made_at.replace(tzinfo=None)} if made_at else {}
            self._book.set_properties({"title": title, **created})
        self._formats: dict[str, Any] = {}
        self._bold = self._book.add_format({"bold": True})
        self._head = self._book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self._taken: set[str] = set()

    def name(self, wanted: str) -> str:
        """The name a sheet will get: one that spreadsheets take, and that no other sheet has."""
        plain = name = sheet_name(wanted)
        number = 1
        while name.lower() in self._taken:
            number += 1
            name = f"{plain[: 31 - len(f' {number}')]} {number}"
        self._taken.add(name.lower())
        return name

    def table(self, name: str, header: Sequence[str], rows: Iterable[Sequence[Any]], *, fixed: int = 0) -> None:
        """A sheet with a header that stays in view and filters; ``fixed`` columns stay in view as well."""
        sheet = self._book.add_worksheet(name)
        sheet.write_row(0, 0, [neutralize(label) for label in header], self._head)
        widths, line = [len(label) for label in header], 0
        for line, row in enumerate(rows, start=1):
            for place, value in enumerate(row):
                widths[place] = max(widths[place], self._write(sheet, line, place, value))
        sheet.freeze_panes(1, fixed)
        if header:
            sheet.autofilter(0, 0, line, len(header) - 1)
        for place, width in enumerate(widths):
            sheet.set_column(place, place, min(width, _WIDEST) + 2)

    def blocks(self, name: str, blocks: Iterable[tuple[Sequence[str], Iterable[Sequence[Any]]]]) -> None:
        """A sheet with tables below each other, each with its header; a block without one states facts, name first."""
        sheet, line = self._book.add_worksheet(name), 0
        for header, rows in blocks:
            for place, label in enumerate(header):
                sheet.write_string(line, place, neutralize(label), self._head)
            line += bool(header)
            for row in rows:
                for place, value in enumerate(row):
                    self._write(sheet, line, place, value, is_name=not header and place == 0)
                line += 1
            line += 1
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, 8, 20)

    def facts(self, name: str, facts: Iterable[tuple[str, Any]]) -> None:
        """A sheet with a name and a value in each line."""
        sheet = self._book.add_worksheet(name)
        for line, (label, value) in enumerate(facts):
            self._write(sheet, line, 0, label, is_name=True)
            self._write(sheet, line, 1, value)
        sheet.set_column(0, 0, 24)
        sheet.set_column(1, 1, 90)

    def contents(self, name: str, header: Sequence[str], rows: Iterable[tuple[str, Sequence[Any]]]) -> None:
        """A sheet that lists others: each row begins with the name of a sheet, which opens by a click."""
        sheet = self._book.add_worksheet(name)
        sheet.write_row(0, 0, header, self._head)
        link = self._book.get_default_url_format()
        widths = [len(label) for label in header]
        for line, (target, cells) in enumerate(rows, start=1):
            quoted = target.replace("'", "''")
            sheet.write_url(line, 0, f"internal:'{quoted}'!A1", link, target)
            widths[0] = max(widths[0], len(target))
            for place, value in enumerate(cells, start=1):
                widths[place] = max(widths[place], self._write(sheet, line, place, value))
        sheet.freeze_panes(1, 1)
        for place, width in enumerate(widths):
            sheet.set_column(place, place, min(width, _WIDEST) + 2)

    def answer(self, headers: dict[str, str]) -> HttpResponse:
        """The finished file as a download."""
        self._book.close()
        return HttpResponse(self._stream.getvalue(), content_type=XLSX, headers=headers)

    def _write(self, sheet: Any, line: int, place: int, value: Any, *, is_name: bool = False) -> int:
        """Write a cell; returns about how many characters wide it is."""
        if value is None or value == "":
            return 0
        if isinstance(value, bool):
            value = "yes" if value else "no"
        if isinstance(value, datetime):
            there = value.astimezone(self.tz).replace(tzinfo=None) if value.tzinfo else value
            sheet.write_datetime(line, place, there, self._format("yyyy-mm-dd hh:mm:ss"))
            return 19
        if isinstance(value, date):
            sheet.write_datetime(line, place, value, self._format("yyyy-mm-dd"))
            return 10
        if isinstance(value, int | float | Decimal):
            sheet.write_number(line, place, float(value), self._format(_number_format(value)))
            return len(f"{value:,}")
        text = neutralize(value)
        sheet.write_string(line, place, text, self._bold if is_name else None)
        return len(text)

    def _format(self, text: str) -> Any:
        if text not in self._formats:
            self._formats[text] = self._book.add_format({"num_format": text})
        return self._formats[text]


def _number_format(value: float | Decimal) -> str:
    """Percent for shares, as many decimals as an amount's currency has, thousands apart."""
    match value:
        case Share():
            return "0.0%"
        case int():
            return "#,##0"
        case Decimal():
            places = max(0, -int(value.as_tuple().exponent))
            return f"#,##0.{'0' * places}" if places else "#,##0"
    return "#,##0.00"
