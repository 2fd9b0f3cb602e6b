"""One run and what it did to each record."""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from integrations.forms import RecordFilter
from integrations.models import SyncRecord, SyncRun
from integrations.queries import duration_words, tone_of
from integrations.views.connections import visible_connection

RECORDS_A_PAGE = 50


@login_required
@require_GET
def sync_run(request: HttpRequest, slug: str, run_id: uuid.UUID) -> HttpResponse:
    """The records of a run, by outcome."""
    connection = visible_connection(request, slug)
    run = get_object_or_404(SyncRun, connection=connection, public_id=run_id)
    form = RecordFilter(request.GET)
    rows = SyncRecord.objects.filter(run=run).select_related("lead", "opportunity").order_by("pk")
    if form.is_valid() and form.cleaned_data["outcome"]:
        rows = rows.filter(outcome=form.cleaned_data["outcome"])
    page = Paginator(rows, RECORDS_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "connection": connection,
        "run": run,
        "tone": tone_of(run.state),
        "duration": duration_words(run),
        "form": form,
        "page_obj": page,
        "records": [(record, tone_of(record.outcome)) for record in page],
    }
    return render(request, "integrations/sync_run.html", context)
