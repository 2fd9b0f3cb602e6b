"""Workflows and their versions: create, copy to a draft, activate, roll back, switch on and off."""

from __future__ import annotations

from datetime import datetime
from secrets import token_hex

from django.db import transaction
from django.db.models import Max

from leads.actions.workflows.edit_draft import WorkflowRefused, add_step, copy_steps, save_definition
from leads.models import User, Workflow, WorkflowVersion
from leads.past.acting import Door, act
from leads.pure.workflows.definition import Definition, Trigger
from leads.pure.workflows.ready import Planned, ReadyWorkflow

State = WorkflowVersion.State
_COPIED = (
    "trigger",
    "settings",
    "conditions",
    "goal",
    "again_after_days",
    "mails_from",
    "mails_until",
    "on_business_days",
    "hold_out_percent",
    "hold_out_unit",
)


@transaction.atomic
def create_workflow(
    *,
    name: str,
    about: str = "",
    by: User | None,
    at: datetime,
    ready: ReadyWorkflow | None = None,
    seed: str = "",
) -> Workflow:
    """A workflow that is off, with a draft: empty, or one of those that come with the portal.

    Raises WorkflowRefused for a name that is taken. ``seed`` decides who is held out; tests and the demo give one.
    """
    name = name.strip()
    if Workflow.objects.filter(name=name).exists():
        raise WorkflowRefused("There is a workflow of this name already.")
    workflow = Workflow.objects.create(name=name, about=about, seed=seed or token_hex(16), created_by=by, created_at=at)
    definition = ready.definition if ready else Definition(Trigger.CAPTURED)
    draft = WorkflowVersion.objects.create(
        workflow=workflow, number=1, trigger=definition.trigger, created_by=by, created_at=at
    )
    save_definition(version_id=draft.pk, definition=definition)
    for planned in ready.steps if ready else ():
        _add(draft, planned, None, "")
    return workflow


def _add(draft: WorkflowVersion, planned: Planned, parent_id: int | None, side: str) -> None:
    step = add_step(version_id=draft.pk, kind=planned.kind, settings=planned.settings, parent_id=parent_id, side=side)
    for inner_side, steps in (("yes", planned.yes), ("no", planned.no)):
        for inner in steps:
            _add(draft, inner, step.pk, inner_side)


@transaction.atomic
def rename_workflow(*, workflow: Workflow, name: str, about: str) -> None:
    """Change name and purpose. Raises WorkflowRefused for a name that is taken."""
    name = name.strip()
    if not name or Workflow.objects.exclude(pk=workflow.pk).filter(name=name).exists():
        raise WorkflowRefused("Give a name that no other workflow has.")
    Workflow.objects.filter(pk=workflow.pk).update(name=name, about=about)


@transaction.atomic
def copy_version(*, version: WorkflowVersion, by: User | None, at: datetime) -> WorkflowVersion:
    """A draft that starts from a version. Raises WorkflowRefused where there is a draft already."""
    workflow = _hold(version)
    _check_no_next(workflow)
    return _copied(workflow, version, by, at)


@transaction.atomic
def discard_draft(*, version: WorkflowVersion) -> None:
    """Throw a draft away; a workflow that was never active goes with it. Raises WorkflowRefused."""
    workflow = _hold(version)
    draft = workflow.versions.filter(pk=version.pk, state=State.DRAFT).first()
    if draft is None:
        raise WorkflowRefused("Only drafts are discarded.")
    draft.delete()
    if not workflow.versions.exists():
        workflow.delete()


@transaction.atomic
def activate_version(*, version: WorkflowVersion, why: str, by: User | None, at: datetime) -> WorkflowVersion:
    """Put a draft in force and switch the workflow on. Who is enrolled stays on the version they came by.

    Raises WorkflowRefused.
    """
    workflow = _hold(version)
    return _activate(workflow, _complete_draft(workflow, version, why), why, by, at)


@transaction.atomic
def schedule_version(
    *, version: WorkflowVersion, activates_at: datetime, why: str, by: User | None, at: datetime
) -> WorkflowVersion:
    """Put a draft in force at a moment; one that has come is now. Raises WorkflowRefused."""
    workflow = _hold(version)
    draft = _complete_draft(workflow, version, why)
    if activates_at <= at:
        return _activate(workflow, draft, why, by, at)
    draft.state, draft.activates_at = State.SCHEDULED, activates_at
    draft.activated_by, draft.why = by, why.strip()[:300]
    draft.save(update_fields=["state", "activates_at", "activated_by", "why"])
    return draft


