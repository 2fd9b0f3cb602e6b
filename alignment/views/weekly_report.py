"""The weekly report: its page, its figures, its files."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from alignment.actions.report.keep_pdf import keep_pdf, kept_pdf
from alignment.actions.report.present_recommendations import with_states
from alignment.actions.report.publish_report import PublishRefused, WeekNotOver, publish_report
from alignment.actions.report.render_pdf import PdfUnavailable
from alignment.actions.report.render_report import present_report
from alignment.models import WeeklyReport
from alignment.queries.report import (
    last_whole_week,
    may_publish,
    newest_looks,
    standing,
)
from alignment.views.report_file import report_csv, report_xlsx
from alignment.views.report_readers import for_readers, report_of
from leads.models import Company
from leads.pure import words as plain
from leads.pure.week import Week
from leads.views.doors import SignedInRequest
from leads.views.list_file import list_file, money_cells

PAGE_SIZE = 25
LISTED = 26
_HEADER = (
    "Week", "Days", "What changed", "Decision", "Won revenue", "Currency", "MQLs", "Published", "Figures restated",
)  # fmt: skip


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
    if made := list_file(
        request, "weekly reports", _HEADER, lambda: map(_line, WeeklyReport.objects.order_by("-week"))
    ):
        return made
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
    if request.GET.get("export") == "pdf":
        return _pdf(request, week)
    report = report_of(week)
    match request.GET.get("export"):
        case "xlsx":
            return report_xlsx(report)
        case "csv":
            return report_csv(report)
    shown = present_report(report=report)
    shown |= with_states(listed=shown["recommendations"], week=week, user=request.user)
    return render(request, "alignment/report/weekly_report.html", {**shown, **_neighbours(report)})


@for_readers
@require_GET
def report_pdf(request: SignedInRequest, week: str) -> HttpResponse:
    """The report on two A4 pages."""
    return _pdf(request, week)


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


def _line(report: WeeklyReport) -> tuple[Any, ...]:
    figures, headline = report.content["figures"], report.content["headline"]
    won, mqls = (figures.get(key, {}).get("value") for key in ("pipeline.won", "leads.mqls"))
    restated = sum(row.is_correction for row in standing(newest_looks(report).values()))
    told = (report.week, report.content["days"], headline["sentence"], headline["decision"])
    return (*told, *money_cells(won, report.currency), mqls, report.published_at, restated)


def _text_of(report: WeeklyReport, entry: str) -> str:
    about = report.content["figures"].get(entry)
    return about["text"] if about else plain.MISSING


def _pdf(request: SignedInRequest, week: str) -> HttpResponse:
    made = kept_pdf(week=week)
    if made is None:
        report = report_of(week)
        try:
            made = keep_pdf(report=report, at=timezone.now())
        except PdfUnavailable as refusal:
            return render(
                request, "alignment/report/report_pdf_missing.html", {"report": report, "why": str(refusal)}, status=503
            )
    name = f'attachment; filename="weekly-report-{week}.pdf"'
    return HttpResponse(made, content_type="application/pdf", headers={"Content-Disposition": name})
