"""What reports recommend: all of it by state, and the door by which it is decided."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from alignment.actions.report.decide_recommendation import decide_recommendation
from alignment.actions.report.present_recommendations import CHOICES, kept, present_kept, standing
from alignment.models import Recommendation
from alignment.queries.report import may_decide, may_read_reports
from leads.models import Company
from leads.past.span import moment
from leads.views.doors import SignedInRequest, allowed, telling
from leads.views.list_file import list_file, money_cells
from leads.views.past import asked_as_of

PAGE_SIZE = 8
State = Recommendation.State
_HEADER = ("Week", "Recommendation", "Kind", "State", "By", "Closed", "Reason")
_GROUNDS = ("Grounds", "Sample", "Capacity", "At most", "Currency")


@login_required
@require_GET
@asked_as_of
def recommendations(request: SignedInRequest) -> HttpResponse:
    """Every recommendation, the newest first; ``state`` keeps one state, by itself the open ones."""
    user, state = request.user, _state(request)
    rows = Recommendation.objects.order_by("-week", "position")
    chosen = rows.filter(state=state) if state else rows
    sees_grounds = may_read_reports(user)
    header = (*_HEADER, *_GROUNDS) if sees_grounds else _HEADER
    if made := list_file(request, f"recommendations {state}".strip(), header, lambda: _lines(chosen, sees_grounds)):
        return made
    page = Paginator(chosen, PAGE_SIZE).get_page(request.GET.get("page"))
    tz = Company.current().tz
    context = {
        "page": page,
        "rows": [{**present_kept(kept=kept(row=row)), **standing(row=row, tz=tz)} for row in page],
        "states": _states(rows, state),
        "state": state,
        "sees_grounds": sees_grounds,
        "may_decide": may_decide(user) and moment() is None,
        "choices": CHOICES,
    }
    return render(request, "alignment/report/recommendations.html", context)


@login_required
@require_POST
def recommendation_decide(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Decide or dismiss, with a reason; then back to the page it was decided on."""
    user = allowed(request, may_decide, "Marketing directors, sales leaders and admins decide about recommendations.")
    row = get_object_or_404(Recommendation, public_id=public_id)
    is_dismissed = request.POST.get("outcome") == "dismissed"
    with telling(request):
        reason = str(request.POST.get("reason", ""))
        decide_recommendation(recommendation=row, is_dismissed=is_dismissed, by=user, reason=reason, at=timezone.now())
        messages.success(request, "Dismissed, with the reason." if is_dismissed else "The decision is kept.")
    return redirect(f"{_back(request)}#recommendation-{row.public_id}")


def _state(request: SignedInRequest) -> str:
    asked = request.GET.get("state", State.OPEN)
    return asked if asked in State.values else "" if asked == "all" else str(State.OPEN)


def _states(rows: QuerySet[Recommendation], state: str) -> list[tuple[str, str, int, bool]]:
    counted = dict(rows.order_by().values_list("state").annotate(number=Count("pk")))
    found = [(value, label, counted.get(value, 0), state == value) for value, label in State.choices]
    return [*found, ("all", "All", sum(counted.values()), not state)]


def _lines(rows: QuerySet[Recommendation], sees_grounds: bool) -> Iterator[tuple[Any, ...]]:
    for row in rows.iterator(chunk_size=500):
        told = (row.week, row.question, row.get_kind_display(), row.get_state_display())
        line = (*told, row.closed_by_name, row.closed_at, row.reason)
        more = (row.grounds, row.caution, row.capacity, *money_cells(row.amount_cents, row.currency))
        yield (*line, *more) if sees_grounds else line


def _back(request: SignedInRequest) -> str:
    """The page of ours that the form stood on."""
    given = str(request.POST.get("next", ""))
    is_ours = given.startswith("/") and url_has_allowed_host_and_scheme(given, allowed_hosts=None)
    return given if is_ours else reverse("alignment:recommendations")
