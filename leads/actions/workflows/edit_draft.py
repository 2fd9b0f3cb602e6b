"""Change a draft: its trigger and rules, and its steps. What was activated is never changed again."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F, Max

from leads.models import WorkflowStep, WorkflowVersion
from leads.pure.conditions.grammar import to_json
from leads.pure.refused import Refused
from leads.pure.workflows.definition import MOST_STEPS, Definition, Settings, StepKind
from leads.pure.workflows.templates import check_template
from leads.pure.workflows.walk import SIDES


class WorkflowRefused(Refused):
    """The workflow cannot be changed so; the message says why."""


def hold_draft(*, version_id: int) -> WorkflowVersion:
    """The draft, held for the rest of the transaction. Raises WorkflowRefused for any other version."""
    version = WorkflowVersion.objects.select_for_update().get(pk=version_id)
    if not version.is_draft:
        raise WorkflowRefused(f"{version} is {version.get_state_display().lower()}: only drafts are changed.")
    return version


@transaction.atomic
def save_definition(*, version_id: int, definition: Definition) -> WorkflowVersion:
    """Keep trigger, conditions, goal and rules of a draft. Raises WorkflowRefused."""
    version = hold_draft(version_id=version_id)
    version.trigger, version.settings = definition.trigger, dict(definition.settings)
    version.conditions, version.goal = to_json(definition.conditions), to_json(definition.goal)
    version.again_after_days = definition.again_after_days
    version.mails_from, version.mails_until = definition.mails_from, definition.mails_until
    version.on_business_days = definition.on_business_days
    version.hold_out_percent, version.hold_out_unit = definition.hold_out_percent, definition.hold_out_unit
    version.save()
    return version


@transaction.atomic
def add_step(
    *, version_id: int, kind: str, settings: Settings, parent_id: int | None = None, side: str = ""
) -> WorkflowStep:
    """Put a step at the end of a list: the main one, or a side of a branch. Raises WorkflowRefused."""
    version = hold_draft(version_id=version_id)
    check_settings(kind, settings)
    if version.steps.count() >= MOST_STEPS:
        raise WorkflowRefused(f"A workflow has at most {MOST_STEPS} steps.")
    parent = None
    if parent_id is not None:
        parent = version.steps.filter(pk=parent_id, kind=StepKind.BRANCH).first()
        if parent is None or side not in SIDES:
            raise WorkflowRefused("There is no such branch.")
        if kind == StepKind.BRANCH and parent.parent_id is not None:
            raise WorkflowRefused("Branches can be nested once.")
    listed = version.steps.filter(parent=parent, side=side if parent else "")
    last = listed.aggregate(last=Max("position"))["last"] or 0
    return WorkflowStep.objects.create(
        version=version,
        parent=parent,
        side=side if parent else "",
        position=last + 1,
        kind=StepKind(kind),
        settings=dict(settings),
    )


@transaction.atomic
def save_step(*, step: WorkflowStep, settings: Settings) -> None:
    """Change what a step of a draft does. Raises WorkflowRefused."""
    hold_draft(version_id=step.version_id)
    check_settings(step.kind, settings)
    if WorkflowStep.objects.filter(pk=step.pk).update(settings=dict(settings)) != 1:
        raise WorkflowRefused("The step is not there any more.")


@transaction.atomic
def remove_step(*, step: WorkflowStep) -> None:
    """Take a step out of a draft; a branch goes with all that stands in it. Raises WorkflowRefused."""
    version = hold_draft(version_id=step.version_id)
    version.steps.filter(pk=step.pk).delete()


@transaction.atomic
def move_step(*, step: WorkflowStep, up: bool) -> bool:
    """Change places with the step before or after in the same list; whether it moved. Raises WorkflowRefused."""
    version = hold_draft(version_id=step.version_id)
    listed = list(version.steps.filter(parent=step.parent_id, side=step.side).order_by("position", "pk"))
    place = next((n for n, each in enumerate(listed) if each.pk == step.pk), -1)
    other = place + (-1 if up else 1)
    if place < 0 or not 0 <= other < len(listed):
        return False
    listed[place], listed[other] = listed[other], listed[place]
    for position, each in enumerate(listed, start=1):
        each.position = position
    WorkflowStep.objects.bulk_update(listed, ["position"])
    return True


def check_settings(kind: str, settings: Settings) -> None:
    """Raises Refused where a step could never be taken: an unknown kind, a template that cannot be filled in."""
    if kind not in set(StepKind):
        raise WorkflowRefused("There is no such kind of step.")
    if kind == StepKind.EMAIL:
        check_template(str(settings.get("subject", "")), str(settings.get("body", "")))


def copy_steps(*, source: WorkflowVersion, target: WorkflowVersion) -> None:
    """Give a version the steps of another; they keep their keys. In the transaction of the caller."""
    made: dict[int | None, WorkflowStep | None] = {None: None}
    # A branch was made before what stands in it.
    for step in source.steps.order_by(F("parent").asc(nulls_first=True), "pk"):
        values: dict[str, Any] = {name: getattr(step, name) for name in ("key", "side", "position", "kind", "settings")}
        made[step.pk] = WorkflowStep.objects.create(version=target, parent=made[step.parent_id], **values)
