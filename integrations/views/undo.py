"""The undo of a pull: what it would take back and what not, the button that begins it, and how far it is."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from integrations.actions.jobs.plan_trials import newest_undo, plan_undo
from integrations.actions.undo.decide_undo import Decision, NotUndoable, preview_undo
from integrations.actions.undo.undo_run import told
from integrations.models import SyncRecord, SyncRun
from integrations.queries.change_words import names_in
from integrations.queries.runs import count_words
from integrations.tasks import nudge_trials
from integrations.views.doors import editable_connection
from integrations.views.record_table import KINDS, RECORDS_A_PAGE, Tab, record_rows
from leads.views.doors import SignedInRequest


@login_required
@require_http_methods(["GET", "POST"])
def sync_run_undo(request: SignedInRequest, slug: str, run_id: uuid.UUID) -> HttpResponse:
    """A look at every decision; the undo itself is done in the background."""
    connection = editable_connection(request, slug)
    run = get_object_or_404(SyncRun.objects.select_related("connection"), connection=connection, public_id=run_id)
    at = timezone.now()
    done = SyncRun.objects.filter(undoes=run).order_by("-pk").first() if run.undone_at else None
    if done is not None:
        return redirect("integrations:sync-run", connection.slug, done.public_id)
    try:
        if request.method == "POST":
            plan_undo(run=run, by=request.user, at=at)
            nudge_trials()
            return redirect(request.path)
        job = newest_undo(run=run)
        if job is not None and job.is_unfinished:
            context = {"connection": connection, "run": run, "job": job, "job_label": "Undo"}
            return render(request, "integrations/sync_run_undo.html", context)
        decisions = preview_undo(run_id=run.pk, at=at)
    except NotUndoable as reason:
        messages.error(request, str(reason))
        return redirect("integrations:sync-run", connection.slug, run.public_id)
    context = {"connection": connection, "run": run, "failed": job, "counts": count_words(run)}
    return render(request, "integrations/sync_run_undo.html", context | _listed(request, decisions, run))


def _listed(request: SignedInRequest, decisions: Sequence[Decision], run: SyncRun) -> dict[str, Any]:
    """One page of the decisions, with counts by what would happen and by kind."""
    what, kind = request.GET.get("what", ""), request.GET.get("kind", "")
    parts = {"": decisions, "back": [each for each in decisions if each.is_back]}
    parts["stays"] = [each for each in decisions if not each.is_back or each.note]
    words = {"": "All", "back": "Goes back", "stays": "Stays, wholly or in part"}
    chosen = parts.get(what, decisions)
    kinds = Counter(each.noted.kind for each in chosen)
    shown = [each for each in chosen if kind in ("", each.noted.kind)]
    page = Paginator(shown, RECORDS_A_PAGE).get_page(request.GET.get("page"))
    return {
        "back_number": len(parts["back"]),
        "kept_number": sum(not each.is_back for each in decisions),
        "whats": [Tab(key, words[key], len(some), key == what) for key, some in parts.items()],
        "kinds": [
            Tab("", "All kinds", len(chosen), not kind),
            *(Tab(key, KINDS.get(key, key), number, key == kind) for key, number in sorted(kinds.items())),
        ],
        "page_obj": page,
        "records": record_rows(_named(list(page), run), run.connection),
    }


def _named(decisions: Sequence[Decision], run: SyncRun) -> list[SyncRecord]:
    """Decisions as records, with what they are about, in one query for each sort."""
    names, at = names_in(each.noted.written for each in decisions if each.back), timezone.now()
    records = [told(decision=each, undo=run, at=at, names=names) for each in decisions]
    prefetch_related_objects(records, "lead", "opportunity", "account", "campaign")
    return records
