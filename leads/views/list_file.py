"""A list of a page as CSV and XLSX: every row the page would turn to, with nothing a spreadsheet would run."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils.text import slugify

from leads.models import Company
from leads.pure.money import to_amount
from leads.pure.table_file import neutralize
from leads.views.past import as_of
from leads.views.workbook import Book


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
    lines, moment = rows(), asked.at.astimezone(tz).isoformat() if asked else ""
    if moment:
        header, lines = (*header, "As of"), ([*line, moment] for line in lines)
    return _csv(header, lines, tz, headers) if kind == "csv" else _xlsx(name, header, lines, tz, moment, headers)


def money_cells(cents: int | None, currency: str) -> tuple[Decimal | None, str]:
    """An amount and its currency, as two cells; an unknown amount has neither."""
    return (None, "") if cents is None else (Decimal(to_amount(cents, currency)), currency)


def plain_cell(value: Any, tz: ZoneInfo) -> Any:
    """A cell of a CSV file: a number as it is, all else as text; moments in ISO 8601 in the time zone."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone(tz).isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, int | float | Decimal) else str(value)


def _csv(header: Sequence[str], lines: Iterable[Sequence[Any]], tz: ZoneInfo, headers: dict[str, str]) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8", headers=headers)
    response.write("\ufeff")  # without it Excel reads UTF-8 as Windows-1252
    writer = csv.writer(response)
    writer.writerow(neutralize(label) for label in header)
    writer.writerows([neutralize(plain_cell(cell, tz)) for cell in line] for line in lines)
    return response


def _xlsx(
    name: str,
    header: Sequence[str],
    lines: Iterable[Sequence[Any]],
    tz: ZoneInfo,
    moment: str,
    headers: dict[str, str],
) -> HttpResponse:
    book = Book(tz)
    book.table(book.name(name), header, lines)
    past = [("As of", moment)] if moment else []
    book.facts(book.name("About this file"), [("List", name), ("Time zone", str(tz)), *past])
    return book.answer(headers)
