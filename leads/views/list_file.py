"""A list of a page as CSV and XLSX: every row the page would turn to, with nothing a spreadsheet would run."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter
from django.http import HttpRequest, HttpResponse
from django.utils.text import slugify

from leads.models import Company
from leads.pure.money import to_amount
from leads.pure.table_file import neutralize, sheet_name
from leads.views.past import as_of

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_WIDEST = 60


def list_file(
    request: HttpRequest,
    name: str,
    header: Sequence[str],
    rows: Callable[[], Iterable[Sequence[Any]]],
    *,
    param: str = "export",
) -> HttpResponse | None:
    """The file the page is asked for with ``export=csv`` or ``xlsx``; None when it asks for none. Pages of several
    lists name another ``param`` for each.

    Cells are texts, numbers, days, moments (written in the company's time zone) or None. ``rows`` is called only when
    a file is made. A file of the past says its moment in a last column.
    """
    kind = request.GET.get(param, "")
    if kind not in ("csv", "xlsx"):
        return None
    asked, tz = as_of(request), Company.current().tz
    file_name = slugify(f"{name}-as-of-{asked.text}" if asked else name)[:100]
    headers = {"Content-Disposition": f'attachment; filename="{file_name}.{kind}"'}
    lines = _lines(rows(), tz)
    if asked:
        moment = asked.at.astimezone(tz).isoformat()
        header, lines = (*header, "As of"), ([*line, moment] for line in lines)
    return _csv(header, lines, headers) if kind == "csv" else _xlsx(name, header, lines, headers)


def money_cells(cents: int | None, currency: str) -> tuple[Decimal | None, str]:
    """An amount and its currency, as two cells; an unknown amount has neither."""
    return (None, "") if cents is None else (Decimal(to_amount(cents, currency)), currency)


def _lines(rows: Iterable[Sequence[Any]], tz: ZoneInfo) -> Iterator[list[Any]]:
    for row in rows:
        yield [_plain(value, tz) for value in row]


def _plain(value: Any, tz: ZoneInfo) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone(tz).isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, int | float | Decimal) else str(value)


def _csv(header: Sequence[str], lines: Iterable[list[Any]], headers: dict[str, str]) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8", headers=headers)
    response.write("\ufeff")  # without it Excel reads UTF-8 as Windows-1252
    writer = csv.writer(response)
    writer.writerows([neutralize(cell) for cell in line] for line in (header, *lines))
    return response


def _xlsx(name: str, header: Sequence[str], lines: Iterable[list[Any]], headers: dict[str, str]) -> HttpResponse:
    stream = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    widths = [len(label) for label in header]
    with xlsxwriter.Workbook(stream, options) as book:
        sheet = book.add_worksheet(sheet_name(name))
        sheet.write_row(0, 0, header, book.add_format({"bold": True}))
        row = 0
        for row, line in enumerate(lines, start=1):
            for column, value in enumerate(line):
                widths[column] = max(widths[column], len(str(value)))
                if isinstance(value, int | float | Decimal):
                    sheet.write_number(row, column, float(value))
                elif value:
                    sheet.write_string(row, column, neutralize(value))
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, row, len(header) - 1)
        for column, width in enumerate(widths):
            sheet.set_column(column, column, min(width, _WIDEST) + 2)
    return HttpResponse(stream.getvalue(), content_type=XLSX, headers=headers)
