"""Conversion between two stages, by cohort and by period, and pipeline velocity.

The split of a change in revenue is part of the funnel too and is offered here; its arithmetic has its own
module.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alignment.pure.decomposition import Decomposition, Segment, decompose
from leads.pure.week import Week

__all__ = [
    "Cohort",
    "Decomposition",
    "Entry",
    "PeriodConversion",
    "Segment",
    "cohort_conversion",
    "decompose",
    "lead_velocity_rate",
    "maturity",
    "period_conversion",
    "velocity",
]


@dataclass(frozen=True, slots=True)
class Entry:
    """One subject's way between two stages: when it entered A and when it first reached B (None: not yet);
    aware."""

    entered_at: datetime
    reached_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cohort:
    """Those who entered A in a week and how many of them ever reached B; `rate` from 0 to 1, None for nobody.

    `is_unfinished`: the cohort is younger than the time the passage usually takes, so its rate may still
    rise.
    """

    week: Week
    entered: int
    reached: int
    rate: float | None
    is_unfinished: bool


@dataclass(frozen=True, slots=True)
class PeriodConversion:
    """Arrivals in B over arrivals in A in the same week; can exceed 1, None if nobody entered A."""

    week: Week
    entered: int
    reached: int
    rate: float | None


def cohort_conversion(
    entries: Sequence[Entry], weeks: Sequence[Week], tz: ZoneInfo, at: datetime, maturity_days: float
) -> list[Cohort]:
    """A cohort per given week, as known at a moment: what was reached later is not counted yet."""
    entered: Counter[Week] = Counter()
    reached: Counter[Week] = Counter()
    for entry in entries:
        if entry.entered_at <= at:
            week = Week.of(entry.entered_at, tz)
            entered[week] += 1
            reached[week] += entry.reached_at is not None and entry.reached_at <= at
    young = timedelta(days=maturity_days)
    return [
        Cohort(week, entered[week], reached[week], _rate(reached[week], entered[week]), week.bounds(tz)[1] + young > at)
        for week in weeks
    ]


def period_conversion(
    entered: Sequence[datetime], reached: Sequence[datetime], weeks: Sequence[Week], tz: ZoneInfo
) -> list[PeriodConversion]:
    """Arrivals in A and in B per given week, whoever they are."""
    into_a = Counter(Week.of(moment, tz) for moment in entered)
    into_b = Counter(Week.of(moment, tz) for moment in reached)
    return [PeriodConversion(week, into_a[week], into_b[week], _rate(into_b[week], into_a[week])) for week in weeks]


def maturity(entries: Sequence[Entry], share: float = 0.9, default_days: float = 90.0) -> float:
    """Days within which `share` of the passages that happened did happen; the default below 20 of them.

    Give it entries old enough to be finished: among young ones only quick passages can have happened.
    """
    days = sorted(
        max((entry.reached_at - entry.entered_at) / timedelta(days=1), 0.0)
        for entry in entries
        if entry.reached_at is not None
    )
    if len(days) < 20:
        return default_days
    return days[min(len(days) - 1, math.ceil(share * len(days)) - 1)]


def velocity(
    open_count: int, win_rate: float | None, avg_size_cents: int | None, cycle_days: float | None
) -> int | None:
    """Pipeline velocity in cents a day: open opportunities × win rate × average deal size / cycle days.

    None if a factor is unknown or the cycle takes no time.
    """
    if win_rate is None or avg_size_cents is None or cycle_days is None or cycle_days <= 0:
        return None
    return round(open_count * win_rate * avg_size_cents / cycle_days)


def lead_velocity_rate(this_month: int, last_month: int) -> float | None:
    """(Qualified leads this month − last month) / last month; None after a month without any. Whole months
    only."""
    return (this_month - last_month) / last_month if last_month else None


def _rate(part: int, whole: int) -> float | None:
    return part / whole if whole else None
