"""Dry runs and comparisons: asked for, watched, and read. The last step before a connection is switched on."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from integrations.actions.jobs.plan_trials import newest_trial, plan_trial
from integrations.connectors import vendor as vendor_of
from integrations.models import StageMap, SyncRun
from integrations.queries.runs import (
    COMPARISON,
    DRY_RUN,
    JOBS,
    count_words,
    duration_words,
    job_label,
    outcome_counts,
    tone_of,
)
from integrations.queries.setup import gaps, has_trial
from integrations.tasks import nudge_trials
from integrations.views.doors import editable_connection, steps, visible_connection
from leads.models import JobRun, Lead
from leads.views.doors import SignedInRequest
from leads.views.progress import progress_answer


@login_required
@require_http_methods(["GET", "POST"])
def connection_dry_run(request: SignedInRequest, slug: str) -> HttpResponse:
    """What a sync would do, record by record; nothing is written on either side."""
    connection = editable_connection(request, slug)
    if request.method == "POST":
        plan_trial(connection=connection, what=DRY_RUN, by=request.user, at=timezone.now())
        nudge_trials()
        return redirect("integrations:connection-dry-run", connection.slug)
    runs = SyncRun.objects.filter(connection=connection, direction=SyncRun.Direction.DRY_RUN)
    run = runs.order_by("-pk").first()
    context = {
        "connection": connection,
        "vendor": vendor_of(connection.kind),
        "job": newest_trial(connection=connection, what=DRY_RUN),
        "job_label": "Dry run",
        "run": run,
        "tone": tone_of(run.state) if run else "",
        "counts": count_words(run) if run else "",
        "took": duration_words(run) if run else "",
        "outcomes": outcome_counts(run) if run else [],
        "leads": Lead.objects.live().count(),
        "unmapped": StageMap.objects.filter(connection=connection, stage__isnull=True).count(),
        "gaps": gaps(connection),
        "is_tried": has_trial(connection),
        "steps": steps("connection-dry-run", connection),
    }
    return render(request, "integrations/connection_dry_run.html", context)


@login_required
@require_POST
def connection_compare(request: SignedInRequest, slug: str) -> HttpResponse:
    """Compare both sides now instead of at night."""
    connection = editable_connection(request, slug)
    plan_trial(connection=connection, what=COMPARISON, by=request.user, at=timezone.now())
    nudge_trials()
    messages.info(request, "The comparison begins as soon as a worker is free. You can leave this page.")
    return redirect(connection)


@login_required
@require_GET
def connection_job(request: SignedInRequest, slug: str, job_id: uuid.UUID) -> HttpResponse:
    """How far a sync, back-fill, dry run or comparison is."""
    connection = visible_connection(request, slug)
    job = get_object_or_404(JobRun, kind__in=JOBS, public_id=job_id, period__startswith=f"{connection.slug} ")
    context = {"connection": connection, "job": job, "job_label": job_label(job)}
    return progress_answer(request, "integrations/_job.html", context, is_moving=job.is_unfinished)
