"""Fit A to D by engagement 1 to 4: where a lead stands between nothing and what the thresholds ask for."""

from __future__ import annotations

from dataclasses import dataclass

FIT_GRADES, ENGAGEMENT_GRADES = "ABCD", "1234"
GRADES = tuple(fit + engagement for fit in FIT_GRADES for engagement in ENGAGEMENT_GRADES)
"""Every cell of the grid; A and B meet the fit threshold, 1 and 2 the behavior threshold."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Points that an MQL needs."""

    fit: int
    behaviour: int


Limits = tuple[int | None, int | None]
"""Points from which on, and below which, a grade reaches; None is open."""


def limits_of(threshold: int) -> tuple[Limits, Limits, Limits, Limits]:
    """The four grades of one side: from half as much again as the threshold, from the threshold, from half of it,
    and below. With a threshold of 0 or less everybody meets it."""
    high, half = -(-threshold * 3 // 2), -(-threshold // 2)
    high, half = max(high, threshold), min(half, threshold)
    return (high, None), (threshold, high), (half, threshold), (None, half)


def grade_limits(thresholds: Thresholds, grade: str) -> tuple[Limits, Limits]:
    """The limits of fit and of behavior of a cell such as "B2"."""
    fit = limits_of(thresholds.fit)[FIT_GRADES.index(grade[0])]
    return fit, limits_of(thresholds.behaviour)[ENGAGEMENT_GRADES.index(grade[1])]


def grade_of(thresholds: Thresholds, fit: int, behaviour: int) -> str:
    """The cell of a score."""
    return _of(FIT_GRADES, thresholds.fit, fit) + _of(ENGAGEMENT_GRADES, thresholds.behaviour, behaviour)


def _of(names: str, threshold: int, points: int) -> str:
    places = limits_of(threshold)
    return next(name for name, (low, _) in zip(names, places, strict=True) if low is None or points >= low)


def said(limits: Limits) -> str:
    """ "30 or more", "20 to 29", "below 10"."""
    low, high = limits
    if high is None:
        return f"{low} or more"
    if low is None:
        return f"below {high}"
    return f"{low} to {high - 1}" if high > low else "nobody"
