"""Leads in the order to take them, each with the reason; views, columns, and what is done with many at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from leads.models import Company, Lead, Qualification
from leads.past.deemed import deemed_now
from leads.queries.next_step import next_step
from leads.queries.scoring import bring_up_to_date
from leads.views.doors import SignedInRequest
from leads.views.filters import refused_filters
from leads.views.lead_rows import COLUMNS, chosen_columns, lead_rows
from leads.views.list_file import list_file
from leads.views.list_views import bulk_bar, default_view, view_menu
from leads.views.past import asked_as_of, has_filters

PAGE_SIZE = 25
_HEADER = (
    "Lead", "Job title", "Company", "Email", "Next step", "Score", "Stage", "Owner", "Territory", "First channel",
    "Created", "ID", "Qualified", "Qualified by", "Qualification answers",
)  # fmt: skip


@login_required
@require_GET
@asked_as_of
@has_filters
def lead_list(request: SignedInRequest) -> HttpResponse:
    """A rep's own leads; everybody's for those who see all."""
    user, at = request.user, deemed_now()
    if not request.GET and (first := default_view(user, "leads")):
        return redirect(f"{request.path}?{first.query}")
    filters, found = lead_rows(request, request.GET, at)
    if refusal := refused_filters(request, filters.form, title="Leads"):
        return refusal
    if made := list_file(request, "leads", _HEADER, lambda: _lines(found, at)):
        return made
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    tz = Company.current().tz
    bring_up_to_date(list(page), at.astimezone(tz).date(), tz)
    columns = chosen_columns(request.GET, is_own=not user.sees_all)
    context = {
        "filter": filters,
        "page": page,
        "columns": columns,
        "all_columns": [(column, column in columns) for column in COLUMNS],
        "rows": [(lead, [(column, column.value(lead, at)) for column in columns]) for lead in page],
        "is_own": not user.sees_all,
        **bulk_bar(request, "leads"),
        **view_menu(request, "leads"),
    }
    return render(request, "leads/lead/lead_list.html", context)


def _lines(leads: QuerySet[Lead], at: datetime) -> Iterator[tuple[Any, ...]]:
    answered = Qualification.objects.select_related("by").order_by("pk")
    rows = leads.prefetch_related(Prefetch("qualifications", answered))
    for lead in rows.iterator(chunk_size=2_000):
        names = (lead.display_name, lead.job_title, lead.company, lead.email, next_step(lead, at)[0], lead.score)
        where = (lead.get_stage_display(), lead.owned_by, lead.territory, lead.channel)
        yield (*names, *where, lead.captured_at, str(lead.public_id), *_qualified(lead))


def _qualified(lead: Lead) -> tuple[Any, ...]:
    newest = max(lead.qualifications.all(), key=lambda each: each.pk, default=None)
    if newest is None:
        return None, "", ""
    return newest.qualified_at, newest.by, "; ".join(f"{each['label']} {each['answer']}" for each in newest.answers)
