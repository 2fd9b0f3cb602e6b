"""Leads in the order to take them, each with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from leads.filters.search import LeadPageFilter
from leads.models import Company, FollowUp, Lead, Stage
from leads.past.deemed import deemed_now
from leads.pure.words import days
from leads.queries.lead import by_next_step
from leads.queries.scoring import bring_up_to_date
from leads.views.doors import SignedInRequest
from leads.views.filters import refused_filters
from leads.views.list_file import list_file
from leads.views.past import asked_as_of, has_filters

PAGE_SIZE = 25
_HEADER = (
    "Lead", "Job title", "Company", "Email", "Next step", "Score",
    "Stage", "Owner", "Territory", "First channel", "Created", "ID",
)  # fmt: skip
_SORTS = {
    "name": ("last_name", "first_name", "pk"),
    "score": ("score", "pk"),
    "stage": ("stage", "pk"),
    "captured": ("captured_at", "pk"),
}


@login_required
@require_GET
@asked_as_of
@has_filters
def lead_list(request: SignedInRequest) -> HttpResponse:
    """A rep's own leads; everybody's for those who see all."""
    user, at = request.user, deemed_now()
    visible = Lead.objects.visible_to(user)
    filters = LeadPageFilter(request.GET, queryset=visible, request=request)
    if refusal := refused_filters(request, filters.form, title="Leads"):
        return refusal
    found = _sorted(filters.qs, request.GET.get("sort", ""), at)
    if made := list_file(request, "leads", _HEADER, lambda: _lines(found, at)):
        return made
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    tz = Company.current().tz
    bring_up_to_date(list(page), at.astimezone(tz).date(), tz)
    rows = [(lead, next_step(lead, at)) for lead in page]
    context = {"filter": filters, "page": page, "rows": rows, "is_own": not user.sees_all}
    return render(request, "leads/lead/lead_list.html", context)


def _lines(leads: QuerySet[Lead], at: datetime) -> Iterator[tuple[Any, ...]]:
    for lead in leads.iterator(chunk_size=2_000):
        names = (lead.display_name, lead.job_title, lead.company, lead.email, next_step(lead, at)[0], lead.score)
        where = (lead.get_stage_display(), lead.owned_by, lead.territory, lead.channel)
        yield (*names, *where, lead.captured_at, str(lead.public_id))


def _sorted(leads: QuerySet[Lead], sort: str, at: datetime) -> QuerySet[Lead]:
    ordered = by_next_step(leads, at).select_related("owner", "territory", "channel")
    if fields := _SORTS.get(sort.removeprefix("-")):
        sign = "-" if sort.startswith("-") else ""
        ordered = ordered.order_by(*(sign + field for field in fields))
    return ordered


def next_step(lead: Any, at: datetime) -> tuple[str, str]:
    """What to do with a lead from :func:`by_next_step`, in words, and the tone (bad, warn, accent or none)."""
    kind = FollowUp.Kind(lead.step_kind).label if lead.step_kind else ""
    if lead.step_rank == 0:
        return f"{kind} overdue by {_span(at - lead.step_due_at)}", "bad"
    if lead.step_rank == 1:
        promise = f", {kind.lower()} due in {_span(lead.step_due_at - at)}" if kind else ""
        return f"Accept or reject this MQL{promise}", "warn"
    if lead.step_rank == 2:
        return f"{kind} due in {_span(lead.step_due_at - at)}", "accent"
    if lead.stage in (Stage.SAL, Stage.SQL):
        return "No next contact is planned", "warn"
    return "Nothing is due", ""


def _span(delta: Any) -> str:
    return days(round(delta.total_seconds() / 86_400, 2))
