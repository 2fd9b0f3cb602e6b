"""What a rule set would have done with past leads, judged by what became of them.

Each lead is followed for the same number of days from its creation (the horizon). It counts as qualified on the first
day on which both thresholds are met, by what was known and done until then, and only if that day comes before the
outcome: an SQL that would have qualified afterwards is no success of the rules. Calibration looks at the score a week
after creation (the landmark) and at outcomes after it; whoever became an SQL before is left out there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from leads.pure.conditions.evaluate import Event, Facts
from leads.pure.intervals import Interval, lift_interval, wilson
from leads.pure.scoring.rules import RuleSet
from leads.pure.scoring.score import Scorer

LANDMARK = timedelta(days=7)
BANDS = (0, 10, 20, 30, 40, 50, 60, 80, 100)
"""Lower ends of the score bands of the calibration; the last is open."""


@dataclass(frozen=True, slots=True)
class PastLead:
    """A lead as it came to be known: ``stood`` says from which company day on which values held, the first from the
    beginning; ``outcome_on`` is the day it became an SQL."""

    lead: int
    created_on: date
    stood: Sequence[tuple[date, Mapping[str, object]]]
    events: Sequence[Event]
    outcome_on: date | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule set says of one lead: when it would have qualified in time, and its score at the landmark."""

    qualified_on: date | None
    total: int


class Judge:
    """A rule set made ready to look at many past leads."""

    def __init__(self, rule_set: RuleSet, horizon: timedelta) -> None:
        self.rule_set, self.horizon = rule_set, horizon
        self._scorer = Scorer(rule_set)
        fit = [rule for rule in rule_set.rules if rule.side == "fit"]
        self._fit = Scorer(RuleSet(rule_set.version, fit, 0, 0, rule_set.fit_cap))
        self._is_fit_timed = any(each.days is not None for rule in fit for each in rule.when.conditions())
        self._kinds = self._scorer.kinds

    def __call__(self, past: PastLead) -> Verdict:
        """The verdict on one lead."""
        landmark = past.created_on + LANDMARK
        total = sum(self._scorer.sums(_facts(past, landmark), landmark))
        return Verdict(self._qualified_on(past), total)

    def _qualified_on(self, past: PastLead) -> date | None:
        end = past.created_on + self.horizon
        if past.outcome_on is not None:
            end = min(end, past.outcome_on)
        days = {past.created_on, *(since for since, _ in past.stood[1:])}
        days |= {event.on for event in past.events if event.kind in self._kinds}
        fits: dict[int, int] = {}
        for day in sorted(day for day in days if past.created_on <= day <= end):
            place, facts = _place(past, day), _facts(past, day)
            if self._is_fit_timed or place not in fits:
                fits[place] = self._fit.sums(facts, day)[0]
            if fits[place] >= self.rule_set.fit_threshold and self._scorer.is_qualified(facts, day):
                return day
        return None


@dataclass(slots=True)
class Tally:
    """What a rule set did with the sample so far."""

    qualified: int = 0
    hits: int = 0
    weeks: Counter[date] = field(default_factory=Counter)
    bands: dict[int, list[int]] = field(default_factory=lambda: {low: [0, 0] for low in BANDS})

    def add(self, past: PastLead, verdict: Verdict, horizon: timedelta) -> None:
        """Count one lead."""
        has_outcome = is_outcome(past, horizon)
        if verdict.qualified_on is not None:
            self.qualified += 1
            self.hits += has_outcome
            self.weeks[verdict.qualified_on - timedelta(days=verdict.qualified_on.weekday())] += 1
        if past.outcome_on is None or past.outcome_on > past.created_on + LANDMARK:
            band = self.bands[max(low for low in BANDS if low <= max(verdict.total, 0))]
            band[0] += 1
            band[1] += has_outcome


def is_outcome(past: PastLead, horizon: timedelta) -> bool:
    """Whether a lead became an SQL within the horizon."""
    return past.outcome_on is not None and past.outcome_on <= past.created_on + horizon


def summary(tally: Tally, *, n: int, outcomes: int, weeks: Iterable[date], capacity: int | None) -> dict[str, Any]:
    """The figures of one rule set, as plain values for storing.

    Every share comes with its 95 % interval (Wilson), the lift with one from the bootstrap. ``weeks`` are the Mondays
    of all weeks in which the leads of the sample could qualify whole.
    """
    counts = [tally.weeks[week] for week in weeks]
    precision = tally.hits / tally.qualified if tally.qualified else None
    base = outcomes / n if n else None
    lift = precision / base if precision is not None and base else None
    return {
        "qualified": tally.qualified,
        "hits": tally.hits,
        "precision": precision,
        "precision_interval": _pair(wilson(tally.hits, tally.qualified) if tally.qualified else None),
        "recall": tally.hits / outcomes if outcomes else None,
        "recall_interval": _pair(wilson(tally.hits, outcomes) if outcomes else None),
        "lift": lift,
        "lift_interval": _pair(lift_interval(tally.hits, tally.qualified, outcomes, n)),
        "per_week": sum(counts) / len(counts) if counts else None,
        "most_per_week": max(counts, default=None),
        "weeks": counts,
        "weeks_over": sum(count > capacity for count in counts) if capacity is not None else None,
        "bands": [
            {
                "low": low,
                "high": high,
                "n": found[0],
                "outcomes": found[1],
                "share": found[1] / found[0] if found[0] else None,
                "interval": _pair(wilson(found[1], found[0]) if found[0] else None),
            }
            for (low, high), found in zip(pairwise([*BANDS, None]), tally.bands.values(), strict=True)
        ],
    }


def _pair(interval: Interval | None) -> list[float] | None:
    return [interval.low, interval.high] if interval else None


def _place(past: PastLead, day: date) -> int:
    place = 0
    for number, (since, _) in enumerate(past.stood):
        if number and since <= day:
            place = number
    return place


def _facts(past: PastLead, day: date) -> Facts:
    """What was known on a day. Later events are left out by the scorer, too."""
    return Facts(past.stood[_place(past, day)][1], [event for event in past.events if event.on <= day])
