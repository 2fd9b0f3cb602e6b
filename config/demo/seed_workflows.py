"""The ready workflows in use: who was enrolled in the last weeks, what each step did, and who was held out.

Triggers, conditions, waits, quiet hours and arms are those of the portal itself, looked at as of each moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise

from django.db import transaction

from config.demo.workflow_effects import Effects
from leads.actions.workflows.do_step import Turn
from leads.actions.workflows.edit_draft import add_step, save_step
from leads.actions.workflows.enroll import first_step
from leads.actions.workflows.version_workflow import activate_version, copy_version, create_workflow
from leads.models import (
    Assignment,
    Company,
    Enrollment,
    FollowUp,
    HoldOutArm,
    Lead,
    LeadEvent,
    LeadScore,
    LifecyclePassage,
    Notification,
    Role,
    Stage,
    StepRun,
    User,
    Workflow,
    WorkflowMail,
    WorkflowStep,
    WorkflowSweep,
    WorkflowVersion,
)
from leads.past.acting import Door, act, backdated
from leads.pure.conditions.evaluate import Evaluator, Facts
from leads.pure.conditions.grammar import Group, from_json
from leads.pure.workflows.definition import StepKind, Trigger, mail_moment, wait_until
from leads.pure.workflows.hold_out import Arm, arm_of
from leads.pure.workflows.ready import READY
from leads.pure.workflows.templates import compose
from leads.pure.workflows.walk import Place, Walk
from leads.queries.conditions import facts_of, lead_catalog
from leads.queries.mail import OptOut, opt_outs
from leads.queries.workflows.names import template_values
from leads.queries.workflows.occurrences import Listener, Occurrence, dated, occurrences

WEEKS = 6
CHANGED = [HoldOutArm, FollowUp, LeadEvent, Lead, LifecyclePassage, Assignment]
"""What workflows write whose past is kept."""
_State, _Outcome = Enrollment.State, StepRun.Outcome
_SECOND = "A longer pause before the second email"
_REASSIGN = "Agreed in the weekly meeting: who is not called for six hours gets another rep"
_FIRST_STEPS = 3  # of the escalation, before it reassigned


def write_workflows(at: datetime, seed: int) -> None:
    """Six workflows with the log of their first weeks, once."""
    if Workflow.objects.exists():
        return
    admin = User.objects.filter(role=Role.ADMIN).order_by("pk")[0]
    since = at - timedelta(weeks=WEEKS)
    with transaction.atomic(), backdated(at), act(Door.JOB, source="workflows", because="Scheduled work"):
        past = _Past(at, seed)
        for ready in READY.values():
            if ready.key == "sla":
                ready = replace(ready, steps=ready.steps[:_FIRST_STEPS])
            flow = create_workflow(name=ready.name, by=admin, at=since, ready=ready, about=ready.about,
                                   seed=f"{seed} {ready.key}")  # fmt: skip
            activate_version(version=flow.versions.get(), why="Agreed with sales", by=admin, at=since)
            Workflow.objects.filter(pk=flow.pk).update(dated_on=at.astimezone(past.company.tz).date())
            if ready.key == "nurture":
                _second_version(flow, admin, at - timedelta(days=17))
            elif ready.key == "sla":
                _reassign(flow, admin, at - timedelta(days=11))
            past.live_through(flow, since)
        past.effects.write()
        copy_version(version=Workflow.objects.get(name=READY["hot"].name).versions.get(), by=admin, at=at)
        WorkflowSweep.objects.create(pk=1, seen_until=at)
        _leave_one_unclear(at)


def _second_version(flow: Workflow, admin: User, at: datetime) -> None:
    draft = copy_version(version=flow.versions.get(), by=admin, at=at)
    pause = draft.steps.filter(kind=StepKind.WAIT).order_by("position")[1]
    save_step(step=pause, settings={"amount": 4, "unit": "business_days"})
    activate_version(version=draft, why=_SECOND, by=admin, at=at)


def _reassign(flow: Workflow, admin: User, at: datetime) -> None:
    draft = copy_version(version=flow.versions.get(), by=admin, at=at)
    for step in READY["sla"].steps[_FIRST_STEPS:]:
        add_step(version_id=draft.pk, kind=step.kind, settings=step.settings)
    activate_version(version=draft, why=_REASSIGN, by=admin, at=at)


def _leave_one_unclear(at: datetime) -> None:
    """One email whose worker stopped in the middle, for a person to decide about."""
    newest = WorkflowMail.objects.filter(state=WorkflowMail.State.SENT, sent_at__lt=at - timedelta(hours=4))
    if mail := newest.order_by("-sent_at", "-pk").first():
        said = "The worker stopped while it was sending."
        WorkflowMail.objects.filter(pk=mail.pk).update(state=WorkflowMail.State.UNCLEAR, sent_at=None, said=said)


@dataclass(slots=True)
class _Plan:
    """A version with its steps."""

    version: WorkflowVersion
    steps: dict[int, WorkflowStep]
    walk: Walk
    first: WorkflowStep | None


@dataclass(slots=True)
class _Written:
    """Rows that hang on an enrollment, written when it has its key."""

    runs: list[StepRun] = field(default_factory=list)
    mails: list[WorkflowMail] = field(default_factory=list)
    told: list[Notification] = field(default_factory=list)


class _Past:
    """What was so at each moment, as far as workflows ask."""

    def __init__(self, at: datetime, seed: int) -> None:
        self.at, self.company, self.catalog = at, Company.current(), lead_catalog()
        self.effects = Effects(at, self.company, seed)
        self.stages: dict[int, list[tuple[datetime, str]]] = {}
        rows = LifecyclePassage.objects.filter(passed_at__lte=at).order_by("passed_at", "pk")
        for lead_id, moment, stage in rows.values_list("lead_id", "passed_at", "to_stage"):
            self.stages.setdefault(lead_id, []).append((moment, stage))
        self.facts: dict[int, Facts] = {}
        self.leads: dict[int, Lead] = {}
        self.mute: dict[int, OptOut] = {}
        self.arms: dict[int, HoldOutArm] = {}
        self.ready: dict[Group, Evaluator] = {}
        self.leaders = list(User.objects.active().filter(role=Role.SALES_LEADER).order_by("pk"))

    def live_through(self, flow: Workflow, since: datetime) -> None:
        """Enroll whom the workflow's trigger was for, and take their steps as far as they had come."""
        plans = [_plan(version) for version in flow.versions.select_related("workflow").order_by("activated_at")]
        found = sorted(self._occurrences(plans[0].version, since), key=lambda each: (each.at, each.key))
        self._know({each.lead_id for each in found})
        last: dict[int, Enrollment] = {}
        made: list[tuple[Enrollment, _Written]] = []
        for each in found:
            if each.lead_id not in self.leads:
                continue
            moment = each.at + timedelta(seconds=20)
            plan = [one for one in plans if (one.version.activated_at or moment) <= moment][-1]
            row, rest = self._enrolled(plan, each, moment, last.get(each.lead_id))
            if row.turn:
                last[each.lead_id] = row
            made.append((row, rest))
        HoldOutArm.objects.bulk_create(self.arms.values(), batch_size=500)
        self.arms = {}
        Enrollment.objects.bulk_create((row for row, _ in made), batch_size=500)
        StepRun.objects.bulk_create((each for _, rest in made for each in rest.runs), batch_size=500)
        WorkflowMail.objects.bulk_create((each for _, rest in made for each in rest.mails), batch_size=500)
        for row, rest in made:
            for told in rest.told:
                told.key = f"workflow:{row.pk}:{told.key}"
        Notification.objects.bulk_create((each for _, rest in made for each in rest.told), batch_size=500)

    def _occurrences(self, version: WorkflowVersion, since: datetime) -> Iterator[Occurrence]:
        trigger = version.trigger
        if trigger == Trigger.DATE:
            day = since.astimezone(self.company.tz).date()
            while day <= self.at.astimezone(self.company.tz).date():
                opens = datetime.combine(day, self.company.business_opens, self.company.tz)
                for each in dated(version.settings, day, self.company.tz):
                    if opens < self.at:
                        yield Occurrence(each.lead_id, each.key, opens, each.words)
                day += timedelta(days=1)
        elif trigger == Trigger.SCORE:
            yield from self._crossings(int(version.settings["score"]), since)
        elif trigger == Trigger.NO_ANSWER:
            rows = FollowUp.objects.filter(due_at__gte=since, due_at__lt=self.at, because__startswith="became MQL")
            for row in rows.order_by("due_at", "pk"):
                if row.done_at is None or row.done_at > row.due_at:
                    words = "Was not answered within the Sales SLA"
                    yield Occurrence(row.lead_id, f"follow_up:{row.pk}", row.due_at, words)
        else:
            listener = Listener(0, trigger, version.settings, since)
            for page in occurrences([listener], since, self.at):
                yield from page.get(0, ())

    def _crossings(self, wanted: int, since: datetime) -> Iterator[Occurrence]:
        by_lead: dict[int, list[tuple[datetime, int]]] = {}
        for lead_id, moment, total in LeadScore.objects.order_by("scored_at", "pk").values_list(
            "lead_id", "scored_at", "total"
        ):
            by_lead.setdefault(lead_id, [(moment, 0)]).append((moment, total))
        for lead_id, listed in by_lead.items():
            for (_, before), (moment, total) in pairwise(listed):
                if before < wanted <= total and since <= moment < self.at:
                    words = f"Score rose to {total}, at least {wanted}"
                    yield Occurrence(lead_id, f"score:{lead_id}:{moment:%Y%m%d%H%M%S}", moment, words)

    def _know(self, lead_ids: set[int]) -> None:
        new = Lead.objects.live().filter(pk__in=lead_ids - self.leads.keys())
        leads = list(new.select_related("owner", "account", "channel").order_by("pk"))
        self.leads |= {lead.pk: lead for lead in leads}
        self.facts |= facts_of(leads, until=self.at)
        self.mute |= opt_outs(leads)

    def _holds(self, group: Group, lead_id: int, moment: datetime) -> tuple[bool, str]:
        stages = [stage for passed, stage in self.stages.get(lead_id, ()) if passed <= moment]
        known = self.facts[lead_id]
        values = {
            **known.values,
            "stage": stages[-1] if stages else "subscriber",
            "is_unsubscribed": self._refused(lead_id, moment) is not None,
        }
        if group not in self.ready:
            self.ready[group] = Evaluator(group, self.catalog)
        answer = self.ready[group](
            Facts(values, [each for each in known.events if each.at <= moment]),
            moment.astimezone(self.company.tz).date(),
        )
        return answer.holds, answer.because

    def _refused(self, lead_id: int, moment: datetime) -> OptOut | None:
        found = self.mute.get(lead_id)
        return found if found and (found.at is None or found.at <= moment) else None

    def _enrolled(
        self, plan: _Plan, each: Occurrence, moment: datetime, before: Enrollment | None
    ) -> tuple[Enrollment, _Written]:
        version, lead = plan.version, self.leads[each.lead_id]
        row = Enrollment(
            workflow=version.workflow,
            version=version,
            lead=lead,
            occurrence=each.key,
            enrolled_at=moment,
            because=each.words[:400],
        )
        conditions, goal = from_json(version.conditions), from_json(version.goal)
        is_open, because = self._holds(conditions, lead.pk, moment)
        again = version.again_after_days
        refusal = "" if is_open else f"does not meet the conditions: {because}"
        if before and (before.ended_at is None or before.ended_at > moment):
            refusal = "is enrolled already"
        elif before and again is None:
            refusal = "was enrolled before, and each lead is enrolled once"
        elif before and before.ended_at and moment < before.ended_at + timedelta(days=again or 0):
            refusal = f"was enrolled until {before.ended_at:%Y-%m-%d}, less than {again} days ago"
        elif not refusal and goal.items and (reached := self._holds(goal, lead.pk, moment))[0]:
            refusal = f"has reached the goal already: {reached[1]}"
        rest = _Written()
        if refusal:
            row.state, row.because = _State.REFUSED, f"{each.words}; {refusal}"[:400]
            return row, rest
        row.turn = (before.turn or 0) + 1 if before else 1
        if conditions.items:
            row.because = f"{each.words}. {because[:1].upper()}{because[1:]}"[:400]
        if version.hold_out_percent and self._arm(version, lead, moment) == Arm.HELD_OUT:
            row.state, row.ended_at = _State.HELD_OUT, moment
        else:
            row.step = plan.first
            self._walk(plan, row, rest, goal, moment)
        return row, rest

    def _arm(self, version: WorkflowVersion, lead: Lead, moment: datetime) -> Arm:
        """As `leads.actions.workflows.hold_out.arms_of` gives it; here one person after the other."""
        if lead.pk not in self.arms:
            arm = arm_of(version.workflow.seed, str(lead.public_id), version.hold_out_percent)
            self.arms[lead.pk] = HoldOutArm(
                workflow=version.workflow, version=version, lead=lead, arm=arm, assigned_at=moment
            )
        return Arm(self.arms[lead.pk].arm)

    def _walk(self, plan: _Plan, row: Enrollment, rest: _Written, goal: Group, moment: datetime) -> None:
        while True:
            if moment > self.at:
                row.state, row.due_at = _State.RUNNING, moment
                return
            row.due_at = moment
            reached = self._holds(goal, row.lead_id, moment) if goal.items else (False, "")
            step = plan.steps.get(row.step_id or 0)
            if reached[0] or step is None:
                row.state = _State.GOAL if reached[0] else _State.COMPLETED
                row.step, row.ended_at, row.ended_because = None, moment, reached[1][:300]
                return
            side, ran_at, outcome = "", moment, str(_Outcome.DONE)
            if step.kind == StepKind.WAIT:
                moment = wait_until(step.settings, moment, self.company.hours)
                said = f"Until {moment.astimezone(self.company.tz):%-d %b %Y, %H:%M}"
            elif step.kind == StepKind.BRANCH:
                holds, because = self._holds(from_json(step.settings["conditions"]), row.lead_id, moment)
                side = "yes" if holds else "no"
                said = f"{'Yes' if holds else 'No'}: {because}"
            else:
                outcome, said = self._done(plan, row, rest, step, moment)
            rest.runs.append(StepRun(enrollment=row, step=step, outcome=outcome, said=said[:400], ran_at=ran_at))
            following = plan.walk.after(step.pk, side)
            row.step = plan.steps[following] if following else None

    def _done(
        self, plan: _Plan, row: Enrollment, rest: _Written, step: WorkflowStep, moment: datetime
    ) -> tuple[str, str]:
        lead = row.lead
        if step.kind == StepKind.EMAIL:
            return self._mailed(plan, row, rest, step, moment)
        if step.kind == StepKind.NOTIFY:
            people = self.leaders if str(step.settings["to"]).startswith("role:") else [lead.owner]
            named = [person for person in people if person is not None and person.is_active]
            for person in named:
                rest.told.append(_message(person, row, step, moment))
            said = f"Told {', '.join(map(str, named))}" if named else "There is nobody to notify."
            return (_Outcome.DONE if named else _Outcome.SKIPPED), said
        if step.kind == StepKind.FOLLOW_UP:
            source = f"workflow “{plan.version.workflow.name}”"
            kind, hours = str(step.settings["kind"]), float(step.settings["hours"])
            return self.effects.plan_call(lead, kind, hours, source, moment)
        turn = Turn(row, plan.version, lead, step, self.company, moment)
        passed = self.stages.setdefault(lead.pk, [])
        if done := self.effects.do(turn, has_moved_on=any(at > moment for at, _ in passed)):
            if step.kind == StepKind.STAGE and done[0] == _Outcome.DONE:
                passed.append((moment, lead.stage))
            return done
        if step.kind == StepKind.REASSIGN:
            return _Outcome.SKIPPED, "No other rep is available."
        before = [stage for at, stage in passed if at <= moment]
        return _Outcome.SKIPPED, f"The lead is at {Stage(before[-1]).label if before else 'Subscriber'} already."

    def _mailed(
        self, plan: _Plan, row: Enrollment, rest: _Written, step: WorkflowStep, moment: datetime
    ) -> tuple[str, str]:
        lead, version = row.lead, plan.version
        if not lead.email:
            return _Outcome.SKIPPED, "The lead has no email address."
        if refused := self._refused(lead.pk, moment):
            return _Outcome.SKIPPED, f"No email may be sent: {refused.words}."
        form = row.because.partition("“")[2].partition("”")[0] if row.because.startswith("Sent “") else ""
        letter = compose(step.settings["subject"], step.settings["body"], template_values(lead, self.company, form))
        opens = mail_moment(
            moment, self.company.hours, version.mails_from, version.mails_until, business_days=version.on_business_days
        )
        sent_at = opens + timedelta(seconds=25)
        is_sent = sent_at < self.at
        rest.mails.append(
            WorkflowMail(
                enrollment=row,
                step=step,
                email=lead.email,
                reply_to=lead.owner.email if lead.owner else "",
                subject=letter.subject,
                text=letter.text,
                not_before=opens,
                state=WorkflowMail.State.SENT if is_sent else WorkflowMail.State.WAITING,
                claimed_at=sent_at if is_sent else None,
                attempts=int(is_sent),
                sent_at=sent_at if is_sent else None,
            )
        )
        late = "" if opens == moment else f", not before {opens.astimezone(self.company.tz):%-d %b %Y, %H:%M}"
        return _Outcome.DONE, f"“{letter.subject}”{late}"


def _plan(version: WorkflowVersion) -> _Plan:
    steps = {step.pk: step for step in version.steps.all()}
    places = [Place(step.pk, step.parent_id, step.side, step.position) for step in steps.values()]
    return _Plan(version, steps, Walk(places), first_step(version))


def _message(person: User, row: Enrollment, step: WorkflowStep, moment: datetime) -> Notification:
    company = f", {row.lead.company}" if row.lead.company else ""
    return Notification(
        kind="workflow",
        channel="portal",
        recipient=person,
        title=f"{step.settings['text']}: {row.lead.display_name}{company}"[:200],
        text=f"By workflow “{row.workflow.name}”. {row.because}"[:500],
        link=row.lead.get_absolute_url(),
        key=str(step.pk),
        created_at=moment,
        read_at=moment + timedelta(hours=3),
        state=Notification.State.SENT,
        sent_at=moment,
    )
