"""A figure of a weekly report as it was published: its rows, sorted, as files, and how it reads today."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from alignment.actions.report.freeze_figure import amount_place
from alignment.actions.report.render_report import restatements
from alignment.models import ReportRows, WeeklyReport
from alignment.queries.report import are_rows_sealed
from alignment.views.report_file import figure_csv, figure_xlsx
from alignment.views.report_readers import for_readers, report_of
from leads.figures import words
from leads.figures.base import Definition, Scope, UnknownFigure, definition, figure
from leads.forms.as_of import exact
from leads.models import Company
from leads.past.snapshot import BeforeMemory, refuse_before_memory
from leads.pure import words as plain
from leads.pure.week import Period, days_label, local_date
from leads.views.doors import SignedInRequest

PAGE_SIZE = 25


@for_readers
@require_GET
def report_figure(request: SignedInRequest, week: str, key: str) -> HttpResponse:
    """A figure of a report as it was published: definition, formula, rows, and how it would read today."""
    report = report_of(week)
    about = report.content["figures"].get(key)
    if about is None:
        raise Http404(f"The report of {week} has no figure {key}.")
    sets = {rows.part: rows for rows in report.row_sets.filter(figure=key)}
    first = next(part["name"] for part in about["parts"])
    chosen = request.GET.get("part", "")
    rows = sets[chosen if chosen in sets else first]
    only = request.GET.get("only", "")
    listed = _sorted(rows, _only(rows, only), request.GET.get("sort", ""))
    cents = _cents(rows, listed) if only else None
    narrowed = _narrowed_to(report, only, cents)
    match request.GET.get("export"):
        case "csv":
            return figure_csv(report, rows, listed)
        case "xlsx":
            return figure_xlsx(report, rows, listed)
    page = Paginator(listed, PAGE_SIZE).get_page(request.GET.get("page"))
    zone = ZoneInfo(report.time_zone)
    context = {
        "report": report,
        "entry": key,
        "about": about,
        "narrowed": narrowed,
        "facts": _facts(report, about, zone),
        "parts": [
            {**part, "query": f"?{urlencode({'part': part['name'], **({'only': only} if only else {})})}"}
            for part in about["parts"]
            if part["is_counted"] or part["count"]
        ],
        "chosen": next(part for part in about["parts"] if part["name"] == rows.part),
        "columns": [column for column in rows.columns if column["label"]],
        "rows": [_cells(rows, row, report, zone) for row in page.object_list],
        "page": page,
        "only_count": len(listed) if only else None,
        "only_total": "" if cents is None else plain.money_exact(cents, report.currency),
        "exports": [_export(request, kind) for kind in ("csv", "xlsx")],
        "is_page": not request.htmx,
        "is_sealed": are_rows_sealed(report, rows),
        "restated": [row for row in restatements(report=report) if row["entry"] == key and row["item"] in ("", only)],
        "today": _today(report, about, timezone.now(), narrowed),
    }
    return render(request, "alignment/report/report_figure.html", context)


# --- behind the page -----------------------------------------------------------------------------------------------


def _export(request: SignedInRequest, kind: str) -> dict[str, str]:
    query = request.GET.copy()
    query.pop("page", None)
    query["export"] = kind
    return {"text": kind.upper(), "icon": "table", "query": f"{request.path}?{query.urlencode()}"}


def _facts(report: WeeklyReport, about: dict[str, Any], zone: ZoneInfo) -> list[tuple[str, str]]:
    start, end = (local_date(datetime.fromisoformat(moment), zone) for moment in about["period"])
    as_of = datetime.fromisoformat(about["at"]).astimezone(zone)
    facts = [
        ("Period", days_label(start, end)),
        ("Time zone", report.time_zone),
        ("Known at", f"{as_of:%-d %b %Y, %H:%M %Z}"),
        ("Definition", f"{about['figure']}, version {about['version']}"),
    ]
    if about["figure"].startswith("attribution."):
        facts.append(("Model", f"{report.content['method'].replace('_', ' ')}, {report.content['basis']} basis"))
    return facts


@dataclass(frozen=True, slots=True)
class _Narrowed:
    """The campaign that a figure's rows are narrowed to, and what its rows of the first list come to."""

    campaign: str
    name: str
    cents: int


def _narrowed_to(report: WeeklyReport, only: str, cents: int | None) -> _Narrowed | None:
    """None where no campaign of the report is asked for; only their rows are known by campaign."""
    listed = report.content["campaigns"]
    name = next((row["name"] for row in [*listed["best"], *listed["worst"]] if row["id"] == only), "")
    return _Narrowed(only, name, cents) if name and cents is not None else None


