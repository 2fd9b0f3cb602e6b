"""Any number opens to its definition and rows: a page, a side panel, and the rows as files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db.models import Max
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET

from leads.figures import words
from leads.figures.base import (
    NO_CAMPAIGN,
    NO_OWNER,
    Column,
    Figure,
    Row,
    RowSet,
    Scope,
    UnknownFigure,
    definition,
    definitions,
    figure,
)
from leads.figures.groups import DIMENSIONS, NOBODY, dimensions, groups
from leads.figures.offers import offered
from leads.forms.scope import ScopeForm
from leads.models import Campaign, Channel, Company, OpportunityChange, Territory, Touchpoint, User
from leads.past.deemed import deemed_now
from leads.pure.week import days_label, local_date
from leads.views.doors import SignedInRequest
from leads.views.figure_file import csv_file, groups_file, xlsx_file
from leads.views.list_file import list_file
from leads.views.past import asked_as_of
from leads.views.restated import restated

PAGE_SIZE = 25
EXCLUDED_SHOWN = 5
BASES = {
    "simple": "Revenue by close date, cost by spend date",
    "realised": "Revenue by touchpoint date, cost by spend date",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell for people: its text, where it leads, and its CSS class."""

    text: str
    url: str = ""
    css: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A list of rows of a figure, as the page shows it."""

    name: str
    rows: RowSet
    count: int
    total: str
    query: str
    is_chosen: bool


@login_required
@require_GET
@asked_as_of
def figure_list(request: SignedInRequest) -> HttpResponse:
    """The glossary: every definition this person may open."""
    user = request.user
    known = [meaning for meaning in definitions() if user.sees_all or not meaning.is_company_wide]
    header = ("Figure", "Key", "Version", "Unit", "Formula", "Meaning")
    lines = [(each.name, each.key, each.version, each.unit, each.formula, each.meaning) for each in known]
    if made := list_file(request, "definitions", header, lambda: lines):
        return made
    groups = [
        (_group(key), list(found)) for key, found in groupby(known, key=lambda meaning: meaning.key.split(".")[0])
    ]
    return render(request, "leads/figure/figure_list.html", {"groups": groups})


@login_required
@require_GET
@asked_as_of
def figure_page(request: SignedInRequest, key: str) -> HttpResponse:
    """One figure with its definition, formula, scope and rows; ``export=csv`` or ``xlsx`` gives the rows as a file."""
    user = request.user
    try:
        meaning = definition(key)
    except UnknownFigure:
        raise Http404(f"There is no figure {key}.") from None
    if meaning.is_company_wide and not user.sees_all:
        raise PermissionDenied("This figure is about the whole company.")
    form = ScopeForm(request.GET, company=Company.current(), at=deemed_now())
    if not form.is_valid():
        return render(request, "leads/figure/figure_refused.html", {"form": form, "definition": meaning}, status=400)
    found = figure(key, form.scope(user), with_rows=True)
    chosen = _chosen(found, request.GET.get("part", ""))
    sort = _sort(found.parts[chosen], request.GET.get("sort", ""))
    by = request.GET.get("group", "")
    if by in dict(dimensions(meaning)) and (
        made := groups_file(request, found, by, lambda: groups([key], found.scope, by))
    ):
        return made
    match request.GET.get("export"):
        case "csv":
            return csv_file(found, chosen, sort)
        case "xlsx":
            return xlsx_file(found, chosen, sort)
    return render(request, "leads/figure/figure.html", _context(request, found, chosen, sort))


# --- what the page shows ---------------------------------------------------------------------------------------------


def _context(request: SignedInRequest, found: Figure, chosen: str, sort: str) -> dict[str, Any]:
    scope, rows = found.scope, found.parts[chosen]
    parts = [_part(request, found, name, chosen) for name in found.parts]
    page = _page(request, next(part.count for part in parts if part.name == chosen))
    listed = rows.rows(page.start_index() - 1 if page.paginator.count else 0, page.end_index(), sort)
    left_out = [part for part in parts if part.name.startswith("excluded") and part.count]
    return {
        "figure": found,
        "definition": found.definition,
        "value": words.exact_text(found),
        "lacking": words.lacking_text(found),
        "arithmetic": words.filled_formula(found),
        "facts": list(_facts(found)),
        "restated": restated(found.definition, scope),
        **_grouped(request, found),
        "parts": [part for part in parts if not part.name.startswith("excluded")],
        "left_out": [(part, *_sample(part.rows, scope)) for part in left_out],
        "chosen": next(part for part in parts if part.name == chosen),
        "columns": rows.columns,
        "rows": [cells(rows, row, scope) for row in listed],
        "page": page,
        "is_page": not request.htmx,
        "exports": [_export(request, kind) for kind in ("csv", "xlsx")],
    }


def _grouped(request: SignedInRequest, found: Figure) -> dict[str, Any]:
    """The figure by owner, territory or channel, where that is asked for."""
    key, asked = found.definition.key, request.GET.get("group", "")
    known = dimensions(found.definition)
    query = request.GET.copy()
    for gone in ("page", "sort", "export", "part"):
        query.pop(gone, None)
    choices = []
    for name, label in known:
        query["group"] = name
        choices.append({"name": label, "query": f"?{query.urlencode()}", "is_chosen": name == asked})
    if asked not in dict(known):
        return {"dimensions": choices}
    listed = [
        {"name": group.name, "url": words.figure_url(key, group.scope), "value": _worth(group.figures[0])}
        for group in groups([key], found.scope, asked)
    ]
    return {"dimensions": choices, "grouped_by": DIMENSIONS[asked], "groups": listed}


def _worth(found: Figure) -> str:
    lacking = words.lacking_text(found)
    return words.exact_text(found) if found.value is not None else f"unknown: {lacking}" if lacking else "unknown"


def _export(request: SignedInRequest, kind: str) -> dict[str, str]:
    query = request.GET.copy()
    query.pop("page", None)
    query["export"] = kind
    return {"text": kind.upper(), "icon": "table", "query": f"{request.path}?{query.urlencode()}"}


def _part(request: SignedInRequest, found: Figure, name: str, chosen: str) -> Part:
    rows = found.parts[name]
    query = request.GET.copy()
    for gone in ("page", "sort", "export"):
        query.pop(gone, None)
    query["part"] = name
    total = found.totals.get(name)
    is_counted = name in found.totals and not rows.amount
    return Part(
        name=name,
        rows=rows,
        count=cast(int, total) if is_counted else rows.count(),
        total=words.total_text(rows, total, found.scope.currency) if name in found.totals else "",
        query=f"?{query.urlencode()}",
        is_chosen=name == chosen,
    )


def _page(request: SignedInRequest, count: int) -> Page[Any]:
    # Rows may be computed in Python, so the paginator only counts.
    return Paginator(range(count), PAGE_SIZE).get_page(request.GET.get("page"))


def _sample(rows: RowSet, scope: Scope) -> tuple[tuple[Column, ...], list[list[Cell]]]:
    shown = rows.columns[:5]
    listed = rows.rows(0, EXCLUDED_SHOWN)
    return shown, [cells(rows, row, scope)[: len(shown)] for row in listed]


def _chosen(found: Figure, asked: str) -> str:
    return asked if asked in found.parts else next(iter(found.parts))


def _sort(rows: RowSet, asked: str) -> str:
    return asked if asked.removeprefix("-") in {column.path for column in rows.columns} else ""


def _facts(found: Figure) -> Iterator[tuple[str, str]]:
    scope = found.scope
    first, end = (local_date(at, scope.tz) for at in (scope.period.start, scope.period.end))
    yield "Period", days_label(first, end)
    yield "Time zone", str(scope.tz)
    yield "As of", f"{scope.at.astimezone(scope.tz):%-d %b %Y, %H:%M %Z}"
    yield "Newest data", _freshness(scope)
    if scope.user and not scope.user.sees_all:
        yield "Rows", f"Only those of {scope.user}"
    for name, text in _filters(scope):
        yield name, text if name.lower() in found.definition.filters else f"{text} (does not apply to this figure)"
    yield from _chosen_of(found)
    if "basis" in found.definition.filters:
        yield "Date by", BASES[scope.basis]


def _chosen_of(found: Figure) -> Iterator[tuple[str, str]]:
    """The method and the journeys' scope by name, where the figure depends on them."""
    asked = {"method": found.scope.method, "scope": found.scope.journey_scope}
    for name, label in (("method", "Method"), ("scope", "Include touchpoints of")):
        known = dict(offered(name)) if name in found.definition.filters else {}
        if known:
            # Not named is the company's own, which is offered first.
            yield label, known.get(asked[name]) or next(iter(known.values()))


