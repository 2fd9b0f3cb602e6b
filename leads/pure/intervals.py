"""Intervals around shares, so that a claim comes with what it is worth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist


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


def deviate(confidence: float) -> float:
    """How many standard deviations a two-sided interval reaches; ValueError unless 0 < confidence < 1."""
    if not 0 < confidence < 1:
        raise ValueError("confidence must lie between 0 and 1")
    return NormalDist().inv_cdf((1 + confidence) / 2)
