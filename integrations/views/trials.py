"""Dry runs and comparisons: asked for, watched, and read. The last step before a connection is switched on."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from integrations.actions.jobs import plan_syncs, plan_trials
from integrations.actions.jobs.plan_trials import COMPARISON, DRY_RUN, UNDO, newest_trial, plan_trial
from integrations.actions.push import back_fill
from integrations.connectors import vendor as vendor_of
from integrations.models import Connection, StageMap, SyncRun
from integrations.queries.runs import count_words, duration_words, outcome_counts, tone_of
from integrations.tasks import nudge_trials
from integrations.views.doors import editable_connection, steps, visible_connection
from leads.models import JobRun, Lead
from leads.views.doors import SignedInRequest
from leads.views.progress import progress_answer

# Jobs that people watch on a connection's pages.
LABELS = {
    plan_syncs.KIND: "Sync",
    back_fill.KIND: "Writing down which leads go to the CRM",
    f"{plan_trials.KIND} {DRY_RUN}": "Dry run",
    f"{plan_trials.KIND} {COMPARISON}": "Comparison",
    f"{plan_trials.KIND} {UNDO}": "Undo",
}


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
    kinds = (plan_syncs.KIND, back_fill.KIND, plan_trials.KIND)
    job = get_object_or_404(JobRun, kind__in=kinds, public_id=job_id, period__startswith=f"{connection.slug} ")
    context = {"connection": connection, "job": job, "job_label": job_label(job)}
    return progress_answer(request, "integrations/_job.html", context, is_moving=job.is_unfinished)


def job_label(job: JobRun) -> str:
    """What a job is, for people."""
    what = "".join(job.period.split(" ")[1:2])
    sort = UNDO if what.startswith(f"{UNDO}-") else what
    return LABELS.get(job.kind) or LABELS.get(f"{job.kind} {sort}", "Job")


def jobs_of(connection: Connection) -> list[tuple[JobRun, str]]:
    """The newest sync, and whatever else is waiting, under way or has just failed; in one query."""
    kinds = (plan_syncs.KIND, back_fill.KIND, plan_trials.KIND)
    rows = JobRun.objects.filter(kind__in=kinds, period__startswith=f"{connection.slug} ").order_by("-pk")[:20]
    shown: dict[str, JobRun] = {}
    for job in rows:
        shown.setdefault(job_label(job), job)
    is_open = (JobRun.State.WAITING, JobRun.State.RUNNING, JobRun.State.FAILED)
    return [(job, label) for label, job in shown.items() if job.kind == plan_syncs.KIND or job.state in is_open]
