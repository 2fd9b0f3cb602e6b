"""What the demo's workflows did to leads: calls that they planned, leads that they moved, each known since its moment.

A step has its effect where nothing of the company's rows speaks against it. Otherwise it was left out, for a reason
that the portal itself would give.
"""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import datetime, timedelta

from config.demo.past import known_since
from leads.actions.workflows.do_step import Turn, by_workflow, do_step
from leads.models import Company, FollowUp, Lead, LeadEvent, StepRun, User
from leads.past.acting import Door, act, backdated
from leads.pure.calendar import BusinessHours, due_at
from leads.queries.calendar import hours_of

_Outcome, _Kind = StepRun.Outcome, LeadEvent.Kind
_IN_TIME, _LATE = 0.82, 0.95
"""Of calls that a workflow plans, so many are made in time, and so many in time or late; the rest is closed."""
_ANSWERS = (FollowUp.Outcome.REACHED, FollowUp.Outcome.NO_ANSWER, FollowUp.Outcome.MEETING_BOOKED)
_STALE = timedelta(days=4)
_CHANGES_LAST = timedelta(hours=1)
"""A change of the company's rows holds an hour of its writer (see `timeline`)."""


class Effects:
    """Promises of every lead, those of workflows among them; `write` stores the latter."""

    def __init__(self, at: datetime, company: Company, seed: int) -> None:
        self.at, self.company, self.chance = at, company, random.Random(f"{seed} workflow effects")
        self.promises: defaultdict[int, list[FollowUp]] = defaultdict(list)
        for promise in FollowUp.objects.order_by("planned_at", "pk"):
            self.promises[promise.lead_id].append(promise)
        self.made: list[FollowUp] = []
        self.hours: dict[int, BusinessHours] = hours_of(list(User.objects.values_list("pk", flat=True)), company)

    def plan_call(self, lead: Lead, kind: str, hours: float, source: str, moment: datetime) -> tuple[str, str]:
        """A follow-up of this moment and what became of it, unless one of its kind was open; outcome and words."""
        label = FollowUp.Kind(kind).label.lower()
        if lead.owner is None:
            return _Outcome.SKIPPED, "Nobody owns the lead."
        others = [each for each in self.promises[lead.pk] if each.kind == kind]
        # One that is open today stands in the way, too: of a kind only one may be open, also while this one is written.
        if any(each.done_at is None or each.planned_at <= moment < each.done_at for each in others):
            return _Outcome.SKIPPED, f"There is an open follow-up of this kind ({label}) already."
        calendar = self.hours[lead.owner.pk]
        due = due_at(moment, hours, calendar)
        promise = FollowUp(lead=lead, owner=lead.owner, kind=kind, because=source[:200], planned_at=moment, due_at=due)
        later = min((each.planned_at for each in others if each.planned_at > moment), default=None)
        self._live_on(promise, hours, calendar, later)
        self.promises[lead.pk].append(promise)
        self.made.append(promise)
        there = due.astimezone(self.company.tz)
        return _Outcome.DONE, f"A {label} for {lead.owner}, due {there:%-d %b %Y, %H:%M}"

    def do(self, turn: Turn, *, has_moved_on: bool) -> tuple[str, str] | None:
        """Take a step as the portal does, as of its moment; None where the lead's later story rules that out."""
        moment = max(turn.at, known_since(turn.lead))
        if has_moved_on or moment > turn.at + _CHANGES_LAST:
            return None
        with backdated(moment), by_workflow(turn.version.workflow):
            done = do_step(turn)
        for promise in self.made:
            if promise.lead_id == turn.lead.pk and promise.done_at is None:
                promise.owner = turn.lead.owner
        return done

    def write(self) -> None:
        """Store the calls, planned by their workflow and done by their owner, each as of its moment."""
        for promise in sorted(self.made, key=lambda each: each.planned_at):
            done_at, outcome = promise.done_at, promise.outcome
            promise.done_at, promise.outcome = None, ""
            with backdated(promise.planned_at), act(Door.RULE, source="workflows", because=promise.because):
                promise.save(force_insert=True)
                self._tell(promise, _Kind.FOLLOW_UP_PLANNED, promise.planned_at)
            if done_at is None:
                continue
            promise.done_at, promise.outcome = done_at, outcome
            role = promise.owner.get_role_display() if promise.owner else ""
            with backdated(done_at), act(Door.PAGE, actor=promise.owner_id, because=role):
                promise.save(update_fields=["done_at", "outcome"])
                self._tell(promise, _Kind.FOLLOW_UP_DONE, done_at)

    def _live_on(self, promise: FollowUp, hours: float, calendar: BusinessHours, later: datetime | None) -> None:
        """When it was done and how, if it was. The next promise of its kind finds it closed."""
        luck, answer = self.chance.random(), self.chance.choices(_ANSWERS, (11, 7, 2))[0]
        if luck < _IN_TIME:
            done_at = due_at(promise.planned_at, hours * self.chance.uniform(0.1, 0.9), calendar)
        elif luck < _LATE:
            done_at = due_at(promise.due_at, self.chance.uniform(0.5, 9), calendar)
        else:
            done_at, answer = promise.due_at + _STALE, FollowUp.Outcome.NOT_NEEDED
        if later is not None and done_at >= later:
            done_at, answer = later - (later - promise.planned_at) / 3, FollowUp.Outcome.NOT_NEEDED
        if done_at < self.at:
            promise.done_at, promise.outcome = done_at, answer

    def _tell(self, promise: FollowUp, kind: str, moment: datetime) -> None:
        is_done = kind == _Kind.FOLLOW_UP_DONE
        told = {"outcome": promise.outcome} if is_done else {"due_at": promise.due_at.isoformat()}
        LeadEvent.objects.create(
            lead=promise.lead,
            kind=kind,
            happened_at=moment,
            recorded_at=moment,
            by=promise.owner if is_done else None,
            details={"kind": promise.kind, **told},
        )
