"""Kaplan-Meier survival: how long things take when some are not finished yet.

Closed deals alone make a cycle look shorter than it is, the more so the more recent the window; deals still
open count here for as long as they have lasted.
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

_HALF = 0.5 + 1e-12  # products of fractions may miss one half by a rounding error


@dataclass(frozen=True, slots=True)
class MedianInterval:
    """Limits of a median in the unit of the durations; None where the data do not reach that far."""

    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Curve:
    """The estimate as steps: from `times[i]` on, a share of `shares[i]` is still open.

    `variances[i]` is Greenwood's sum of d / (n (n − d)) up to there, infinite once nobody is left. `count`
    and `event_count` are the sample.
    """

    times: tuple[float, ...]
    shares: tuple[float, ...]
    variances: tuple[float, ...]
    count: int
    event_count: int

    def at(self, time: float) -> float:
        """The share still open at a time, 1 before the first event."""
        index = bisect_right(self.times, time)
        return self.shares[index - 1] if index else 1.0

    def median(self) -> float | None:
        """The first time by which at most half is still open; None if the curve never falls that far."""
        return self._first(self.shares)

    def median_interval(self, confidence: float = 0.95) -> MedianInterval:
        """Brookmeyer and Crowley's interval on the log(-log) scale: where the curve's band crosses one half.

        Source: Biometrics 38 (1982), 29-41. Raises ValueError unless 0 < confidence < 1.
        """
        z = _z(confidence)
        return MedianInterval(self._first(self._band(z)), self._first(self._band(-z)))

    def _band(self, z: float) -> list[float]:
        """The limit of the curve z standard errors down (up, if negative); NaN where it is not defined."""
        limits = []
        for share, variance in zip(self.shares, self.variances, strict=True):
            if 0 < share < 1:
                limits.append(share ** math.exp(z * math.sqrt(variance) / abs(math.log(share))))
            else:
                # Nobody left: surely below one half by the lower limit, but the upper one is unknown.
                limits.append(0.0 if z > 0 else math.nan)
        return limits

    def _first(self, shares: Sequence[float]) -> float | None:
        return next((time for time, share in zip(self.times, shares, strict=True) if share <= _HALF), None)


def survival(durations: Sequence[float], events: Sequence[bool]) -> Curve:
    """The curve of durations in any unit; `events[i]` is false where the thing is still open (censored).

    At equal times, events come before censorings. Raises ValueError for negative or non-finite durations and
    for different lengths.
    """
    if len(durations) != len(events):
        raise ValueError("every duration needs to say whether it ended")
    if any(not math.isfinite(duration) or duration < 0 for duration in durations):
        raise ValueError("durations must be finite and not negative")
    leaving = Counter(durations)
    ended = Counter(duration for duration, event in zip(durations, events, strict=True) if event)
    at_risk = len(durations)
    share, variance = 1.0, 0.0
    steps = []
    for time in sorted(leaving):
        count = ended.get(time, 0)
        if count:
            share *= 1 - count / at_risk
            variance += count / (at_risk * (at_risk - count)) if count < at_risk else math.inf
            steps.append((time, share, variance))
        at_risk -= leaving[time]
    times, shares, variances = zip(*steps, strict=True) if steps else ((), (), ())
    return Curve(times, shares, variances, len(durations), ended.total())


def median(values: Sequence[float]) -> float | None:
    """The plain median, the mean of the middle two for an even number; None of nothing."""
    return statistics.median(values) if values else None


def _z(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ValueError("confidence must lie between 0 and 1")
    return NormalDist().inv_cdf((1 + confidence) / 2)
