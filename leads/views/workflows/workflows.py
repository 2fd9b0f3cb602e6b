"""Workflows: the list, a new one, and one workflow with what it does and did."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leads.actions.workflows.edit_draft import WorkflowRefused
from leads.actions.workflows.version_workflow import create_workflow, rename_workflow, switch_workflow
from leads.forms.workflows import NameForm, NewWorkflowForm
from leads.models import Enrollment, WorkflowVersion
from leads.pure.refused import Refused
from leads.pure.workflows.definition import trigger_sentence
from leads.pure.workflows.ready import READY
from leads.queries.conditions import lead_catalog
from leads.queries.workflows.access import may_change_workflows
from leads.queries.workflows.log import arms_by_version, counts_by_state, mails_to_decide, workflows_with_counts
from leads.queries.workflows.names import names
from leads.queries.workflows.outline import outline
from leads.views.doors import SignedInRequest
from leads.views.list_file import list_file
from leads.views.workflows.access import workflow_of, writer

_HEADER = (
    "Workflow", "State", "Version", "Starts", "Enrolled", "Last 30 days", "Running", "Completed", "Goal reached",
    "Failed",
)  # fmt: skip
_SORTS = {"name": "name", "enrolled": "entered", "lately": "entered_lately", "running": "running", "goal": "reached"}


@login_required
@require_GET
def workflows(request: SignedInRequest) -> HttpResponse:
    """Every workflow with its state and how many went through it."""
    user, at = request.user, timezone.now()
    sort, show = request.GET.get("sort", ""), request.GET.get("show", "")
    column = F(_SORTS.get(sort.removeprefix("-"), "name"))
    rows = workflows_with_counts(user, at).order_by(column.desc() if sort.startswith("-") else column.asc(), "pk")
    if show in ("on", "off"):
        rows = rows.filter(is_on=show == "on")
    listed: list[Any] = list(rows)
    known = names()
    latest = {}
    for version in WorkflowVersion.objects.filter(workflow__in=listed).order_by("number"):
        if version.workflow_id not in latest or version.state == WorkflowVersion.State.ACTIVE:
            latest[version.workflow_id] = version
    for row in listed:
        newest = latest.get(row.pk)
        row.starts = trigger_sentence(newest.trigger, newest.settings, known) if newest else ""
        row.words = _state(row)
    cells = (
        (row.name, row.words, row.version, row.starts, row.entered, row.entered_lately, row.running, row.completed,
         row.reached, row.failed)
        for row in listed
    )  # fmt: skip
    if made := list_file(request, "workflows", _HEADER, lambda: cells):
        return made
    context = {
        "workflows": listed,
        "show": show,
        "may_change": may_change_workflows(user),
        "to_decide": mails_to_decide(user).count(),
    }
    return render(request, "leads/workflows/workflows.html", context)


def _state(row: Any) -> str:
    return "On" if row.is_on else "Paused" if row.version else "Draft"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def workflow_add(request: SignedInRequest) -> HttpResponse:
    """A new workflow, empty or from a ready one."""
    user = writer(request)
    chosen = READY.get(request.GET.get("ready", ""))
    initial = {"ready": chosen.key, "name": chosen.name, "about": chosen.about} if chosen else {}
    form = NewWorkflowForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        ready = READY.get(form.cleaned_data["ready"])
        try:
            made = create_workflow(
                name=form.cleaned_data["name"],
                about=form.cleaned_data["about"] or (ready.about if ready else ""),
                by=user,
                at=timezone.now(),
                ready=ready,
            )
        except WorkflowRefused as refused:
            form.add_error("name", str(refused))
        else:
            messages.success(request, f"“{made.name}” is a draft: look it through, try it on a lead, then activate it.")
            return redirect("leads:workflow-version", made.public_id, 1)
    context = {"form": form, "ready": READY.values(), "chosen": chosen}
    return render(request, "leads/workflows/workflow_add.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def workflow(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """One workflow: its active version in words, who went through it, both arms of a hold-out, and its versions.

    POST changes name and purpose.
    """
    user, row = request.user, workflow_of(public_id)
    form = NameForm(request.POST or None, initial={"name": row.name, "about": row.about})
    if request.method == "POST":
        writer(request)
        if form.is_valid():
            try:
                rename_workflow(workflow=row, name=form.cleaned_data["name"], about=form.cleaned_data["about"])
            except WorkflowRefused as refused:
                form.add_error("name", str(refused))
            else:
                messages.success(request, "Saved.")
                return redirect("leads:workflow", public_id)
    versions = list(row.versions.select_related("activated_by", "based_on", "created_by").order_by("-number"))
    by_state = {version.state: version for version in reversed(versions)}
    active = by_state.get(WorkflowVersion.State.ACTIVE)
    shown = active or (versions[0] if versions else None)
    counts = counts_by_state(row, user)
    arms = arms_by_version(row)
    context = {
        "row": row,
        "form": form,
        "versions": versions,
        "active": active,
        "draft": by_state.get(WorkflowVersion.State.DRAFT),
        "scheduled": by_state.get(WorkflowVersion.State.SCHEDULED),
        "shown": shown,
        "plan": outline(shown, lead_catalog(), names(), counts=True) if shown else None,
        "counts": counts,
        "entered": sum(counts.values()) - counts[Enrollment.State.REFUSED],
        "arms": arms,
        "treated": sum(treated for _, treated, _ in arms),
        "held_out": sum(held for _, _, held in arms),
        "newest": Enrollment.objects.visible_to(user).filter(workflow=row).entered()
        .select_related("lead").order_by("-enrolled_at", "-pk")[:8],
        "to_decide": mails_to_decide(user).filter(enrollment__workflow=row).count(),
        "may_change": may_change_workflows(user),
    }  # fmt: skip
    return render(request, "leads/workflows/workflow.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def workflow_switch(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Pause a workflow, or go on."""
    writer(request)
    row, is_on = workflow_of(public_id), request.POST.get("to") == "on"
    try:
        switch_workflow(workflow=row, is_on=is_on, at=timezone.now())
    except Refused as refused:
        messages.warning(request, str(refused))
    else:
        messages.success(request, f"“{row.name}” is {'on' if is_on else 'paused'}.")
    return redirect("leads:workflow", public_id)
