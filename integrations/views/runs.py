"""One run and what it did to each record, or would do."""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from integrations.forms.records import RecordSearch
from integrations.models import SyncRecord, SyncRun
from integrations.queries.connections import may_edit_connections
from integrations.queries.runs import duration_words, named_records, record_counts, tone_of
from integrations.views.doors import visible_connection
from integrations.views.record_table import (
    CONFLICT,
    RECORD_HEADER,
    RECORDS_A_PAGE,
    kind_tabs,
    outcome_tabs,
    record_lines,
    record_rows,
)
from leads.views.doors import SignedInRequest
from leads.views.filters import refused_filters
from leads.views.list_file import list_file


@login_required
@require_GET
def sync_run(request: SignedInRequest, slug: str, run_id: uuid.UUID) -> HttpResponse:
    """The records of a run by what became of them, kind, way and name, each with its fields before and after."""
    connection = visible_connection(request, slug)
    runs = SyncRun.objects.select_related("undoes", "undone_by")
    run = get_object_or_404(runs, connection=connection, public_id=run_id)
    counts = record_counts(run)
    outcome, kind = _asked(request, "outcome"), _asked(request, "kind")
    form = RecordSearch(request.GET)
    if refusal := refused_filters(request, form, title="Records of a run"):
        return refusal
    rows = SyncRecord.objects.filter(run=run).select_related("lead", "opportunity", "account", "campaign")
    if outcome:
        rows = rows.filter(is_conflict=True) if outcome == CONFLICT else rows.filter(outcome=outcome)
    if kind:
        name, _, way = kind.partition("-")
        rows = rows.filter(kind=name, way=way)
    if form.cleaned_data["q"]:
        rows = named_records(rows, form.cleaned_data["q"])
    if made := list_file(request, f"records {connection.slug}", RECORD_HEADER, lambda: record_lines(rows, connection)):
        return made
    page = Paginator(rows.order_by("pk"), RECORDS_A_PAGE).get_page(request.GET.get("page"))
    undo = SyncRun.objects.filter(undoes=run).order_by("-pk").first() if run.undone_at else None
    context = {
        "connection": connection,
        "run": run,
        "tone": tone_of(run.state),
        "duration": duration_words(run),
        "form": form,
        "outcomes": outcome_tabs(counts, outcome),
        "kinds": kind_tabs(counts, outcome, kind),
        "page_obj": page,
        "records": record_rows(page, connection),
        "undo": undo,
        "can_undo": may_edit_connections(request.user) and _is_undoable(run),
    }
    return render(request, "integrations/runs/sync_run.html", context)


def _asked(request: SignedInRequest, name: str) -> str:
    # PostgreSQL takes no NUL, not even to compare with.
    return request.GET.get(name, "").replace("\0", "")


def _is_undoable(run: SyncRun) -> bool:
    is_over = run.state != SyncRun.State.RUNNING and run.undone_at is None
    did = run.created or run.updated or run.drifted
    return run.direction == SyncRun.Direction.PULL and is_over and bool(did)
