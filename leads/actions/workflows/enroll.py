"""Enroll: what started a workflow for which lead, looked for in what was written lately, each time once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Max

from leads.actions.workflows.hold_out import arms_of
from leads.models import Company, Enrollment, Lead, Workflow, WorkflowStep, WorkflowSweep, WorkflowVersion
from leads.pure.conditions.evaluate import Evaluator
from leads.pure.conditions.grammar import from_json
from leads.pure.workflows.definition import Trigger
from leads.pure.workflows.hold_out import Arm
from leads.queries.conditions import facts_of, lead_catalog
from leads.queries.identity import survivors
from leads.queries.workflows.occurrences import PAGE, Listener, Occurrence, dated, occurrences
from leads.queries.workflows.people import absorbed

log = structlog.get_logger(__name__)

OVERLAP = timedelta(minutes=10)
"""Rows of so long ago are read again: their moments precede their commits."""
LATEST_DAYS = 7
"""After a longer stop dates of earlier days are passed over."""
REFUSALS_KEPT = timedelta(days=90)
State = Enrollment.State


def enroll_triggered(*, at: datetime) -> int:
    """Look for triggers since the last look, and enroll whom they are for; returns how many entered a workflow.

    Any number of workers may do it at once, and again: an occurrence counts once.
    """
    versions = list(
        WorkflowVersion.objects.filter(workflow__is_on=True, state=WorkflowVersion.State.ACTIVE)
        .select_related("workflow")
        .order_by("pk")
    )
    sweep = WorkflowSweep.objects.filter(pk=1).first()
    entered = 0
    if versions and sweep:
        listeners = [
            Listener(version.pk, version.trigger, version.settings, version.workflow.listens_since or at)
            for version in versions
        ]
        by_key = {version.pk: version for version in versions}
        for found in occurrences(listeners, sweep.seen_until - OVERLAP, at):
            entered += sum(enroll(version=by_key[key], happened=happened, at=at) for key, happened in found.items())
    if versions:
        entered += sum(_enroll_dated(version, at) for version in versions if version.trigger == Trigger.DATE)
    _note_seen(at)
    return entered


def forget_refusals(*, at: datetime) -> int:
    """Delete rows that only say why somebody was not enrolled, after 90 days; returns how many."""
    old = Enrollment.objects.filter(state=State.REFUSED, enrolled_at__lt=at - REFUSALS_KEPT)
    deleted, _ = old.delete()
    return deleted


def _note_seen(at: datetime) -> None:
    """Only forwards: a slower worker must not make the next look longer."""
    if not WorkflowSweep.objects.filter(pk=1).exists():
        WorkflowSweep.objects.bulk_create([WorkflowSweep(pk=1, seen_until=at)], ignore_conflicts=True)
    WorkflowSweep.objects.filter(pk=1, seen_until__lt=at).update(seen_until=at)


def _enroll_dated(version: WorkflowVersion, at: datetime) -> int:
    """Each company day once, from the opening of business on."""
    company = Company.current()
    there = at.astimezone(company.tz)
    today = there.date() if there.time() >= company.business_opens else there.date() - timedelta(days=1)
    workflow = version.workflow
    first = (workflow.listens_since or at).astimezone(company.tz).date()
    seen = max(workflow.dated_on or first - timedelta(days=1), today - timedelta(days=LATEST_DAYS))
    entered, day = 0, seen
    while day < today:
        day += timedelta(days=1)
        happened = dated(version.settings, day, company.tz)
        for start in range(0, len(happened), PAGE):
            entered += enroll(version=version, happened=happened[start : start + PAGE], at=at)
        _note_day(workflow, day)
    return entered


def _note_day(workflow: Workflow, day: date) -> None:
    Workflow.objects.filter(pk=workflow.pk).exclude(dated_on__gte=day).update(dated_on=day)


@dataclass(frozen=True, slots=True)
class _Before:
    """How often a person was enrolled, whether they are now, and when the last time ended."""

    turns: int = 0
    is_running: bool = False
    ended_at: datetime | None = None


def enroll(*, version: WorkflowVersion, happened: Sequence[Occurrence], at: datetime) -> int:
    """Enroll, hold out or refuse the leads of these occurrences; returns how many entered (enrolled or held out).

    A row tells of each occurrence, with the reason. Unique constraints decide between workers.
    """
    with transaction.atomic():
        new = _unseen(version, happened)
        if not new:
            return 0
        ends = survivors({each.lead_id for each in new})
        rows = Lead.objects.filter(pk__in=set(ends.values())).select_related("account", "channel")
        leads = {lead.pk: lead for lead in rows}
        before = _before(version, list(leads))
        answers = _judged(version, list(leads.values()), at)
        open_to = [lead for lead in leads.values() if answers[lead.pk][0]]
        arms = arms_of(version=version, leads=open_to, at=at)
        made = _rows(version, new, ends, before, answers, arms, at)
        Enrollment.objects.bulk_create(made, ignore_conflicts=True, batch_size=500)
    return sum(row.turn is not None for row in made)


def _unseen(version: WorkflowVersion, happened: Sequence[Occurrence]) -> list[Occurrence]:
    rows = Enrollment.objects.filter(workflow=version.workflow_id, occurrence__in=[each.key for each in happened])
    seen = set(rows.values_list("occurrence", flat=True))
    return [each for each in happened if each.key not in seen]


def _before(version: WorkflowVersion, lead_ids: Sequence[int]) -> dict[int, _Before]:
    people = absorbed(lead_ids)
    rows = Enrollment.objects.entered().filter(workflow=version.workflow_id, lead__in=people)
    found: dict[int, _Before] = {}
    listed = rows.values("lead_id", "state").annotate(turn=Max("turn"), ended=Max("ended_at")).order_by()
    for row in listed:
        person, old = people[row["lead_id"]], found.get(people[row["lead_id"]], _Before())
        ended = max(filter(None, (old.ended_at, row["ended"])), default=None)
        is_running = old.is_running or row["state"] == State.RUNNING
        found[person] = _Before(max(old.turns, row["turn"]), is_running, ended)
    return found


def _judged(version: WorkflowVersion, leads: Sequence[Lead], at: datetime) -> dict[int, tuple[bool, str]]:
    """Whether each lead meets the conditions and has not reached the goal, and why."""
    conditions, goal = from_json(version.conditions), from_json(version.goal)
    catalog = lead_catalog()
    day = at.astimezone(Company.current().tz).date()
    facts = facts_of(leads, properties=conditions.properties | goal.properties)
    meets, reached = Evaluator(conditions, catalog), Evaluator(goal, catalog) if goal.items else None
    found: dict[int, tuple[bool, str]] = {}
    for lead in leads:
        answer = meets(facts[lead.pk], day)
        if not answer.holds:
            found[lead.pk] = False, f"does not meet the conditions: {answer.because}"
        elif reached and (because := reached.reason(facts[lead.pk], day)):
            found[lead.pk] = False, f"has reached the goal already: {because}"
        else:
            found[lead.pk] = True, answer.because[:1].upper() + answer.because[1:] if conditions.items else ""
    return found


def _rows(
    version: WorkflowVersion,
    new: Iterable[Occurrence],
    ends: Mapping[int, int],
    before: dict[int, _Before],
    answers: Mapping[int, tuple[bool, str]],
    arms: Mapping[int, Arm],
    at: datetime,
) -> list[Enrollment]:
    first = first_step(version)
    made = []
    for each in new:
        lead_id = ends[each.lead_id]
        if lead_id not in answers:
            continue
        (is_open, because), earlier = answers[lead_id], before.get(lead_id, _Before())
        refusal = _refusal(version, earlier, at) or ("" if is_open else because)
        row = Enrollment(
            workflow=version.workflow,
            version=version,
            lead_id=lead_id,
            occurrence=each.key,
            enrolled_at=at,
            because=f"{each.words}{f'. {because}' if is_open and because else ''}"[:400],
        )
        if refusal:
            row.state, row.because = State.REFUSED, f"{each.words}; {refusal}"[:400]
        elif arms.get(lead_id) == Arm.HELD_OUT:
            row.state, row.turn, row.ended_at = State.HELD_OUT, earlier.turns + 1, at
        else:
            row.state, row.turn, row.step, row.due_at = State.RUNNING, earlier.turns + 1, first, at
        if row.turn:
            is_running = row.state == State.RUNNING
            before[lead_id] = _Before(row.turn, is_running, None if is_running else at)
        made.append(row)
    return made


def _refusal(version: WorkflowVersion, earlier: _Before, at: datetime) -> str:
    """Why somebody with this past is not enrolled now; nothing if they may be."""
    if earlier.is_running:
        return "is enrolled already"
    if earlier.turns and version.again_after_days is None:
        return "was enrolled before, and each lead is enrolled once"
    pause = timedelta(days=version.again_after_days or 0)
    if earlier.ended_at and at < earlier.ended_at + pause:
        return f"was enrolled until {earlier.ended_at:%Y-%m-%d}, less than {pause.days} days ago"
    return ""


def first_step(version: WorkflowVersion) -> WorkflowStep | None:
    """The step that a version begins with."""
    return version.steps.filter(parent__isnull=True).order_by("position", "pk").first()
