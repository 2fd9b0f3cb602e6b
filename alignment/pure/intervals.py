"""Intervals around shares and medians, so that a claim comes with what it is worth."""

from __future__ import annotations

import math
from collections.abc import Sequence
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
    z = _z(confidence)
    if n == 0:
        return Interval(0.0, 1.0)
    share = successes / n
    center = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # The formula gives exactly 0 and 1 at the ends, but for rounding.
    low = 0.0 if successes == 0 else max(0.0, center - reach)
    return Interval(low, 1.0 if successes == n else min(1.0, center + reach))


def newcombe_difference(
    successes: int, n: int, successes_before: int, n_before: int, confidence: float = 0.95
) -> Interval:
    """The interval of (share now − share before), from −1 to 1, by Newcombe's hybrid score method.

    Source: Statistics in Medicine 17 (1998), 873-890, method 10. Raises ValueError as wilson does.
    """
    now, before = wilson(successes, n, confidence), wilson(successes_before, n_before, confidence)
    if n == 0 or n_before == 0:
        return Interval(now.low - before.high, now.high - before.low)
    p, q = successes / n, successes_before / n_before
    low = p - q - math.hypot(p - now.low, before.high - q)
    return Interval(low, p - q + math.hypot(now.high - p, q - before.low))


def bootstrap_median(
    values: Sequence[float], seed: int, confidence: float = 0.95, resamples: int = 2000
) -> Interval | None:
    """The percentile bootstrap interval of a median; None below 3 values. The same seed gives the same
    interval.

    Memory stays at about 8 MB whatever the sample. Raises ValueError for values that are not finite.
    """
    _z(confidence)
    sample = np.asarray(values, dtype=np.float64)
    if not np.isfinite(sample).all():
        raise ValueError("values must be finite")
    if sample.size < 3:
        return None
    chance = np.random.default_rng(seed)
    at_once = max(1, 1_000_000 // sample.size)
    medians = np.concatenate(
        [
            np.median(sample[chance.integers(0, sample.size, (min(at_once, resamples - done), sample.size))], axis=1)
            for done in range(0, resamples, at_once)
        ]
    )
    tail = (1 - confidence) / 2
    low, high = np.quantile(medians, [tail, 1 - tail])
    return Interval(float(low), float(high))


def _z(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ValueError("confidence must lie between 0 and 1")
    return NormalDist().inv_cdf((1 + confidence) / 2)
