"""A version as pages show it: its sentences, its steps as lists in lists, and what each step did so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import Count

from leads.models import StepRun, WorkflowStep, WorkflowVersion
from leads.pure.conditions.grammar import from_json
from leads.pure.conditions.properties import Catalog
from leads.pure.conditions.sentences import sentence
from leads.pure.workflows.definition import Names, StepKind, step_sentence, trigger_sentence


@dataclass(slots=True)
class Line:
    """One step: its sentence, the lists of a branch, and how often it was done and left out."""

    step: WorkflowStep
    sentence: str
    number: str
    done: int = 0
    left_out: int = 0
    yes: list[Line] = field(default_factory=list)
    no: list[Line] = field(default_factory=list)
    is_first: bool = False
    is_last: bool = False

    @property
    def is_branch(self) -> bool:
        return self.step.kind == StepKind.BRANCH


@dataclass(frozen=True, slots=True)
class Outline:
    """A version in words."""

    starts: str
    conditions: str
    goal: str
    again: str
    mails: str
    hold_out: str
    lines: Sequence[Line]

    @property
    def flat(self) -> dict[int, Line]:
        """Every line by the key of its step."""
        found: dict[int, Line] = {}
        waiting = list(self.lines)
        while waiting:
            line = waiting.pop()
            found[line.step.pk] = line
            waiting += [*line.yes, *line.no]
        return found


def outline(version: WorkflowVersion, catalog: Catalog, names: Names, *, counts: bool = False) -> Outline:
    """The version in words; with ``counts`` what its steps did, over all versions that have them."""
    definition = version.definition
    steps = list(version.steps.order_by("position", "pk"))
    runs = _runs(version) if counts else Counter()
    again = definition.again_after_days
    percent, unit = definition.hold_out_percent, definition.hold_out_unit
    first, last = definition.mails_from, definition.mails_until
    hours = f"from {first:%H:%M} to {last:%H:%M}" if first != last else "at any time"
    return Outline(
        starts=trigger_sentence(definition.trigger, definition.settings, names),
        conditions=sentence(definition.conditions, catalog) if definition.conditions.items else "",
        goal=sentence(definition.goal, catalog) if definition.goal.items else "",
        again=f"again, {again} days or more after its end" if again else "once",
        mails=f"{hours}{' on business days' if definition.on_business_days else ''}",
        hold_out=f"{percent}% of {'accounts' if unit == 'account' else 'people'}, at random" if percent else "",
        lines=_lines(steps, None, "", "", catalog, names, runs),
    )


def _runs(version: WorkflowVersion) -> Counter[tuple[str, bool]]:
    rows = StepRun.objects.filter(step__version__workflow=version.workflow_id).values_list("step__key", "outcome")
    found: Counter[tuple[str, bool]] = Counter()
    for key, outcome, count in rows.annotate(n=Count("pk")).order_by():
        found[str(key), outcome == StepRun.Outcome.DONE] += count
    return found


def _lines(
    steps: Sequence[WorkflowStep],
    parent: int | None,
    side: str,
    prefix: str,
    catalog: Catalog,
    names: Names,
    runs: Counter[tuple[str, bool]],
) -> list[Line]:
    listed = [step for step in steps if step.parent_id == parent and step.side == side]
    lines = []
    for place, step in enumerate(listed, start=1):
        number = f"{prefix}{place}"
        said = ""
        if step.kind == StepKind.BRANCH:
            said = sentence(from_json(step.settings["conditions"]), catalog)
        line = Line(
            step=step,
            sentence=step_sentence(step.kind, step.settings, names, said),
            number=number,
            done=runs[str(step.key), True],
            left_out=runs[str(step.key), False],
            is_first=place == 1,
            is_last=place == len(listed),
        )
        if line.is_branch:
            line.yes = _lines(steps, step.pk, "yes", f"{number}a", catalog, names, runs)
            line.no = _lines(steps, step.pk, "no", f"{number}b", catalog, names, runs)
        lines.append(line)
    return lines
