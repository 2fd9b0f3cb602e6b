"""Build a draft: its trigger, conditions, goal and rules, and its steps one by one. Complete without JavaScript."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from leads.actions.workflows.edit_draft import add_step, move_step, remove_step, save_definition, save_step
from leads.forms.conditions import ConditionBuilder
from leads.forms.workflows import STEP_FORMS, DefinitionForm, StepForm
from leads.models import WorkflowStep, WorkflowVersion
from leads.pure.conditions.grammar import Group, from_json, to_json
from leads.pure.conditions.properties import ATTRIBUTE
from leads.pure.refused import Refused
from leads.pure.workflows.definition import STEPS, TRIGGERS, StepKind, Trigger
from leads.pure.workflows.templates import SAMPLE, Letter, compose
from leads.queries.conditions import lead_catalog
from leads.views.doors import SignedInRequest
from leads.views.workflows.access import draft_of, step_of, writer


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def workflow_definition(request: SignedInRequest, public_id: UUID, number: int) -> HttpResponse:
    """What starts the workflow, for whom, what ends it, and its rules."""
    writer(request)
    version = draft_of(public_id, number)
    asked = request.GET.get("trigger", version.trigger)
    if asked not in set(Trigger):
        raise Http404("There is no such trigger.")
    trigger, definition = Trigger(asked), version.definition
    catalog = lead_catalog()
    data = request.POST if request.method == "POST" else None
    builders = {
        name: ConditionBuilder(catalog, data=data, group=group, prefix=name, may_be_empty=True, everything=words)
        for name, group, words in (
            ("conditions", definition.conditions, "every lead"),
            ("goal", definition.goal, "no goal"),
        )
    }
    is_edited = any(builder.is_edited for builder in builders.values())
    attributes = tuple(key.removeprefix(ATTRIBUTE) for key in catalog if key.startswith(ATTRIBUTE))
    initial = DefinitionForm.initial_of(definition)
    if data is not None and is_edited:  # a button of a builder: what was typed stays, nothing is judged yet
        form = DefinitionForm(initial=_typed(data, initial), trigger=trigger, attributes=attributes)
    else:
        form = DefinitionForm(data, initial=initial, trigger=trigger, attributes=attributes)
    is_sent = data is not None and not is_edited
    # Each is asked, so that all that is wrong is shown at once.
    if is_sent and all([form.is_valid(), *(builder.is_valid() for builder in builders.values())]):
        groups = {name: builder.group for name, builder in builders.items()}
        save_definition(version_id=version.pk, definition=form.definition(**groups))
        messages.success(request, "Saved.")
        return redirect("leads:workflow-version", public_id, number)
    status = 422 if is_sent else 200
    context = {
        "row": version.workflow,
        "version": version,
        "form": form,
        "trigger": (trigger.value, *TRIGGERS[trigger]),
        "triggers": [(each.value, *words) for each, words in TRIGGERS.items()],
        **{f"{name}_builder": builder for name, builder in builders.items()},
    }
    return render(request, "leads/workflows/workflow_definition.html", context, status=status)


def _typed(data: QueryDict, initial: dict[str, Any]) -> dict[str, Any]:
    """What was typed so far, as initial values; lists stay lists, and an unticked box is unticked."""
    lists = {name: data.getlist(name) for name in ("stages", "web_forms", "reasons")}
    return {**initial, **data.dict(), **lists, "on_business_days": "on_business_days" in data}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def workflow_step_add(request: SignedInRequest, public_id: UUID, number: int) -> HttpResponse:
    """A step more, at the end of a list: ``?kind=``, and ``parent`` and ``side`` of a branch."""
    writer(request)
    version, kind = draft_of(public_id, number), request.GET.get("kind", "")
    parent, side = request.GET.get("parent", ""), request.GET.get("side", "")
    if not (parent == "" or parent.isdecimal()):
        raise Http404("There is no such branch.")
    if kind not in set(StepKind):
        kinds = [(each.value, *words) for each, words in STEPS.items()]
        context = {"row": version.workflow, "version": version, "kinds": kinds, "parent": parent, "side": side}
        return render(request, "leads/workflows/workflow_step_kinds.html", context)
    return _edit(request, version, kind, None, parent_id=int(parent) if parent else None, side=side)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def workflow_step(request: SignedInRequest, public_id: UUID, number: int, step_id: int) -> HttpResponse:
    """One step of a draft."""
    writer(request)
    version = draft_of(public_id, number)
    step = step_of(version, step_id)
    return _edit(request, version, step.kind, step)


def _edit(
    request: SignedInRequest,
    version: WorkflowVersion,
    kind: str,
    step: WorkflowStep | None,
    *,
    parent_id: int | None = None,
    side: str = "",
) -> HttpResponse:
    data = request.POST if request.method == "POST" else None
    form: StepForm | None = None
    builder: ConditionBuilder | None = None
    settings: dict[str, Any] | None = None
    is_looking = data is not None and "preview" in data
    if kind == StepKind.BRANCH:
        group = from_json(step.settings["conditions"]) if step else Group()
        builder = ConditionBuilder(lead_catalog(), data=data, group=group)
        is_looking = builder.is_edited
        if data is not None and not is_looking and builder.is_valid():
            settings = {"conditions": to_json(builder.group)}
    else:
        form = STEP_FORMS[kind](data, initial=step.settings if step else None)
        if data is not None and form.is_valid() and not is_looking:
            settings = dict(form.settings)
    if settings is not None:
        try:
            if step:
                save_step(step=step, settings=settings)
            else:
                add_step(version_id=version.pk, kind=kind, settings=settings, parent_id=parent_id, side=side)
        except Refused as refused:
            messages.warning(request, str(refused))
        else:
            messages.success(request, "The step is saved.")
        return redirect(f"{version.get_absolute_url()}#steps")
    context = {
        "row": version.workflow,
        "version": version,
        "step": step,
        "kind": (kind, *STEPS[StepKind(kind)]),
        "form": form,
        "builder": builder,
        "names": [f"{group}.{name}" for group, names in SAMPLE.items() for name in names],
        "letter": _letter(form) if kind == StepKind.EMAIL and form is not None else None,
    }
    status = 422 if data is not None and not is_looking else 200
    return render(request, "leads/workflows/workflow_step.html", context, status=status)


def _letter(form: StepForm) -> Letter | None:
    """The email for a made-up person; None where the template is not whole."""
    values = form.cleaned_data if form.is_bound else form.initial
    if form.is_bound and not form.is_valid():
        return None
    try:
        return compose(str(values.get("subject", "")), str(values.get("body", "")), SAMPLE)
    except Refused:
        return None


@login_required
@require_POST
def workflow_step_move(request: SignedInRequest, public_id: UUID, number: int, step_id: int) -> HttpResponse:
    """Move a step up or down in its list."""
    writer(request)
    version = draft_of(public_id, number)
    move_step(step=step_of(version, step_id), up=request.POST.get("to") == "up")
    return redirect(f"{version.get_absolute_url()}#steps")


@login_required
@require_POST
def workflow_step_remove(request: SignedInRequest, public_id: UUID, number: int, step_id: int) -> HttpResponse:
    """Take a step out."""
    writer(request)
    version = draft_of(public_id, number)
    remove_step(step=step_of(version, step_id))
    messages.success(request, "The step is removed.")
    return redirect(f"{version.get_absolute_url()}#steps")