def _filters(scope: Scope) -> Iterator[tuple[str, str]]:
    if scope.channel:
        yield "Channel", str(Channel.objects.get(key=scope.channel))
    if scope.campaign == NO_CAMPAIGN:
        yield "Campaign", "None: touchpoints outside any campaign"
    elif scope.campaign:
        yield "Campaign", str(Campaign.objects.get(public_id=scope.campaign))
    if scope.territory is not None:
        yield "Territory", str(Territory.objects.get(pk=scope.territory))
    if scope.owner:
        yield "Owner", NOBODY if scope.owner == NO_OWNER else str(User.objects.get(public_id=scope.owner))


def _freshness(scope: Scope) -> str:
    newest = [
        Touchpoint.objects.aggregate(at=Max("recorded_at"))["at"],
        OpportunityChange.objects.aggregate(at=Max("recorded_at"))["at"],
    ]
    known = [at for at in newest if at is not None]
    return f"{max(known).astimezone(scope.tz):%-d %b %Y, %H:%M %Z}" if known else "nothing recorded yet"


def _group(key: str) -> str:
    return {"leads": "Leads", "pipeline": "Pipeline", "spend": "Spend", "quality": "Data quality"}.get(
        key, key.replace("_", " ").capitalize()
    )


# --- cells -----------------------------------------------------------------------------------------------------------


def cells(rows: RowSet, row: Row, scope: Scope) -> list[Cell]:
    """The row's cells in the order of the columns."""
    return [Cell(cell_text(column, row, scope), _link(column, row), _css(column)) for column in rows.columns]


def _css(column: Column) -> str:
    return {"text": "", "time": "text-nowrap", "date": "text-nowrap"}.get(column.kind, "num")


def cell_text(column: Column, row: Row, scope: Scope) -> str:
    """One value in words."""
    currency = row[column.currency_by] if column.currency_by else scope.currency
    return words.cell_text(column.kind, row[column.path], currency, scope.tz)


def _link(column: Column, row: Row) -> str:
    if not column.link or row[column.link_by] is None:
        return ""
    try:
        return reverse(column.link, args=[row[column.link_by]])
    except NoReverseMatch:
        return ""
