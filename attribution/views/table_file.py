"""The campaign table as CSV and XLSX: what the page shows, with nothing a spreadsheet would run."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.utils.text import slugify

from attribution.figures.campaign_table import CampaignTable
from attribution.pure.methods import Method
from leads.figures.base import Scope
from leads.pure.money import to_amount
from leads.pure.table_file import neutralize
from leads.views.figure_file import as_of_column
from leads.views.workbook import Book, Share


def header(methods: Sequence[Method]) -> list[str]:
    """Column names: where the row stands, its money, then revenue and ROI of every method."""
    names = ["Level", "Channel", "Name", "Pipeline", "Cost", "Leads", "Currency"]
    for method in methods:
        names += [f"Revenue, {method.name}", f"ROI, {method.name}"]
    return names


def lines(table: CampaignTable, scope: Scope, methods: Sequence[Method]) -> Iterable[list[Any]]:
    """One line per row of the tree, what lies elsewhere, Unattributed and the total last; unknown values are empty."""

    def money(cents: int | None) -> Any:
        return "" if cents is None else Decimal(to_amount(cents, scope.currency))

    for channel in table.channels:
        for _, node in channel.walk():
            line = [node.kind, node.channel, node.name, money(node.pipeline), money(node.cost), node.leads]
            line.append(scope.currency)
            for method in methods:
                roi = node.roi(method.key)
                line += [money(node.earned.value(method.key)), "" if roi is None else Share(round(roi, 4))]
            yield line
    left_over = "Baseline and unattributed" if any(method.has_baseline for method in methods) else "Unattributed"
    last: list[tuple[str, Callable[[str], int | None]]]
    last = [(left_over, table.unattributed_of), ("Closed-won revenue", table.total_of)]
    if any(table.elsewhere.values()):
        last.insert(0, ("Touchpoints of other periods", table.elsewhere.__getitem__))
    for name, sum_of in last:
        line = ["total", "", name, "", "", "", scope.currency]
        for method in methods:
            line += [money(sum_of(method.key)), ""]
        yield line


def csv_file(table: CampaignTable, scope: Scope, methods: Sequence[Method]) -> HttpResponse:
    """Comma-separated, UTF-8 with a mark so that spreadsheets read it so. A past moment stands in every row."""
    response = HttpResponse(content_type="text/csv; charset=utf-8", headers=_disposition("csv", scope))
    response.write("\ufeff")
    writer = csv.writer(response)
    known = as_of_column(scope)
    writer.writerow([*header(methods), *known])
    writer.writerows([*(neutralize(cell) for cell in line), *known.values()] for line in lines(table, scope, methods))
    return response


def xlsx_file(table: CampaignTable, scope: Scope, methods: Sequence[Method]) -> HttpResponse:
    """A sheet with numbers as numbers, and one that says what was asked."""
    book = Book(scope.tz)
    book.table(book.name("Attribution"), header(methods), lines(table, scope, methods), fixed=3)
    book.facts(book.name("Scope"), {**scope.query(), **as_of_column(scope)}.items())
    return book.answer(_disposition("xlsx", scope))


def _disposition(kind: str, scope: Scope) -> dict[str, str]:
    name = slugify(f"attribution-as-of-{scope.as_of}" if scope.as_of else "attribution")
    return {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
