"""Intervals around shares and medians, so that a claim comes with what it is worth."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from leads.pure.intervals import Interval, deviate, wilson

__all__ = ["Interval", "bootstrap_median", "newcombe_difference", "wilson"]


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
    deviate(confidence)
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
