"""The weekly report: its page, its figures, its files."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST

from alignment.actions.report.publish_report import PublishRefused, WeekNotOver, publish_report
from alignment.actions.report.render_report import PdfUnavailable, present_report, render_pdf, restatements
from alignment.models import ReportRows, WeeklyReport
from alignment.queries.report import (
    are_rows_sealed,
    last_whole_week,
    may_publish,
    newest_looks,
    standing,
)
from alignment.views.report_file import report_csv, report_xlsx
from alignment.views.report_readers import for_readers, report_of
from leads.figures import words
from leads.figures.base import Definition, Scope, UnknownFigure, definition, figure
from leads.forms.as_of import exact
from leads.models import Company
from leads.past.snapshot import BeforeMemory, refuse_before_memory
from leads.pure import words as plain
from leads.pure.week import Period, Week, days_label, local_date
from leads.views.doors import SignedInRequest

PAGE_SIZE = 50
LISTED = 26


@for_readers
@require_GET
def weekly_report_latest(request: SignedInRequest) -> HttpResponse:
    """The newest report; without any, why there is none and how to get one."""
    report = WeeklyReport.objects.order_by("-week").first()
    if report is not None:
        return redirect(report)
    return render(request, "alignment/report/weekly_report_empty.html", _publishing(request))


@for_readers
@require_GET
def weekly_report_list(request: SignedInRequest) -> HttpResponse:
    """Every published report, newest first."""
    rows = WeeklyReport.objects.order_by("-week").defer("content")
    page = Paginator(rows, LISTED).get_page(request.GET.get("page"))
    known = {report.pk: report for report in WeeklyReport.objects.filter(pk__in=[row.pk for row in page])}
    listed = [
        {
            "report": report,
            "week": Week.parse(report.week),
            "headline": report.content["headline"],
            "won": _text_of(report, "pipeline.won"),
            "mqls": _text_of(report, "leads.mqls"),
            "restated": sum(row.is_correction for row in standing(newest_looks(report).values())),
        }
        for report in known.values()
    ]
    listed.sort(key=lambda row: row["report"].week, reverse=True)
    return render(
        request, "alignment/report/weekly_report_list.html", {"page": page, "rows": listed, **_publishing(request)}
    )


@for_readers
@require_GET
def weekly_report(request: SignedInRequest, week: str) -> HttpResponse:
    """One week as it was published; ``export`` gives it as pdf, xlsx or csv."""
    report = report_of(week)
    match request.GET.get("export"):
        case "pdf":
            return _pdf(request, report)
        case "xlsx":
            return report_xlsx(report)
        case "csv":
            return report_csv(report)
    return render(
        request, "alignment/report/weekly_report.html", {**present_report(report=report), **_neighbours(report)}
    )


@for_readers
@require_GET
def report_pdf(request: SignedInRequest, week: str) -> HttpResponse:
    """The report on two A4 pages."""
    return _pdf(request, report_of(week))


@login_required
@require_POST
def report_publish(request: SignedInRequest) -> HttpResponse:
    """Publish the last whole week now."""
    at = timezone.now()
    try:
        report = publish_report(week=last_whole_week(at, Company.current()), by=request.user)
    except PublishRefused as refusal:
        raise PermissionDenied(str(refusal)) from refusal
    except WeekNotOver as refusal:
        messages.error(request, str(refusal))
        return redirect("alignment:weekly-report-latest")
    messages.success(request, f"The report of week {report.week} is published. It never changes from here on.")
    return redirect(report)


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
    listed = _only(rows, only)
    page = Paginator(listed, PAGE_SIZE).get_page(request.GET.get("page"))
    zone = ZoneInfo(report.time_zone)
    context = {
        "report": report,
        "entry": key,
        "about": about,
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
        "only_total": _only_total(rows, listed, report.currency) if only else "",
        "is_sealed": are_rows_sealed(report, rows),
        "restated": [row for row in restatements(report=report) if row["entry"] == key and row["item"] in ("", only)],
        "today": _today(report, about, timezone.now()),
    }
    return render(request, "alignment/report/report_figure.html", context)


# --- behind the pages ------------------------------------------------------------------------------------------------


def _publishing(request: SignedInRequest) -> dict[str, Any]:
    week = last_whole_week(timezone.now(), Company.current())
    is_missing = not WeeklyReport.objects.filter(week=str(week)).exists()
    return {"next_week": week, "may_publish": is_missing and may_publish(request.user)}


def _neighbours(report: WeeklyReport) -> dict[str, Any]:
    others = WeeklyReport.objects.only("week")
    return {
        "previous_report": others.filter(week__lt=report.week).order_by("-week").first(),
        "next_report": others.filter(week__gt=report.week).order_by("week").first(),
    }


def _text_of(report: WeeklyReport, entry: str) -> str:
    about = report.content["figures"].get(entry)
    return about["text"] if about else plain.MISSING


def _pdf(request: SignedInRequest, report: WeeklyReport) -> HttpResponse:
    try:
        made = render_pdf(report=report, company_name=Company.current().name)
    except PdfUnavailable as refusal:
        return render(
            request, "alignment/report/report_pdf_missing.html", {"report": report, "why": str(refusal)}, status=503
        )
    name = f'attachment; filename="weekly-report-{report.week}.pdf"'
    return HttpResponse(made, content_type="application/pdf", headers={"Content-Disposition": name})


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
        facts.append(("Method", f"{report.content['method'].replace('_', ' ')}, {report.content['basis']} basis"))
    return facts


def _today(report: WeeklyReport, about: dict[str, Any], at: datetime) -> dict[str, Any]:
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
    )
    found = figure(about["figure"], scope)
    return {
        "text": words.exact_text(found),
        "is_same": found.value == about["value"],
        "published_url": _published_url(report, meaning, scope),
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
        return f"{reverse('leads:figure', args=[meaning.key])}?{urlencode(scope.query())}"
    except NoReverseMatch:
        return ""


def _published_url(report: WeeklyReport, meaning: Definition, scope: Scope) -> str:
    """The same question as of the publication; nothing where history began only later."""
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


def _only_total(rows: ReportRows, listed: list[list[Any]], currency: str) -> str:
    place = next((place for place, column in enumerate(rows.columns) if column["is_amount"]), None)
    if place is None or rows.columns[place]["kind"] != "money":
        return ""
    return plain.money_exact(sum(row[place] or 0 for row in listed), currency)


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
    return {
        "text": _text(kind, value, currency, zone),
        "url": url,
        "is_number": kind in ("money", "count", "share", "days", "hours"),
    }


def _text(kind: str, value: Any, currency: str, zone: ZoneInfo) -> str:
    if value is None or value == "":
        return plain.MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    match kind:
        case "money":
            return plain.money_exact(value, currency)
        case "share":
            return plain.share(value)
        case "count":
            return plain.count(value)
        case "days" | "hours":
            return f"{value:,.1f}"
        case "time" | "date":
            there = datetime.fromisoformat(value)
            # A plain day has no zone to move it by.
            there = there.astimezone(zone) if there.tzinfo else there
            return f"{there:%-d %b %Y, %H:%M}" if kind == "time" else f"{there:%-d %b %Y}"
    return str(value)
