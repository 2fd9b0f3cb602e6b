"""What an admin does on a connection's page: sync, check, requeue, map, replace the secret."""

from __future__ import annotations

import secrets
import uuid
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from integrations.actions.check_connection import check_connection
from integrations.actions.edit_connection import map_stages, replace_secret
from integrations.actions.plan_syncs import KIND, plan_manual_sync
from integrations.actions.requeue import requeue_pushes
from integrations.forms import SecretForm, StageMapForm
from integrations.models import StageMap
from integrations.tasks import nudge_sync
from integrations.views.connections import detail_page, editable_connection, visible_connection
from leads.models import JobRun, User


@login_required
@require_POST
def connection_sync(request: HttpRequest, slug: str) -> HttpResponse:
    """Plan a sync for now and ask a worker to begin."""
    connection = editable_connection(request, slug)
    job = plan_manual_sync(connection=connection, by=cast(User, request.user), at=timezone.now())
    nudge_sync(job.pk)
    messages.info(request, "The sync begins as soon as a worker is free. You can leave this page.")
    return redirect(connection)


@login_required
@require_GET
def connection_sync_state(request: HttpRequest, slug: str, job_id: uuid.UUID) -> HttpResponse:
    """How far a sync is."""
    connection = visible_connection(request, slug)
    job = get_object_or_404(JobRun, kind=KIND, public_id=job_id, period__startswith=f"{connection.slug} ")
    answer = render(request, "integrations/_sync_job.html", {"connection": connection, "job": job})
    if job.state in (JobRun.State.DONE, JobRun.State.FAILED):
        answer["HX-Refresh"] = "true"  # the tiles, queues and runs around it have changed with it
    return answer


@login_required
@require_POST
def connection_check(request: HttpRequest, slug: str) -> HttpResponse:
    """Try the connection once."""
    connection = editable_connection(request, slug)
    checked = check_connection(connection_id=connection.pk, at=timezone.now(), seed=secrets.randbits(32))
    (messages.success if checked.is_ok else messages.error)(request, checked.words)
    return redirect(connection)


@login_required
@require_POST
def connection_requeue(request: HttpRequest, slug: str) -> HttpResponse:
    """Send a failed record again, or all of them."""
    connection = editable_connection(request, slug)
    one = request.POST.get("push", "")
    chosen = None if one == "all" else [int(one)] if one.isdecimal() and len(one) < 19 else []
    number = requeue_pushes(connection_id=connection.pk, at=timezone.now(), push_ids=chosen)
    word = "record is" if number == 1 else "records are"
    messages.success(request, f"{number} {word} queued again and will be sent within minutes.")
    return redirect(connection)


@login_required
@require_POST
def connection_stages(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose what the CRM's stages mean."""
    connection = editable_connection(request, slug)
    rows = list(StageMap.objects.filter(connection=connection).order_by("pk"))
    form = StageMapForm(rows, request.POST)
    if not form.is_valid():
        return detail_page(request, connection, status=422, stage_form=form)
    changed = map_stages(connection_id=connection.pk, choices=form.choices())
    if changed:
        messages.success(request, "The mapping is saved. The next sync reads all deals again under it.")
    else:
        messages.info(request, "Nothing was different.")
    return redirect(connection)


@login_required
@require_POST
def connection_secret(request: HttpRequest, slug: str) -> HttpResponse:
    """Replace the secret and try it."""
    connection = editable_connection(request, slug)
    form = SecretForm(request.POST)
    if not form.is_valid():
        return detail_page(request, connection, status=422, secret_form=form)
    replace_secret(connection_id=connection.pk, secret=form.cleaned_data["secret"], at=timezone.now())
    checked = check_connection(connection_id=connection.pk, at=timezone.now(), seed=secrets.randbits(32))
    (messages.success if checked.is_ok else messages.error)(request, f"The secret is replaced. {checked.words}")
    return redirect(connection)
