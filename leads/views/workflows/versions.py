"""A version of a workflow: what it says, how it is tried, activated, copied, rolled back and discarded."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leads.actions.workflows.try_on_lead import try_on_lead
from leads.actions.workflows.version_workflow import (
    activate_version,
    cancel_schedule,
    copy_version,
    discard_draft,
    roll_back,
    schedule_version,
)
from leads.filters.search import LeadFilter
from leads.forms.workflows import ActivateForm, TryLeadForm, WhyForm
from leads.models import Company, Lead, WorkflowVersion
from leads.pure.refused import Refused
from leads.queries.conditions import lead_catalog
from leads.queries.workflows.access import may_change_workflows
from leads.queries.workflows.names import names
from leads.queries.workflows.outline import outline
from leads.views.doors import SignedInRequest
from leads.views.workflows.access import version_of, writer

FOUND = 5


@login_required
@require_GET
def workflow_version(request: SignedInRequest, public_id: UUID, number: int) -> HttpResponse:
    """One version; a draft with everything to build it."""
    return version_page(request, version_of(public_id, number))


def version_page(request: SignedInRequest, version: WorkflowVersion, *, status: int = 200, **more: Any) -> HttpResponse:
    """The page of a version; ``more`` replaces its forms."""
    may_change = may_change_workflows(request.user)
    context: dict[str, Any] = {
        "row": version.workflow,
        "version": version,
        "plan": outline(version, lead_catalog(), names()),
        "may_change": may_change,
        "may_edit": may_change and version.is_draft,
        "why_form": WhyForm(),
        "activate_form": ActivateForm(),
        **more,
    }
    return render(request, "leads/workflows/workflow_version.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def workflow_test(request: SignedInRequest, public_id: UUID, number: int) -> HttpResponse:
    """What the version would do with a lead; nothing of it is kept."""
    version = version_of(public_id, number)
    form = TryLeadForm(request.POST or None)
    context: dict[str, Any] = {"row": version.workflow, "version": version, "form": form}
    if request.method == "POST" and form.is_valid():
        words = form.cleaned_data["lead"]
        visible = Lead.objects.visible_to(request.user)
        key = _uuid(words)
        exact = list(visible.filter(public_id=key) if key else visible.filter(email__iexact=words))
        found = exact or list(LeadFilter({"q": words}, queryset=visible, request=request).qs.order_by("-pk")[:FOUND])
        if len(found) == 1:
            plan = outline(version, lead_catalog(), names())
            trial = try_on_lead(version=version, lead_id=found[0].pk, at=timezone.now())
            context |= {
                "trial": trial,
                "form": TryLeadForm(initial={"lead": found[0].email or found[0].display_name}),
                "tried": [(step, plan.flat[step.step_id]) for step in trial.steps if step.step_id in plan.flat],
                "plan": plan,
            }
        else:
            context |= {"found": found, "is_nobody": not found}
    return render(request, "leads/workflows/workflow_test.html", context, status=422 if form.errors else 200)


def _uuid(words: str) -> UUID | None:
    try:
        return UUID(words)
    except ValueError:
        return None


@login_required
@require_POST
def workflow_copy(request: SignedInRequest, public_id: UUID, number: int) -> HttpResponse:
    """A draft that starts from this version."""
    user, version = writer(request), version_of(public_id, number)
    try:
        draft = copy_version(version=version, by=user, at=timezone.now())
    except Refused as refused:
        messages.warning(request, str(refused))
        return redirect("leads:workflow", public_id)
    messages.success(request, f"Version {draft.number} is a draft that starts from version {number}.")
    return redirect("leads:workflow-version", public_id, draft.number)


@login_required
@require_POST
def workflow_activate(request: SignedInRequest, public_id: UUID, number: int) -> HttpResponse:
    """Put a draft in force, now or at a moment."""
    user, version = writer(request), version_of(public_id, number)
    form = ActivateForm(request.POST)
    if not form.is_valid():
        return version_page(request, version, status=422, activate_form=form)
    at, moment, why = timezone.now(), form.cleaned_data["activates_at"], form.cleaned_data["why"]
    try:
        if moment is None:
            planned = activate_version(version=version, why=why, by=user, at=at)
        else:
            planned = schedule_version(version=version, activates_at=moment, why=why, by=user, at=at)
    except Refused as refused:
        form.add_error(None, str(refused))
        return version_page(request, version, status=422, activate_form=form)
    if planned.activates_at is not None and planned.state == WorkflowVersion.State.SCHEDULED:
        there = planned.activates_at.astimezone(Company.current().tz)
        messages.success(request, f"Version {number} becomes active {there:%-d %b %Y, %H:%M}.")
        return redirect(planned)
    return _told(request, public_id, planned)


@login_required
@require_POST
def workflow_cancel(request: SignedInRequest, public_id: UUID, number: int) -> HttpResponse:
    """Make a scheduled version a draft again."""
    writer(request)
    version = version_of(public_id, number)
    try:
        cancel_schedule(version=version)
    except Refused as refused:
        messages.warning(request, str(refused))
    else:
        messages.success(request, f"Version {number} is a draft again.")
    return redirect(version)


@login_required
@require_POST
def workflow_roll_back(request: SignedInRequest, public_id: UUID, number: int) -> HttpResponse:
    """Put an earlier version in force again."""
    user, version = writer(request), version_of(public_id, number)
    form = WhyForm(request.POST)
    if not form.is_valid():
        return version_page(request, version, status=422, why_form=form)
    try:
        active = roll_back(version=version, why=form.cleaned_data["why"], by=user, at=timezone.now())
    except Refused as refused:
        form.add_error(None, str(refused))
        return version_page(request, version, status=422, why_form=form)
    return _told(request, public_id, active)


def _told(request: SignedInRequest, public_id: UUID, active: WorkflowVersion) -> HttpResponse:
    messages.success(request, f"Version {active.number} is active. Leads already enrolled finish their own version.")
    return redirect("leads:workflow", public_id)


@login_required
@require_POST
def workflow_discard(request: SignedInRequest, public_id: UUID, number: int) -> HttpResponse:
    """Delete a draft."""
    writer(request)
    version = version_of(public_id, number)
    try:
        discard_draft(version=version)
    except Refused as refused:
        messages.warning(request, str(refused))
        return redirect("leads:workflow-version", public_id, number)
    messages.success(request, f"The draft of version {number} is deleted.")
    if version.workflow.versions.exists():
        return redirect("leads:workflow", public_id)
    return redirect("leads:workflows")
