"""Intervals around shares, so that a claim comes with what it is worth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np


@dataclass(frozen=True, slots=True)
class Interval:
    """Limits in the unit of the estimate."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval of a share, within 0 to 1; the whole range if n is 0.

    Raises ValueError unless 0 <= successes <= n and 0 < confidence < 1.
    """
    if not 0 <= successes <= n:
        raise ValueError("successes must lie between 0 and n")
    z = deviate(confidence)
    if n == 0:
        return Interval(0.0, 1.0)
    share = successes / n
    center = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # The formula gives exactly 0 and 1 at the ends, but for rounding.
    low = 0.0 if successes == 0 else max(0.0, center - reach)
    return Interval(low, 1.0 if successes == n else min(1.0, center + reach))


def lift_interval(
    hits: int, chosen: int, outcomes: int, n: int, *, confidence: float = 0.95, draws: int = 2_000, seed: int = 0
) -> Interval | None:
    """The percentile bootstrap interval of (hits / chosen) / (outcomes / n), drawing whole units with replacement.

    ``hits`` of the ``chosen`` units have the outcome, ``outcomes`` of all ``n`` have it. None where the lift is not
    defined, for the sample or for more than a twentieth of the draws. Source: Efron and Tibshirani, An Introduction to
    the Bootstrap, 1993, chapter 13.
    """
    cells = np.array([hits, chosen - hits, outcomes - hits, n - chosen - outcomes + hits])
    if n == 0 or (cells < 0).any() or chosen == 0 or outcomes == 0:
        return None
    drawn = np.random.default_rng(seed).multinomial(n, cells / n, size=draws)
    selected, with_outcome = drawn[:, 0] + drawn[:, 1], drawn[:, 0] + drawn[:, 2]
    is_defined = (selected > 0) & (with_outcome > 0)
    if is_defined.mean() < 0.95:
        return None
    kept = drawn[is_defined]
    lifts = (kept[:, 0] / selected[is_defined]) / (with_outcome[is_defined] / n)
    low, high = np.quantile(lifts, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high))


def deviate(confidence: float) -> float:
    """How many standard deviations a two-sided interval reaches; ValueError unless 0 < confidence < 1."""
    if not 0 < confidence < 1:
        raise ValueError("confidence must lie between 0 and 1")
    return NormalDist().inv_cdf((1 + confidence) / 2)