def _today(
    report: WeeklyReport, about: dict[str, Any], at: datetime, narrowed: _Narrowed | None = None
) -> dict[str, Any]:
    """The same question asked of today's data, with a link to the live figure."""
    try:
        meaning = definition(about["figure"])
    except UnknownFigure:
        return {"note": "This figure is no longer defined."}
    company = Company.current()
    scope = Scope(
        period=Period(*(datetime.fromisoformat(moment) for moment in about["period"])),
        at=at,
        tz=ZoneInfo(report.time_zone),
        currency=company.currency,
        method=report.content["method"],
        basis=report.content["basis"],
        campaign=narrowed.campaign if narrowed else "",
    )
    found = figure(about["figure"], scope)
    return {
        "text": words.exact_text(found),
        "is_same": found.value == (narrowed.cents if narrowed else about["value"]),
        "published_url": _published_url(report, about, meaning, scope),
        "url": _live_url(meaning, scope),
        "note": _note(meaning, about, report, company, found.totals),
    }


def _note(meaning: Definition, about: dict[str, Any], report: WeeklyReport, company: Company, totals: Any) -> str:
    if meaning.version != about["version"]:
        zone = ZoneInfo(report.time_zone)
        since = " ".join(
            f"Version {each.version} since {each.at.astimezone(zone):%-d %b %Y}{f', by {each.by}' if each.by else ''}:"
            f" “{each.reason}”. {each.text}"
            for each in meaning.revisions
            if each.version > about["version"]
        )
        said = f"The definition is version {meaning.version} today, so that the two cannot be compared."
        return f"{said} {since}".strip()
    if company.currency != report.currency:
        return "The company's currency changed since."
    return "A cohort grows with time: later passages are no correction." if "pending" in totals else ""


def _live_url(meaning: Definition, scope: Scope) -> str:
    try:
        return f"{words.figure_path(meaning.key)}?{urlencode(scope.query())}"
    except NoReverseMatch:
        return ""


def _published_url(report: WeeklyReport, about: dict[str, Any], meaning: Definition, scope: Scope) -> str:
    """The same question as of the publication; nothing where history began only later, or the figure was read at an
    earlier age."""
    if datetime.fromisoformat(about["at"]) != report.as_of:
        return ""
    try:
        refuse_before_memory(report.as_of)
    except BeforeMemory:
        return ""
    return _live_url(meaning, replace(scope, as_of=exact(report.as_of)))


def _only(rows: ReportRows, only: str) -> list[list[Any]]:
    """All rows, or those that carry a key in one of the columns kept for that."""
    if not only:
        return cast("list[list[Any]]", rows.rows)
    hidden = [place for place, column in enumerate(rows.columns) if not column["label"]]
    return [row for row in rows.rows if any(row[place] == only for place in hidden)]


def _sorted(rows: ReportRows, listed: list[list[Any]], sort: str) -> list[list[Any]]:
    """By a column that is shown, those without a value last; in the order of the report where none is asked."""
    shown = {column["path"]: (place, column) for place, column in enumerate(rows.columns) if column["label"]}
    if sort.removeprefix("-") not in shown:
        return listed
    place, column = shown[sort.removeprefix("-")]

    def value(row: list[Any]) -> Any:
        cell = row[place][0] if column["is_linked"] or column["is_money_elsewhere"] else row[place]
        return cell.casefold() if isinstance(cell, str) else cell

    known = sorted((row for row in listed if value(row) is not None), key=value, reverse=sort.startswith("-"))
    return [*known, *(row for row in listed if value(row) is None)]


def _cents(rows: ReportRows, listed: list[list[Any]]) -> int | None:
    """What these rows come to; None where they add no money."""
    place = amount_place(columns=rows.columns)
    if place is None or rows.columns[place]["kind"] != "money":
        return None
    return sum(row[place] or 0 for row in listed)


def _cells(rows: ReportRows, row: list[Any], report: WeeklyReport, zone: ZoneInfo) -> list[dict[str, Any]]:
    return [
        cell_of(column, value, report.currency, zone)
        for column, value in zip(rows.columns, row, strict=True)
        if column["label"]
    ]


def cell_of(column: dict[str, Any], value: Any, currency: str, zone: ZoneInfo) -> dict[str, Any]:
    """A frozen cell for people: text, address, and whether it is a number."""
    url = ""
    if column["is_linked"]:
        value, url = value
    if column["is_money_elsewhere"]:
        value, currency = value
    kind = column["kind"]
    if kind in ("time", "date") and value:
        value = datetime.fromisoformat(value)
    return {
        "text": words.cell_text(kind, value, currency, zone),
        "url": url,
        "is_number": kind in ("money", "count", "share", "days", "hours", "minutes"),
    }
