"""The rows of a figure as CSV and XLSX: exactly those listed, with nothing a spreadsheet would run."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import xlsxwriter
from django.http import HttpRequest, HttpResponse
from django.utils.text import slugify

from leads.figures import words
from leads.figures.base import Column, Figure, Row, Scope
from leads.figures.groups import DIMENSIONS, Group
from leads.pure.money import to_amount
from leads.pure.table_file import neutralize, sheet_name
from leads.views.list_file import list_file, money_cells


def csv_file(found: Figure, part: str, sort: str) -> HttpResponse:
    """One part's rows; money as decimals with a column for its currency. A past moment stands in every row."""
    response = HttpResponse(content_type="text/csv; charset=utf-8", headers=_disposition(found, part, "csv"))
    response.write("\ufeff")  # without it Excel reads UTF-8 as Windows-1252
    rows = found.parts[part]
    writer = csv.writer(response)
    known = as_of_column(found.scope)
    writer.writerow(neutralize(name) for name in (*_header(rows.columns), *known))
    for row in rows.rows(sort=sort):
        writer.writerow(neutralize(value) for value in (*_values(rows.columns, row, found.scope), *known.values()))
    return response


def groups_file(
    request: HttpRequest, found: Figure, by: str, told: Callable[[], Sequence[Group]]
) -> HttpResponse | None:
    """A figure by owner, territory or channel, a line for each, as the page is asked for it; money as decimals with a
    column for its currency."""
    is_money = found.definition.unit in ("money", "money_per_day")
    name, currency = found.definition.name, found.scope.currency
    heads = (DIMENSIONS[by], name, *([f"{name}, currency"] if is_money else []), "Rows without an amount")

    def line(group: Group) -> tuple[Any, ...]:
        value, lacking = group.figures[0].value, group.figures[0].lacking
        cells = money_cells(None if value is None else round(value), currency) if is_money else (value,)
        return (group.name, *cells, lacking)

    return list_file(request, f"{found.definition.key.replace('.', ' ')} by {by}", heads, lambda: map(line, told()))


def xlsx_file(found: Figure, part: str, sort: str) -> HttpResponse:
    """A sheet for every part, the chosen one sorted as on the page, and one with the definition."""
    stream = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "remove_timezone": True}
    with xlsxwriter.Workbook(stream, options) as book:
        bold = book.add_format({"bold": True})
        about = book.add_worksheet("Definition")
        for line, (name, text) in enumerate(_about(found)):
            about.write_string(line, 0, name, bold)
            about.write_string(line, 1, neutralize(text))
        about.set_column(0, 0, 18)
        about.set_column(1, 1, 90)
        for name, rows in found.parts.items():
            sheet = book.add_worksheet(sheet_name(name))
            sheet.freeze_panes(1, 0)
            sheet.write_row(0, 0, _header(rows.columns), bold)
            for line, row in enumerate(rows.rows(sort=sort if name == part else ""), start=1):
                for place, value in enumerate(_values(rows.columns, row, found.scope)):
                    _write(sheet, line, place, value)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return HttpResponse(stream.getvalue(), content_type=kind, headers=_disposition(found, part, "xlsx"))


def as_of_column(scope: Scope) -> dict[str, str]:
    """Heading and value of the column that says of when the rows are; none in the present."""
    return {"As of": scope.at.astimezone(scope.tz).isoformat()} if scope.as_of else {}


def _disposition(found: Figure, part: str, kind: str) -> dict[str, str]:
    moment = f"-as-of-{found.scope.as_of}" if found.scope.as_of else ""
    name = slugify(f"{found.definition.key.replace('.', '-')}-{part}{moment}")
    return {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}


def _about(found: Figure) -> list[tuple[str, str]]:
    meaning, scope = found.definition, found.scope
    return [
        ("Figure", meaning.name),
        ("Value", words.exact_text(found)),
        *([("Not known", text)] if (text := words.lacking_text(found)) else []),
        ("Definition", f"{meaning.key}, version {meaning.version}"),
        ("Formula", meaning.formula),
        ("Meaning", meaning.meaning),
        *((name.capitalize(), text) for name, text in scope.query().items() if name != "as_of"),
        ("As of", as_of_column(scope).get("As of") or scope.at.astimezone(scope.tz).isoformat(timespec="seconds")),
        ("Time zone", str(scope.tz)),
        *((f"Sheet {name}", rows.label) for name, rows in found.parts.items()),
    ]


def _header(columns: tuple[Column, ...]) -> list[str]:
    names: list[str] = []
    for column in columns:
        names += [column.label, f"{column.label}, currency"] if column.kind == "money" else [column.label]
    return names


def _values(columns: tuple[Column, ...], row: Row, scope: Scope) -> list[Any]:
    """Plain values in the order of the header: decimals, local times in ISO 8601, numbers as they are."""
    values: list[Any] = []
    for column in columns:
        value = row[column.path]
        if column.kind == "money":
            currency = row[column.currency_by] if column.currency_by else scope.currency
            values += ["", ""] if value is None else [Decimal(to_amount(value, currency)), currency]
        elif isinstance(value, datetime):
            values.append(value.astimezone(scope.tz).isoformat(sep=" ", timespec="seconds"))
        elif isinstance(value, date):
            values.append(value.isoformat())
        else:
            values.append("" if value is None else value)
    return values


def _write(sheet: Any, line: int, place: int, value: Any) -> None:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        sheet.write_number(line, place, float(value))
    else:
        sheet.write_string(line, place, neutralize(value))
