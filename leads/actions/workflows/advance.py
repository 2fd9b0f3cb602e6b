"""Advance: take the steps that are due, each with its effects in one transaction: a kill leaves all or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from leads.actions.take_due import take_due
from leads.actions.workflows.do_step import Turn, by_workflow, do_step
from leads.models import Company, Enrollment, Lead, StepRun, WorkflowStep, WorkflowVersion
from leads.pure.conditions.evaluate import Answer, Evaluator, Facts
from leads.pure.conditions.grammar import Group, from_json
from leads.pure.conditions.properties import Catalog
from leads.pure.workflows.definition import MOST_STEPS, StepKind, wait_until
from leads.pure.workflows.walk import NO, YES, Place, Walk
from leads.queries.conditions import facts_of, lead_catalog
from leads.queries.identity import survivors

log = structlog.get_logger(__name__)

CHUNK = 50
TRIES = 5
State = Enrollment.State


@dataclass(slots=True)
class Ready:
    """A version with everything that its steps need, read once."""

    version: WorkflowVersion
    steps: dict[int, WorkflowStep]
    walk: Walk
    goal: Group
    branches: dict[int, Group]

    @property
    def properties(self) -> frozenset[str]:
        """What its goal and branches look at."""
        return frozenset().union(self.goal.properties, *(group.properties for group in self.branches.values()))


@dataclass(slots=True)
class Walked:
    """What is at hand while a chunk is worked on."""

    company: Company
    catalog: Catalog
    versions: dict[int, Ready]
    facts: dict[int, Facts] = field(default_factory=dict)


def advance_enrollments(*, at: datetime, limit: int = 5_000) -> int:
    """Take every step that is due; returns how many enrollments were advanced.

    Several may run at once: each takes rows that nobody else holds. One that fails is put off, and given up and listed
    after five tries.
    """
    due = Enrollment.objects.due(at).order_by("due_at", "pk").values_list("pk", flat=True)
    return take_due(
        due=lambda most: list(due.all()[:most]),
        take=_take,
        take_alone=_take_alone,
        at=at,
        chunk=CHUNK,
        limit=limit,
        failure="workflow_chunk_failed",
    )


def ready(versions: Sequence[WorkflowVersion]) -> dict[int, Ready]:
    """Versions with their steps, in one query."""
    by_version: dict[int, list[WorkflowStep]] = {version.pk: [] for version in versions}
    for step in WorkflowStep.objects.filter(version__in=by_version).order_by("position", "pk"):
        by_version[step.version_id].append(step)
    return {
        version.pk: Ready(
            version=version,
            steps={step.pk: step for step in by_version[version.pk]},
            walk=Walk([Place(step.pk, step.parent_id, step.side, step.position) for step in by_version[version.pk]]),
            goal=from_json(version.goal),
            branches={
                step.pk: from_json(step.settings["conditions"])
                for step in by_version[version.pk]
                if step.kind == StepKind.BRANCH
            },
        )
        for version in versions
    }


def _take(ids: Sequence[int], at: datetime) -> int:
    with transaction.atomic():
        free = Enrollment.objects.due(at).filter(pk__in=ids).select_for_update(skip_locked=True, of=("self",))
        rows = list(free.select_related("version__workflow").order_by("pk"))
        if not rows:
            return 0
        held = Lead.objects.select_for_update(of=("self",)).filter(pk__in={row.lead_id for row in rows})
        leads = {lead.pk: lead for lead in held.select_related("owner", "account", "channel").order_by("pk")}
        versions = ready(list({row.version_id: row.version for row in rows}.values()))
        walked = Walked(Company.current(), lead_catalog(), versions)
        wanted = frozenset().union(*(each.properties for each in versions.values()))
        walked.facts = facts_of(list(leads.values()), properties=wanted) if wanted else {}
        for row in rows:
            row.lead = leads[row.lead_id]
            with by_workflow(row.version.workflow):
                walk_on(row, walked, at)
    return len(rows)


def _take_alone(pk: int, at: datetime) -> int:
    try:
        return _take([pk], at)
    except Exception as error:
        log.exception("workflow_step_failed", enrollment=pk)
        mine = Enrollment.objects.running().filter(pk=pk)
        tries = (mine.values_list("attempts", flat=True).first() or 0) + 1
        if tries < TRIES:
            return mine.update(attempts=tries, due_at=at + timedelta(minutes=2**tries))
        said = f"A step failed {TRIES} times: {type(error).__name__}"
        return mine.update(attempts=tries, state=State.FAILED, ended_at=at, ended_because=said)


def walk_on(row: Enrollment, walked: Walked, at: datetime) -> datetime | None:
    """Take steps until one waits; returns until when, None at the end. In a transaction that holds row and lead."""
    if (row.lead.merged_into_id or row.began_as_id) and not _follow_person(row, at):
        return None
    plan = walked.versions[row.version_id]
    for _ in range(MOST_STEPS + 1):
        if plan.goal.items and (reached := holds(row, plan.goal, walked, at)).holds:
            end(row, State.GOAL, at, reached.because)
            return None
        step = plan.steps.get(row.step_id or 0)
        if step is None:
            end(row, State.COMPLETED, at, "")
            return None
        side = ""
        if step.kind == StepKind.WAIT:
            until = wait_until(step.settings, at, walked.company.hours)
            said = f"Until {until.astimezone(walked.company.tz):%-d %b %Y, %H:%M}"
            _note(row, step, StepRun.Outcome.DONE, said, at)
            if until > at:
                return _wait(row, plan.walk.after(step.pk), until)
        elif step.kind == StepKind.BRANCH:
            answer = holds(row, plan.branches[step.pk], walked, at)
            side = YES if answer.holds else NO
            _note(row, step, StepRun.Outcome.DONE, f"{'Yes' if answer.holds else 'No'}: {answer.because}", at)
        else:
            outcome, said = do_step(Turn(row, plan.version, row.lead, step, walked.company, at))
            _note(row, step, outcome, said, at)
            walked.facts.pop(row.lead_id, None)
        row.step_id = plan.walk.after(step.pk, side)
    end(row, State.FAILED, at, "There are too many steps.")
    return None


def holds(row: Enrollment, group: Group, walked: Walked, at: datetime) -> Answer:
    """Whether conditions hold for a row's lead, and why."""
    if row.lead_id not in walked.facts:
        properties = walked.versions[row.version_id].properties
        walked.facts |= facts_of([row.lead], properties=properties)
    day = at.astimezone(walked.company.tz).date()
    return Evaluator(group, walked.catalog)(walked.facts[row.lead_id], day)


