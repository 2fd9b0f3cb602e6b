"""The ledger of a report: what reads differently since it came out, row by row."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from alignment.actions.report.present_restatements import present_restatements
from alignment.views.report_readers import for_readers, report_of
from leads.views.doors import SignedInRequest
from leads.views.list_file import list_file

_HEADER = ("Figure", "Published", "Now", "Correction", "Why", "Noticed")


@for_readers
@require_GET
def report_restatements(request: SignedInRequest, week: str) -> HttpResponse:
    """Every restated number with its causes and rows; ``figure`` and ``item`` show one number with all its rows."""
    report = report_of(week)
    entry, item = request.GET.get("figure", ""), request.GET.get("item", "")
    numbers = present_restatements(report=report, entry=entry, item=item)
    if made := list_file(request, f"restatements {report.week}", _HEADER, lambda: map(_line, numbers)):
        return made
    context = {
        "report": report,
        "is_one": bool(entry),
        "corrections": [number for number in numbers if number["is_correction"]],
        "aged": [number for number in numbers if not number["is_correction"]],
        "noticed_at": max((number["noticed_at"] for number in numbers), default=None),
    }
    return render(request, "alignment/report/report_restatements.html", context)


def _line(number: dict[str, Any]) -> tuple[Any, ...]:
    told = (number["name"], number["published_text"], number["current_text"])
    return (*told, number["is_correction"], number["cause"], number["noticed_at"])
