"""One run and what it did to each record, and its undo."""

from __future__ import annotations

import uuid
from collections import Counter
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from integrations.actions.preview_undo import preview_undo
from integrations.actions.undo_run import NotUndoable, undo_run
from integrations.forms.records import RecordFilter
from integrations.models import Connection, SyncRecord, SyncRun
from integrations.pure.record_links import record_url
from integrations.queries import count_words, duration_words, outcome_counts, tone_of
from integrations.views.doors import editable_connection, may_edit, visible_connection
from leads.models import User

RECORDS_A_PAGE = 50
FOREIGN_SHOWN = 100


@login_required
@require_GET
def sync_run(request: HttpRequest, slug: str, run_id: uuid.UUID) -> HttpResponse:
    """The records of a run by outcome, kind and way, each with its fields before and after."""
    connection = visible_connection(request, slug)
    runs = SyncRun.objects.select_related("undoes", "undone_by")
    run = get_object_or_404(runs, connection=connection, public_id=run_id)
    counts = outcome_counts(run)
    outcomes, kinds = Counter[str](), Counter[str]()
    for row in counts:
        outcomes[row["outcome"]] += row["number"]
        kinds[row["kind"]] += row["number"]
    form = RecordFilter(request.GET, outcomes=outcomes, kinds=kinds)
    rows = SyncRecord.objects.filter(run=run).select_related("lead", "opportunity", "account", "campaign")
    if form.is_valid():
        rows = rows.filter(**{name: value for name, value in form.cleaned_data.items() if value})
    page = Paginator(rows.order_by("pk"), RECORDS_A_PAGE).get_page(request.GET.get("page"))
    undo = SyncRun.objects.filter(undoes=run).order_by("-pk").first() if run.undone_at else None
    context = {
        "connection": connection,
        "run": run,
        "tone": tone_of(run.state),
        "duration": duration_words(run),
        "form": form,
        "page_obj": page,
        "records": record_rows(page, connection),
        "undo": undo,
        "can_undo": may_edit(request) and _is_undoable(run),
    }
    return render(request, "integrations/sync_run.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def sync_run_undo(request: HttpRequest, slug: str, run_id: uuid.UUID) -> HttpResponse:
    """What an undo would restore and what not, and the button that does it."""
    connection = editable_connection(request, slug)
    run = get_object_or_404(SyncRun, connection=connection, public_id=run_id)
    by, at = cast(User, request.user), timezone.now()
    try:
        if request.method == "POST":
            undo = undo_run(run_id=run.pk, by=by, at=at)
            messages.success(request, f"Undone: {undo.note}")
            return redirect("integrations:sync-run", connection.slug, undo.public_id)
        told = preview_undo(run_id=run.pk, by=by, at=at)
    except NotUndoable as reason:
        messages.error(request, str(reason))
        return redirect("integrations:sync-run", connection.slug, run.public_id)
    back = [each for each in told if each.outcome != SyncRecord.Outcome.KEPT]
    # Records of which a part goes back and a part was changed since stand in both lists.
    partly = [each for each in back if each.outcome == SyncRecord.Outcome.RESTORED and each.note]
    kept = [*(each for each in told if each.outcome == SyncRecord.Outcome.KEPT), *partly]
    context = {
        "connection": connection,
        "run": run,
        "counts": count_words(run),
        "back": record_rows(back[:FOREIGN_SHOWN], connection),
        "kept": record_rows(kept[:FOREIGN_SHOWN], connection),
        "back_number": len(back),
        "kept_number": len(kept),
    }
    return render(request, "integrations/sync_run_undo.html", context)


def record_rows(records: Any, connection: Connection) -> list[dict[str, Any]]:
    """Records for the table: whose, where it is over there, and (field, before, after)."""
    account_id = str(connection.account.get("id", ""))
    return [
        {
            "record": record,
            "tone": tone_of(record.outcome),
            "is_new": record.outcome in (SyncRecord.Outcome.CREATED, SyncRecord.Outcome.WOULD_CREATE),
            "name": _name(record),
            "url": _url(record),
            "remote_url": record_url(
                vendor=connection.kind,
                base_url=connection.base_url,
                account_id=account_id,
                kind=record.kind,
                remote_id=record.remote_id,
            ),
            "changes": [_change(name, *pair) for name, pair in record.changes.items()],
        }
        for record in records
    ]


def _name(record: SyncRecord) -> str:
    whose = record.lead or record.opportunity or record.account or record.campaign
    return str(whose) if whose else ""


def _url(record: SyncRecord) -> str:
    if record.lead:
        return record.lead.get_absolute_url()
    if record.opportunity:
        return record.opportunity.get_absolute_url()
    return ""


def _change(name: str, before: Any, after: Any) -> tuple[str, Any, Any]:
    """A field with what it was and becomes; an undo names columns, of which cents are read as money."""
    shown = name.replace("properties.", "").replace("attributes.", "")
    if shown.endswith("_cents"):
        return shown.removesuffix("_cents"), _money(before), _money(after)
    return shown, before, after


def _money(cents: Any) -> str:
    return f"{int(cents) / 100:,.2f}" if str(cents).lstrip("-").isdecimal() else str(cents or "")


def _is_undoable(run: SyncRun) -> bool:
    is_over = run.state != SyncRun.State.RUNNING and run.undone_at is None
    return run.direction == SyncRun.Direction.PULL and is_over and bool(run.created or run.updated)