@transaction.atomic
def cancel_schedule(*, version: WorkflowVersion) -> WorkflowVersion:
    """Make a scheduled version a draft again. Raises WorkflowRefused."""
    planned = _hold(version).versions.filter(pk=version.pk, state=State.SCHEDULED).first()
    if planned is None:
        raise WorkflowRefused("This version is not scheduled.")
    planned.state, planned.activates_at, planned.activated_by, planned.why = State.DRAFT, None, None, ""
    planned.save(update_fields=["state", "activates_at", "activated_by", "why"])
    return planned


def activate_due_workflows(*, at: datetime) -> int:
    """Activate the versions whose moment has come; several may ask at once. Returns how many."""
    done = 0
    for planned in WorkflowVersion.objects.filter(state=State.SCHEDULED, activates_at__lte=at).order_by("activates_at"):
        with transaction.atomic():
            workflow = _hold(planned)
            due = workflow.versions.filter(pk=planned.pk, state=State.SCHEDULED, activates_at__lte=at).first()
            if due is not None:
                _activate(workflow, due, due.why, due.activated_by, at)
                done += 1
    return done


def _complete_draft(workflow: Workflow, version: WorkflowVersion, why: str) -> WorkflowVersion:
    draft = workflow.versions.filter(pk=version.pk, state=State.DRAFT).first()
    if draft is None:
        raise WorkflowRefused("Only drafts are activated.")
    if not why.strip():
        raise WorkflowRefused("Say why: the reason is kept with the version.")
    if not draft.steps.exists():
        raise WorkflowRefused("Add a step first.")
    return draft


def _check_no_next(workflow: Workflow) -> None:
    planned = workflow.versions.filter(state__in=[State.DRAFT, State.SCHEDULED]).first()
    if planned is not None:
        what = "There is a draft already: activate or discard it first."
        raise WorkflowRefused(what if planned.is_draft else "A version is scheduled: cancel that first.")


@transaction.atomic
def roll_back(*, version: WorkflowVersion, why: str, by: User | None, at: datetime) -> WorkflowVersion:
    """Put an earlier version in force again, as a new one. Raises WorkflowRefused."""
    workflow = _hold(version)
    earlier = workflow.versions.filter(pk=version.pk, state=State.RETIRED).first()
    if earlier is None:
        raise WorkflowRefused("Only a version that was active before can be rolled back to.")
    if not why.strip():
        raise WorkflowRefused("Say why: the reason is kept with the version.")
    _check_no_next(workflow)
    again = _copied(workflow, earlier, by, at)
    again.is_roll_back = True
    again.save(update_fields=["is_roll_back"])
    return _activate(workflow, again, why, by, at)


@transaction.atomic
def switch_workflow(*, workflow: Workflow, is_on: bool, at: datetime) -> None:
    """Pause a workflow, or go on. While it is paused nobody is enrolled and nobody gets on; nothing is caught up on.

    Raises WorkflowRefused.
    """
    held = Workflow.objects.select_for_update().get(pk=workflow.pk)
    if is_on == held.is_on:
        return
    if is_on and not held.versions.filter(state=State.ACTIVE).exists():
        raise WorkflowRefused("Activate a version first.")
    values = {"listens_since": at, "dated_on": None} if is_on else {}
    Workflow.objects.filter(pk=held.pk).update(is_on=is_on, **values)


def _hold(version: WorkflowVersion) -> Workflow:
    return Workflow.objects.select_for_update().get(pk=version.workflow_id)


def _copied(workflow: Workflow, version: WorkflowVersion, by: User | None, at: datetime) -> WorkflowVersion:
    latest = workflow.versions.aggregate(latest=Max("number"))["latest"] or 0
    draft = WorkflowVersion.objects.create(
        workflow=workflow,
        number=latest + 1,
        based_on=version,
        created_by=by,
        created_at=at,
        **{name: getattr(version, name) for name in _COPIED},
    )
    copy_steps(source=version, target=draft)
    return draft


def _activate(workflow: Workflow, draft: WorkflowVersion, why: str, by: User | None, at: datetime) -> WorkflowVersion:
    with act(Door.PAGE, actor=by.pk if by else None, source=f"workflow {workflow.pk}", because=why.strip()[:200]):
        before = workflow.versions.filter(state=State.ACTIVE).first()
        workflow.versions.filter(state=State.ACTIVE).update(state=State.RETIRED)
        draft.state, draft.activated_at, draft.activated_by, draft.why = State.ACTIVE, at, by, why.strip()[:300]
        draft.save(update_fields=["state", "activated_at", "activated_by", "why"])
        same = before is not None and (before.trigger, before.settings) == (draft.trigger, draft.settings)
        if not (workflow.is_on and same):  # what happened before was not what it waited for
            values = {"is_on": True, "listens_since": at, "dated_on": None}
            Workflow.objects.filter(pk=workflow.pk).update(**values)
    return draft
