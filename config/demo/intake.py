"""What the portal and its reps did with every lead: score, assignment, passages, follow-ups.

Decisions that the product makes are made by the product's own pure functions (scoring, routing, business hours, the
ladder of stages); only what people decided is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from config.demo.campaigns import BAD_CAMPAIGN
from config.demo.records import Deal, DemoCompany, Lead, Touch
from config.demo.seasons import working_moment
from config.demo.stories import Given, Passage, Promise, Story
from leads.actions.handover.reject_lead import FINAL_REASONS
from leads.models import RejectionReason
from leads.pure import calendar, lifecycle, routing
from leads.pure.capture.captured import SUBSCRIBER_KINDS
from leads.pure.conditions.evaluate import Event, Facts
from leads.pure.conditions.grammar import Condition
from leads.pure.conditions.properties import EVENT
from leads.pure.scoring.rules import RuleSet
from leads.pure.scoring.score import Score, Scorer

_REJECTIONS = (
    "bad_fit",
    "no_need",
    "no_authority",
    "no_budget",
    "bad_timing",
    "unreachable",
    "bad_data",
    "competitor",
)
_BAD_REJECTIONS = ("bad_fit", "competitor", "no_need", "bad_data")
_LONGEST_LEAVE = 60  # days
_ROUNDING = 4  # points that rounding once per rule can add
_QUIET = timedelta(days=30)  # after so long without an inquiry a lead that never qualified is closed


class Intake:
    """Runs all leads of a company through it. Ids of people, territories and rules are the caller's."""

    def __init__(
        self,
        company: DemoCompany,
        *,
        rule_set: RuleSet,
        territory_rules: routing.Rules,
        catch_all: int,
        reps: dict[int, list[routing.Rep]],
        names: dict[int, str],
        hours: calendar.BusinessHours,
        hours_of: Mapping[int, calendar.BusinessHours],
        follow_up_hours: int,
    ) -> None:
        self.company = company
        self.rng = Random(f"{company.seed} intake")
        self.hours_of = hours_of
        self.rule_set, self.hours, self.follow_up_hours = rule_set, hours, follow_up_hours
        self.territory_rules, self.catch_all, self.reps, self.names = territory_rules, catch_all, reps, names
        self.tz = ZoneInfo(company.time_zone)
        self.touches: list[list[Touch]] = [[] for _ in company.leads]
        for touch in company.touches:
            self.touches[touch.lead].append(touch)
        self.deals: dict[int, list[Deal]] = {}
        for deal in company.deals:
            for lead, _ in deal.contacts[:1]:
                self.deals.setdefault(lead, []).append(deal)
        self.account_owners: dict[int, tuple[int, datetime]] = {}
        self._scorer = Scorer(rule_set)
        behaviour = [(rule, _kind(rule.counted)) for rule in rule_set.rules if rule.counted and rule.points > 0]
        # Fit does not change with time: looking for the moment, only behaviour needs to be scored.
        self._behaviour = Scorer(
            replace(rule_set, fit_threshold=0, rules=[rule for rule in rule_set.rules if rule.side == "behaviour"])
        )
        self._counting = {kind for _, kind in behaviour}
        self._worth: dict[tuple[str, int], int] = {}
        for rule, kind in behaviour:
            for time in range(1, rule.max_times + 1):
                self._worth[kind, time] = self._worth.get((kind, time), 0) + rule.points
        self._matches: dict[str, routing.Match] = {}
        self._bad = next(n for n, campaign in enumerate(company.campaigns) if campaign.slug == BAD_CAMPAIGN)

    def run(self) -> list[Story]:
        """One story per lead, in order of capture; merged leads have an empty one."""
        return [
            self._story(number, lead) if lead.merged_into is None else Story(stage=lifecycle.LEAD)
            for number, lead in enumerate(self.company.leads)
        ]

    def _story(self, number: int, lead: Lead) -> Story:
        story = Story()
        touches = [touch for touch in self.touches[number] if not touch.is_bot]
        events = [Event(touch.kind, touch.name, touch.at, self.company.day_of(touch.at)) for touch in touches]
        facts = Facts(facts_of(lead), events)
        inquired_at = self._enter(story, number, lead)
        if inquired_at is None:
            touches = []  # subscribers asked for mail only: neither a rep nor a threshold concerns them
        else:
            self._assign(story, lead, inquired_at)
        now = self._score(facts, self.company.until)
        story.scores.append(Given(lead.captured_at, self._score(facts, lead.captured_at)))
        if now.fit < self.rule_set.fit_threshold:
            touches = []  # without fit no touch ever qualifies
        qualified_at = self._qualified(facts, touches, inquired_at or lead.captured_at)
        for deal in self.deals.get(number, []):
            if qualified_at is not None and qualified_at < deal.created_at:
                self._becomes_mql(story, facts, qualified_at, bool(lead.phone))
                self._accept(story, lead, qualified_at, deal.created_at)
            self._deal(story, lead, deal)
            qualified_at = self._returns(story, facts, touches)
        while qualified_at is not None and story.stage in (lifecycle.LEAD, lifecycle.RECYCLED):
            self._becomes_mql(story, facts, qualified_at, bool(lead.phone))
            self._work(story, lead, qualified_at)
            qualified_at = self._returns(story, facts, touches)
        if story.stage == lifecycle.LEAD and inquired_at is not None:
            self._close_quiet(story, number, inquired_at)
        last = max((event.at for event in events), default=story.scores[-1].at)
        if last > story.scores[-1].at:
            story.scores.append(Given(last, self._score(facts, last)))
        story.now = now
        return story

    def _close_quiet(self, story: Story, number: int, inquired_at: datetime) -> None:
        """Leads that stay below the thresholds do not pile up at their reps."""
        inquiries = (
            touch.at for touch in self.touches[number] if not touch.is_bot and touch.kind not in SUBSCRIBER_KINDS
        )
        quiet_at = max(inquired_at, *inquiries, inquired_at) + _QUIET
        if quiet_at < self.company.until:
            self._pass(story, quiet_at, lifecycle.DISQUALIFIED, f"no inquiry in {_QUIET.days} days")

    def _enter(self, story: Story, number: int, lead: Lead) -> datetime | None:
        """The first passages; returns when the person became a lead, None for those who stayed subscribers."""
        born = [touch for touch in self.touches[number] if touch.at == lead.captured_at]
        if not born or any(touch.kind not in SUBSCRIBER_KINDS for touch in born):
            self._pass(story, lead.captured_at, lifecycle.LEAD, "captured")
            return lead.captured_at
        self._pass(story, lead.captured_at, lifecycle.SUBSCRIBER, "captured")
        later = (touch for touch in self.touches[number] if touch.at > lead.captured_at and not touch.is_bot)
        inquiry = next((touch.at for touch in later if touch.kind not in SUBSCRIBER_KINDS), None)
        opened = min((deal.created_at for deal in self.deals.get(number, [])), default=None)
        if inquiry is None or (opened is not None and opened <= inquiry):
            return opened
        self._pass(story, inquiry, lifecycle.LEAD, "first inquiry")
        return inquiry

    def _assign(self, story: Story, lead: Lead, at: datetime) -> None:
        """As the assign action does it; while nobody is available, again every morning."""
        if lead.country not in self._matches:
            facts = Facts({"country": lead.country})
            self._matches[lead.country] = self.territory_rules.first_match(facts, at.astimezone(self.tz).date())
        rule = self._matches[lead.country].rule
        story.rule = rule.id if rule else None
        story.territory = rule.territory_id if rule else self.catch_all
        reps = self.reps[story.territory]
        owned = self.account_owners.get(lead.account) if lead.account is not None else None
        known = owned[0] if owned is not None else None
        story.assigned_at = at
        for _ in range(_LONGEST_LEAVE):
            choice = routing.choose_rep(reps, story.assigned_at.astimezone(self.tz).date(), known)
            if choice.rep_id is not None:
                break
            morning = story.assigned_at.replace(hour=6, minute=0, second=0, microsecond=0) + timedelta(days=1)
            if morning >= self.company.until:
                break
            story.assigned_at = morning
        where = self._matches[lead.country].because
        story.owner, story.because = choice.rep_id, f"{where}; {choice.because}"
        story.rotation = {str(rep): weight for rep, weight in choice.rotation.items()}
        story.passed_over = [
            {"rep": passed.name or self.names.get(passed.rep_id, ""), "why": passed.why}
            for passed in choice.passed_over
        ]
        self.reps[story.territory] = [replace(rep, current_credit=choice.credits[rep.id]) for rep in reps]
        if lead.account is not None and known is None and choice.rep_id is not None:
            self.account_owners[lead.account] = choice.rep_id, story.assigned_at

    def _qualified(self, facts: Facts, touches: list[Touch], since: datetime) -> datetime | None:
        """When both thresholds are first met at or after `since`; points come with touches only."""
        counts: dict[str, int] = {}
        # Two upper bounds, without decay and without limits on repeats: they save scoring most moments.
        most, decayed, before = 0, 0.0, since
        for touch in touches:
            counts[touch.kind] = counts.get(touch.kind, 0) + 1
            most += self._worth.get((touch.kind, counts[touch.kind]), 0)
            if self.rule_set.half_life_days:
                decayed *= 0.5 ** ((touch.at - before).total_seconds() / 86400 / self.rule_set.half_life_days)
            decayed, before = decayed + self._worth.get((touch.kind, 1), 0), touch.at
            if touch.at < since or min(most, decayed + _ROUNDING) < self.rule_set.behaviour_threshold:
                continue
            if touch.kind in self._counting and self._meets(facts, touch.at):
                return touch.at
        return None

    def _score(self, facts: Facts, at: datetime) -> Score:
        """As the intake gave it at a moment: what came later that day was not known yet."""
        known = Facts(facts.values, [event for event in facts.events if event.at <= at])
        return self._scorer(known, self.company.day_of(at))

    def _meets(self, facts: Facts, at: datetime) -> bool:
        known = Facts(facts.values, [event for event in facts.events if event.at <= at])
        return self._behaviour.is_qualified(known, self.company.day_of(at))

    def _returns(self, story: Story, facts: Facts, touches: list[Touch]) -> datetime | None:
        """When a recycled lead qualifies again: it takes a new inquiry since sales sent it back."""
        if story.stage != lifecycle.RECYCLED:
            return None
        back = story.passages[-1].at
        inquiries = (touch.at for touch in touches if touch.at > back and touch.kind not in SUBSCRIBER_KINDS)
        inquiry = next(inquiries, None)
        return self._qualified(facts, touches, inquiry) if inquiry is not None else None

    def _becomes_mql(self, story: Story, facts: Facts, at: datetime, has_phone: bool) -> None:
        given = self._score(facts, at)
        if story.scores[-1].at != at:
            story.scores.append(Given(at, given))
        version = self.rule_set.version
        because = f"fit {given.fit} and behavior {given.behaviour} meet version {version}'s thresholds"
        self._pass(story, at, lifecycle.MQL, because)
        due = calendar.due_at(at, self.follow_up_hours, self.hours_of.get(story.owner or 0, self.hours))
        why = f"became MQL; service level {self.follow_up_hours} business hours"
        story.promises.append(Promise("call" if has_phone else "email", why, at, due))

    def _answer(self, story: Story, at: datetime, latest: datetime, lead: Lead, outcome: str) -> datetime:
        """When the rep answers the open promise: mostly within the service level, sometimes days late."""
        rng = self.rng
        # Nobody replies at night: the delay runs in business hours, in which speed to lead is measured as well.
        answered = calendar.due_at(at, rng.lognormvariate(0.9, 1.0), self.hours)
        if answered >= latest:
            answered = at + (latest - at) * (0.2 + 0.5 * rng.random())
        answered = answered.replace(microsecond=0)
        story.promises[-1].done_at, story.promises[-1].outcome = answered, outcome
        return answered

    def _accept(self, story: Story, lead: Lead, at: datetime, opened: datetime) -> None:
        """An MQL that leads to an opportunity: accepted, verified, both before it opens."""
        answered = self._answer(story, at, at + (opened - at) * 0.6, lead, "reached")
        self._pass(story, answered, lifecycle.SAL, self._accepted(story), by=story.owner)
        verified = answered + (opened - answered) * (0.3 + 0.6 * self.rng.random())
        self._pass(story, verified.replace(microsecond=0), lifecycle.SQL, "verified in a call", by=story.owner)

    def _deal(self, story: Story, lead: Lead, deal: Deal) -> None:
        opened = max(deal.created_at, lead.captured_at, story.passages[-1].at)
        if story.stage != lifecycle.CUSTOMER:
            because = f"opportunity {deal.name}"[:300]
            self._pass(story, opened, lifecycle.OPPORTUNITY, because, by=story.owner, is_from_deal=True)
        if deal.status == "won" and deal.closed_at is not None:
            self._pass(story, deal.closed_at, lifecycle.CUSTOMER, "opportunity won", by=story.owner, is_from_deal=True)
        elif deal.status == "lost" and deal.closed_at is not None and story.stage == lifecycle.OPPORTUNITY:
            target = lifecycle.RECYCLED if self.rng.random() < 0.8 else lifecycle.DISQUALIFIED
            because = f"opportunity lost: {deal.lost_reason.lower()}"
            self._pass(story, deal.closed_at, target, because, by=story.owner, is_from_deal=True)
        elif deal.status == "open" and lead is self.company.leads[deal.lead]:
            self._plan_next(story, "meeting", f"next step in {deal.name}"[:200])

    def _work(self, story: Story, lead: Lead, at: datetime) -> None:
        """An MQL without an opportunity (so far): accepted, rejected with a reason, or not yet answered."""
        rng, until = self.rng, self.company.until
        is_bad = lead.campaign == self._bad
        away_since = self._away_since(story)
        is_recent = until - at < timedelta(days=12)
        if (away_since is not None and at >= away_since) or (is_recent and rng.random() < 0.3):
            return
        accepts = rng.random() < (0.16 if is_bad else 0.45 + 0.35 * lead.fit)
        outcome = "reached" if accepts or rng.random() < 0.6 else "no_answer"
        answered = self._answer(story, at, until, lead, outcome)
        if not accepts:
            reasons = _BAD_REJECTIONS if is_bad else _REJECTIONS
            reason = reasons[int(rng.random() ** 1.5 * len(reasons))]
            target = lifecycle.DISQUALIFIED if reason in FINAL_REASONS else lifecycle.RECYCLED
            self._pass(story, answered, target, RejectionReason(reason).label, reason=reason, by=story.owner)
        else:
            self._pass(story, answered, lifecycle.SAL, self._accepted(story), by=story.owner)
            self._after_acceptance(story, lead, answered)

    def _accepted(self, story: Story) -> str:
        return f"accepted by {self.names[story.owner]}" if story.owner else "accepted"

    def _after_acceptance(self, story: Story, lead: Lead, at: datetime) -> None:
        rng, until = self.rng, self.company.until
        if rng.random() < 0.3:
            verified = working_moment(rng, at + timedelta(days=1 + rng.expovariate(1 / 5.0)), lead.country)
            if verified < until:
                self._pass(story, verified, lifecycle.SQL, "verified in a call", by=story.owner)
        given_up = working_moment(rng, story.passages[-1].at + timedelta(days=18 + rng.random() * 45), lead.country)
        if given_up < until and rng.random() < 0.985:
            reason = ("bad_timing", "unreachable", "no_budget", "no_need", "bad_fit")[int(rng.random() ** 1.3 * 5)]
            target = lifecycle.DISQUALIFIED if reason in FINAL_REASONS else lifecycle.RECYCLED
            self._pass(story, given_up, target, RejectionReason(reason).label, reason=reason, by=story.owner)
        else:
            self._plan_next(story, "call" if rng.random() < 0.6 else "email", "next step agreed")

    def _plan_next(self, story: Story, kind: str, because: str) -> None:
        """An open promise around now: most still to come, some overdue."""
        rng, until = self.rng, self.company.until
        planned = max(story.passages[-1].at, until - timedelta(days=8))
        due = calendar.due_at(
            until + timedelta(days=rng.random() * 9 - 2.2), 1, self.hours_of.get(story.owner or 0, self.hours)
        )
        story.promises.append(Promise(kind, because, planned, max(due, planned)))

    def _away_since(self, story: Story) -> datetime | None:
        """The first day of the owner's leave if it covers the end of the data."""
        today = self.company.until.astimezone(self.tz).date()
        for rep in self.reps.get(story.territory or 0, []):
            if rep.id == story.owner:
                for start, end in rep.away:
                    if start <= today <= end:
                        return datetime(start.year, start.month, start.day, tzinfo=self.tz)
        return None

    def _pass(
        self,
        story: Story,
        at: datetime,
        target: str,
        because: str,
        *,
        reason: str = "",
        by: int | None = None,
        is_from_deal: bool = False,
    ) -> None:
        for step in lifecycle.passages_to(story.stage, target):
            why = f"inferred from {lifecycle.LABELS[target]}" if step.is_inferred else because
            given = "" if step.is_inferred else reason
            story.passages.append(
                Passage(at, step.from_stage, step.to_stage, step.is_inferred, why, given, by, is_from_deal)
            )
        story.stage = target


def _kind(counted: Condition) -> str:
    return counted.property.removeprefix(EVENT)


def facts_of(lead: Lead) -> dict[str, object]:
    """The attributes that scoring rules may ask for."""
    return {
        "email": lead.email or None,
        "job_title": lead.job_title,
        "company": lead.company,
        "industry": lead.industry,
        "company_size": lead.size,
        "country": lead.country,
        "region": lead.region,
        "phone": lead.phone,
        "account": lead.company if lead.account is not None else None,
    }
