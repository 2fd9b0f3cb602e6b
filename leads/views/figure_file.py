"""The rows of a figure as CSV and XLSX: exactly those listed, with nothing a spreadsheet would run."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.text import slugify

from leads.figures import words
from leads.figures.base import Column, Figure, Row, Scope
from leads.figures.groups import DIMENSIONS, Group
from leads.pure.table_file import neutralize
from leads.views.list_file import list_file, money_cells, plain_cell
from leads.views.workbook import Book, Share


def csv_file(found: Figure, part: str, sort: str) -> HttpResponse:
    """One part's rows; money as decimals with a column for its currency. A past moment stands in every row."""
    response = HttpResponse(content_type="text/csv; charset=utf-8", headers=_disposition(found, part, "csv"))
    response.write("\ufeff")  # without it Excel reads UTF-8 as Windows-1252
    rows = found.parts[part]
    writer = csv.writer(response)
    known = as_of_column(found.scope)
    writer.writerow(neutralize(name) for name in (*_header(rows.columns), *known))
    for row in rows.rows(sort=sort):
        cells = (plain_cell(value, found.scope.tz) for value in _values(rows.columns, row, found.scope))
        writer.writerow(neutralize(value) for value in (*cells, *known.values()))
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
    book, scope = Book(found.scope.tz), found.scope
    names = {name: book.name(rows.label) for name, rows in found.parts.items()}
    book.facts(book.name("Definition"), _about(found, names))
    for name, rows in found.parts.items():
        listed = rows.rows(sort=sort if name == part else "")
        book.table(names[name], _header(rows.columns), (_values(rows.columns, row, scope) for row in listed))
    return book.answer(_disposition(found, part, "xlsx"))


def as_of_column(scope: Scope) -> dict[str, str]:
    """Heading and value of the column that says of when the rows are; none in the present."""
    return {"As of": scope.at.astimezone(scope.tz).isoformat()} if scope.as_of else {}


def _disposition(found: Figure, part: str, kind: str) -> dict[str, str]:
    moment = f"-as-of-{found.scope.as_of}" if found.scope.as_of else ""
    name = slugify(f"{found.definition.key.replace('.', '-')}-{part}{moment}")
    return {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}


def _about(found: Figure, sheets: Mapping[str, str]) -> list[tuple[str, str]]:
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
        *((f"Sheet {sheets[name]}", rows.label) for name, rows in found.parts.items()),
    ]


def _header(columns: tuple[Column, ...]) -> list[str]:
    names: list[str] = []
    for column in columns:
        names += [column.label, f"{column.label}, currency"] if column.kind == "money" else [column.label]
    return names


def _values(columns: tuple[Column, ...], row: Row, scope: Scope) -> list[Any]:
    """Values in the order of the header; money as decimals with its currency, shares as such."""
    values: list[Any] = []
    for column in columns:
        value = row[column.path]
        if column.kind == "money":
            currency = row[column.currency_by] if column.currency_by else scope.currency
            values += money_cells(value, currency)
        elif column.kind == "share" and value is not None:
            values.append(Share(value))
        else:
            values.append(value)
    return values
