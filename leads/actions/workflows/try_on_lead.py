"""Test run: what a version would do with a lead, found by doing it in a transaction that is rolled back.

So the very same code speaks, and nothing of it stays: no row, no turn of a rep, no email.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from leads.actions.workflows.advance import Walked, ready, walk_on
from leads.actions.workflows.enroll import first_step
from leads.actions.workflows.hold_out import arms_of
from leads.models import Company, Enrollment, Lead, WorkflowVersion
from leads.pure.conditions.evaluate import Evaluator
from leads.pure.conditions.grammar import from_json
from leads.pure.workflows.definition import MOST_STEPS
from leads.pure.workflows.hold_out import Arm
from leads.queries.conditions import facts_of, lead_catalog


@dataclass(frozen=True, slots=True)
class TriedStep:
    """What a step would do, and when; with the email that it would send."""

    step_id: int
    at: datetime
    outcome: str
    said: str
    subject: str = ""
    text: str = ""


@dataclass(slots=True)
class Trial:
    """Whether the lead would be enrolled, why, and what would happen then."""

    lead: Lead
    is_enrolled: bool
    because: str
    is_held_out: bool = False
    end: str = ""
    end_because: str = ""
    steps: list[TriedStep] = field(default_factory=list)


def try_on_lead(*, version: WorkflowVersion, lead_id: int, at: datetime) -> Trial:
    """Go through every step now, as if the trigger had just happened and waits were over at once.

    The steps are shown even where the lead would not be enrolled. Conditions look at the lead as it is now.
    """
    with transaction.atomic():
        trial = _try(version, lead_id, at)
        transaction.set_rollback(True)
    return trial


def _try(version: WorkflowVersion, lead_id: int, at: datetime) -> Trial:
    rows = Lead.objects.select_for_update(of=("self",)).select_related("owner", "account", "channel")
    lead = rows.get(pk=lead_id)
    walked = Walked(Company.current(), lead_catalog(), ready([version]))
    group = from_json(version.conditions)
    day = at.astimezone(walked.company.tz).date()
    answer = Evaluator(group, walked.catalog)(facts_of([lead], properties=group.properties)[lead.pk], day)
    arm = arms_of(version=version, leads=[lead], at=at).get(lead.pk)
    trial = Trial(lead, answer.holds, answer.because, arm == Arm.HELD_OUT)
    # Whoever is in it already goes through it once more, for the look of it.
    Enrollment.objects.running().filter(workflow=version.workflow_id, lead=lead).delete()
    turns = Enrollment.objects.entered().filter(workflow=version.workflow_id, lead=lead).count()
    row = Enrollment.objects.create(
        workflow=version.workflow,
        version=version,
        lead=lead,
        state=Enrollment.State.RUNNING,
        occurrence="trial",
        turn=turns + 1_000,
        because="Test run",
        enrolled_at=at,
        step=first_step(version),
        due_at=at,
    )
    moment: datetime | None = at
    for _ in range(MOST_STEPS + 1):
        if moment is None:
            break
        walked.facts.clear()
        moment = walk_on(row, walked, moment)
    mails = {mail.step_id: mail for mail in row.mails.order_by("pk")}
    for run in row.step_runs.order_by("ran_at", "pk"):
        mail = mails.get(run.step_id)
        letter = (mail.subject, mail.text) if mail else ("", "")
        trial.steps.append(TriedStep(run.step_id, run.ran_at, run.outcome, run.said, *letter))
    trial.end, trial.end_because = row.get_state_display(), row.ended_because
    return trial