def _note(row: Enrollment, step: WorkflowStep, outcome: str, said: str, at: datetime) -> None:
    StepRun.objects.create(enrollment=row, step=step, outcome=outcome, said=said[:400], ran_at=at)


def _wait(row: Enrollment, step_id: int | None, until: datetime) -> datetime:
    row.step_id, row.due_at, row.attempts = step_id, until, 0
    row.save(update_fields=["step", "due_at", "attempts"])
    return until


def end(row: Enrollment, state: str, at: datetime, because: str) -> None:
    """End a row that the transaction holds."""
    row.state, row.step, row.ended_at, row.ended_because = state, None, at, because[:300]
    row.save(update_fields=["state", "step", "ended_at", "ended_because"])


def _follow_person(row: Enrollment, at: datetime) -> bool:
    """Go on with whoever the lead that was enrolled is now, unless that one went this way itself; whether to go on.

    A merge moves the row to the survivor, and a merge that was taken back returns it to the person it began with.
    """
    began = row.began_as_id or row.lead_id
    person = survivors([began])[began]
    if person == row.lead_id:
        return True
    lead = Lead.objects.select_for_update(of=("self",)).select_related("owner", "account", "channel").get(pk=person)
    if Enrollment.objects.entered().filter(workflow=row.workflow_id, lead=lead).exclude(pk=row.pk).exists():
        why = f"Merged into {lead}, who was enrolled, too." if person != began else f"{lead} was enrolled anew."
        end(row, State.ENDED, at, why)
        return False
    row.lead, row.began_as_id = lead, began if person != began else None
    row.save(update_fields=["lead", "began_as"])
    return True
