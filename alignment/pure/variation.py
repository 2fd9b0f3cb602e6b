"""Whether a figure moved outside its normal variation: the XmR chart's natural process limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

MIN_POINTS = 8
_XMR = 2.66  # 3 / 1.128: three sigma, with sigma estimated from the mean of the moving ranges of two


@dataclass(frozen=True, slots=True)
class Verdict:
    """Limits in the unit of the figure, None while the history is too short; `because` is a plain
    sentence."""

    is_unusual: bool
    direction: Literal["above", "below", ""]
    low: float | None
    center: float | None
    high: float | None
    because: str


def is_unusual(history: Sequence[float], value: float) -> Verdict:
    """Judge a value by those before it, oldest first; `history` must not include the value itself.

    Limits are mean ± 2.66 × mean moving range. A history of fewer than MIN_POINTS is never unusual: it cannot
    tell. Raises ValueError for numbers that are not finite.
    """
    if not all(map(math.isfinite, [*history, value])):
        raise ValueError("figures must be finite numbers")
    if len(history) < MIN_POINTS:
        because = f"not enough data yet: {len(history)} of {MIN_POINTS} earlier values"
        return Verdict(False, "", None, None, None, because)
    center = math.fsum(history) / len(history)
    reach = _XMR * math.fsum(abs(b - a) for a, b in pairwise(history)) / (len(history) - 1)
    low, high = center - reach, center + reach
    slack = 1e-9 * max(1.0, abs(center))  # a flat line of fractions must not cross itself by rounding
    limits = f"{low:,.4g} to {high:,.4g}"
    if value > high + slack:
        return Verdict(True, "above", low, center, high, f"above the normal range of {limits}")
    if value < low - slack:
        return Verdict(True, "below", low, center, high, f"below the normal range of {limits}")
    return Verdict(False, "", low, center, high, f"within the normal range of {limits}")
