"""The score of a lead on a company day.

A score is nothing but its reasons: `total == sum(reason.points for reason in reasons)`, always. Caps, decay and the
floor at zero therefore change the points of reasons, and the changed reason says so; no balancing row is ever added.

- Each counted event is worth `points × 2^(−age in company days / half-life)`, rounded once per rule, half away from
  zero.
- A group's cap cuts the last reasons of that group first. A total below zero is lifted to zero by cutting the last
  negative reasons first: nobody is less interesting than a stranger.
- Nothing but the company day makes a score older, so that it is the same from midnight to midnight.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from leads.pure.conditions.evaluate import Evaluator, Event, Facts, matcher, turns_on
from leads.pure.conditions.grammar import Condition, number
from leads.pure.conditions.properties import EVENT, Catalog, Operator
from leads.pure.conditions.sentences import limits
from leads.pure.scoring.rules import SCORED, Rule, RuleSet, Side

TRIED_STEPS = 40
"""So many changes of single reasons are looked through for one that changes what is shown; the last of them is named
when none does, which costs one look more."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a rule gave these points: ``because`` is a plain sentence without a full stop.

    Decay starts from ``each`` (points for a fresh event), ``days`` (when the counted ones happened, newest first) and
    ``half_life``; ``said`` is the sentence before ages are added. Without days nothing decays.
    """

    rule: str
    points: int
    because: str
    rule_id: int = 0
    side: Side = "fit"
    said: str = ""
    each: int = 0
    days: tuple[date, ...] = ()
    half_life: float | None = None

    @property
    def times(self) -> int:
        """How many events counted; 1 for what is no event."""
        return max(len(self.days), 1)

    @property
    def whole(self) -> int:
        """What it was worth when it was fresh."""
        return self.each * self.times


@dataclass(frozen=True, slots=True)
class Score:
    """Points in all and by group, each the sum of its reasons; `is_qualified` when both thresholds are met.

    ``turns_on``: the first later day on which conditions may turn by themselves, so that the facts must be looked at
    again; ``changes_on``: the first later day on which the points may differ without anything happening.
    """

    total: int
    fit: int
    behaviour: int
    reasons: tuple[Reason, ...] = ()
    is_qualified: bool = False
    turns_on: date | None = None
    changes_on: date | None = None
    counted: tuple[Reason, ...] = field(default=(), repr=False, compare=False)
    """The reasons before caps and floor."""


class Scorer:
    """A rule set made ready once, for many leads."""

    def __init__(self, rule_set: RuleSet, catalog: Catalog = SCORED) -> None:
        self.rule_set = rule_set
        self._rules: list[Callable[[Facts, Mapping[str, Sequence[Event]], date], Reason | None]] = []
        self._timed: list[Condition] = []
        for rule in rule_set.rules:
            prepared = _Behaviour(rule, rule_set, catalog) if rule.counted else _Fit(rule, catalog)
            self._rules.append(prepared.reason)
            self._timed += [each for each in rule.when.conditions() if _is_timed(each)]
        self.kinds = {
            each.property.removeprefix(EVENT)
            for rule in rule_set.rules
            for each in rule.when.conditions()
            if each.property.startswith(EVENT)
        }

    def __call__(self, facts: Facts, on: date) -> Score:
        """The score on a company day; events of later days do not count yet."""
        found, coming = self._found(facts, on)
        turns = [day for each in self._timed if (day := turns_on(each, facts, on))]
        return score_of(found, self.rule_set, on, min([*turns, *([coming] if coming else [])], default=None))

    def sums(self, facts: Facts, on: date) -> tuple[int, int]:
        """Fit and behavior alone, for whoever looks at very many days."""
        return _sums(self._found(facts, on)[0], self.rule_set)

    def is_qualified(self, facts: Facts, on: date) -> bool:
        """Whether both thresholds are met."""
        fit, behaviour = self.sums(facts, on)
        return fit >= self.rule_set.fit_threshold and behaviour >= self.rule_set.behaviour_threshold

    def _found(self, facts: Facts, on: date) -> tuple[list[Reason], date | None]:
        """The reasons before caps, and the day of the next event to come."""
        by_kind: dict[str, list[Event]] = {}
        coming: date | None = None
        for event in facts.events:
            if event.kind in self.kinds:
                if event.on > on:
                    coming = min(event.on, coming or event.on)
                else:
                    by_kind.setdefault(event.kind, []).append(event)
        for events in by_kind.values():
            events.sort(key=lambda event: (event.at, event.name), reverse=True)
        return [reason for rule in self._rules if (reason := rule(facts, by_kind, on)) and reason.points], coming


class _Fit:
    def __init__(self, rule: Rule, catalog: Catalog) -> None:
        self._rule, self._when = rule, Evaluator(rule.when, catalog)

    def reason(self, facts: Facts, by_kind: Mapping[str, Sequence[Event]], on: date) -> Reason | None:
        because, rule = self._when.reason(facts, on), self._rule
        return Reason(rule.name, rule.points, because, rule.id, "fit", each=rule.points) if because else None


class _Behaviour:
    def __init__(self, rule: Rule, rule_set: RuleSet, catalog: Catalog) -> None:
        counted = rule.counted
        if counted is None:
            raise ValueError("not a behavior rule")
        self._rule, self._condition, self._find = rule, counted, matcher(counted)
        self._kind = counted.property.removeprefix(EVENT)
        self._label = catalog[counted.property].label
        self._others = Evaluator(rule.others, catalog) if rule.others.items else None
        self._half_life = rule_set.half_life_of(rule)
        self._is_repeated = rule.is_repeated

    def reason(self, facts: Facts, by_kind: Mapping[str, Sequence[Event]], on: date) -> Reason | None:
        events = by_kind.get(self._kind, ())
        matching = self._find(events, on) if events else []
        rule = self._rule
        if self._is_repeated:
            counted = matching[: rule.max_times]
            if not counted:
                return None
            said = self._named(counted)
        else:
            if not _in_range(self._condition, len(matching)):
                return None
            counted = matching[:1]
            said = f"{self._label} ×{len(matching)}, {_range(self._condition)}"
        if self._others is not None:
            because = self._others.reason(facts, on)
            if not because:
                return None
            said = f"{because}; {said[:1].lower()}{said[1:]}"
        days = tuple(event.on for event in counted)
        reason = Reason(rule.name, 0, "", rule.id, "behaviour", said, rule.points, days, self._half_life)
        return aged(reason, on)

    def _named(self, counted: Sequence[Event]) -> str:
        times = f" ×{len(counted)}" if len(counted) > 1 else ""
        names = {event.name for event in counted}
        name = f" “{counted[0].name}”" if counted[0].name and len(names) == 1 else ""
        return f"{self._label}{name}{times}"


def score_of(counted: Iterable[Reason], rule_set: RuleSet, on: date, turns: date | None) -> Score:
    """The score that reasons add up to under the caps of a rule set, and the day on which it changes next."""
    whole = tuple(counted)
    reasons = capped(whole, rule_set)
    fit = sum(reason.points for reason in reasons if reason.side == "fit")
    behaviour = sum(reason.points for reason in reasons if reason.side == "behaviour")
    return Score(
        total=fit + behaviour,
        fit=fit,
        behaviour=behaviour,
        reasons=tuple(reasons),
        is_qualified=fit >= rule_set.fit_threshold and behaviour >= rule_set.behaviour_threshold,
        turns_on=turns,
        changes_on=_changes_on(whole, rule_set, on, turns, (fit, behaviour)),
        counted=whole,
    )


def aged(reason: Reason, on: date) -> Reason:
    """The same reason on another company day: what it is still worth, with the age in words."""
    if reason.side == "fit":
        return reason
    points = points_on(reason, on)
    because = reason.said
    if reason.days:
        because += f", {'newest ' if len(reason.days) > 1 else ''}{_ago((on - reason.days[0]).days)}"
    if points != reason.whole:
        because += f" (worth {points} of {reason.whole} points by now)"
    # Not replace(), which takes as long as all the rest; scores are made by the hundred thousand.
    return Reason(
        reason.rule,
        points,
        because,
        reason.rule_id,
        reason.side,
        reason.said,
        reason.each,
        reason.days,
        reason.half_life,
    )


def points_on(reason: Reason, on: date) -> int:
    """What a reason is worth on a company day, before caps: rounded once, half away from zero."""
    if reason.half_life is None or not reason.days:
        return reason.whole
    fresh = sum(math.exp2(-(on - day).days / reason.half_life) for day in reason.days)
    exact = reason.each * fresh
    return int(math.copysign(math.floor(abs(exact) + 0.5), exact))


def capped(reasons: Sequence[Reason], rule_set: RuleSet) -> list[Reason]:
    """The reasons after caps and floor."""
    kept = _cap(reasons, "fit", rule_set.fit_cap)
    kept = _cap(kept, "behaviour", rule_set.behaviour_cap)
    missing = -sum(reason.points for reason in kept)
    return _cut(kept, missing, "a score is never below 0", lambda reason: reason.points < 0)


def _changes_on(
    counted: Sequence[Reason], rule_set: RuleSet, on: date, turns: date | None, shown: tuple[int, int]
) -> date | None:
    """The first later day on which fit or behavior differ, by looking from step to step of single reasons."""
    moving = [reason for reason in counted if reason.half_life is not None and reason.days and reason.points]
    day = on
    for _ in range(TRIED_STEPS):
        steps = [step for reason in moving if (step := _next_step(reason, day))]
        if not steps or (turns and min(steps) >= turns):
            return turns
        day = min(steps)
        later = _sums([aged(reason, day) for reason in counted], rule_set)
        if later != shown:
            return day
    return day


def _sums(reasons: Sequence[Reason], rule_set: RuleSet) -> tuple[int, int]:
    """Fit and behavior after caps and floor, without the words."""
    if any(reason.points < 0 for reason in reasons):
        kept = capped(reasons, rule_set)
        return (
            sum(reason.points for reason in kept if reason.side == "fit"),
            sum(reason.points for reason in kept if reason.side == "behaviour"),
        )
    fit = sum(reason.points for reason in reasons if reason.side == "fit")
    behaviour = sum(reason.points for reason in reasons if reason.side == "behaviour")
    return (
        fit if rule_set.fit_cap is None else min(fit, rule_set.fit_cap),
        behaviour if rule_set.behaviour_cap is None else min(behaviour, rule_set.behaviour_cap),
    )


def _next_step(reason: Reason, on: date) -> date | None:
    """The first day after ``on`` on which the rounded points of a reason are others; None once they are 0."""
    now = abs(points_on(reason, on))
    half_life = reason.half_life
    if now == 0 or half_life is None:
        return None
    exact = abs(reason.each) * sum(math.exp2(-(on - day).days / half_life) for day in reason.days)
    # All events age alike: after k days the sum is worth 2^(−k / half-life) of what it is now. Rounding errors of the
    # logarithm can name a neighbouring day, which is looked at.
    k = max(1, math.ceil(half_life * math.log2(exact / (now - 0.5))) - 1)
    while abs(points_on(reason, on + timedelta(days=k))) == now:
        k += 1
    return on + timedelta(days=k)


def _is_timed(condition: Condition) -> bool:
    return condition.days is not None


def _in_range(condition: Condition, count: int) -> bool:
    low, high = number(condition.low), number(condition.high)
    match condition.operator:
        case Operator.HAPPENED:
            return low is not None and count >= low
        case Operator.AT_MOST:
            return high is not None and count <= high
        case Operator.NEVER:
            return count == 0
        case _:
            return low is not None and high is not None and low <= count <= high


def _range(condition: Condition) -> str:
    return "never" if condition.operator == Operator.NEVER else limits(condition)


def _cap(reasons: Sequence[Reason], side: Side, cap: int | None) -> list[Reason]:
    excess = sum(reason.points for reason in reasons if reason.side == side) - cap if cap is not None else 0
    note = f"{'behavior' if side == 'behaviour' else side} counts at most {cap}"
    return _cut(reasons, excess, note, lambda reason: reason.side == side and reason.points > 0)


def _cut(reasons: Sequence[Reason], excess: int, note: str, is_eligible: Callable[[Reason], bool]) -> list[Reason]:
    """Take `excess` points off the eligible reasons, from the last one backwards, saying so in each."""
    kept = list(reasons)
    for index in range(len(kept) - 1, -1, -1):
        if excess <= 0:
            break
        reason = kept[index]
        if is_eligible(reason):
            cut = min(excess, abs(reason.points))
            points = reason.points - int(math.copysign(cut, reason.points))
            because = f"{reason.because} (cut from {reason.points} to {points}: {note})"
            kept[index] = replace(reason, points=points, because=because)
            excess -= cut
    return kept


def _ago(days: int) -> str:
    return "today" if days == 0 else "1 day ago" if days == 1 else f"{days} days ago"
