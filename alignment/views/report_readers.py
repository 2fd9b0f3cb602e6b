"""Who may open pages of reports, and which report an address means."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse

from alignment.models import WeeklyReport
from alignment.queries.report import may_read_reports
from leads.pure.week import Week
from leads.views.doors import SignedInRequest

P = ParamSpec("P")
View = Callable[Concatenate[SignedInRequest, P], HttpResponse]


def for_readers(view: View[P]) -> View[P]:
    """Signed in and allowed to read about the whole company."""

    @login_required
    @wraps(view)
    def checked(request: SignedInRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not may_read_reports(request.user):
            raise PermissionDenied("Reports are about the whole company.")
        return view(request, *args, **kwargs)

    return cast("View[P]", checked)


def report_of(week: str) -> WeeklyReport:
    """The report of a week. Raises Http404."""
    try:
        Week.parse(week)
    except ValueError as error:
        raise Http404(str(error)) from None
    report = WeeklyReport.objects.filter(week=week).first()
    if report is None:
        raise Http404(f"No report of {week} was published.")
    return report
