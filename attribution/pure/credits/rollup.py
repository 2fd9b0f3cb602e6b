"""Roll-ups: credits summed by campaign and week, and what they say about cost."""

import numpy as np

from attribution.pure.columns.ordering import Ints

_EXACT = 2**53
"""Below this, sums of whole numbers in float64 are exact."""


def totals(cents: Ints, groups: Ints, size: int, *, unattributed: int = 0) -> Ints:
    """Sum credits per group, exactly.

    ``cents`` and ``groups`` int64[rows], groups from 0 to size - 1, or -1 for none. Returns int64[size + 1],
    whose last entry is Unattributed: ``unattributed`` cents plus the credits of group -1. Raises ValueError
    when a group is out of range.
    """
    low, high = _range(groups)
    if not -1 <= low <= high < size:
        raise ValueError("groups are out of range")
    sums = _sums(cents, groups if low >= 0 else np.where(groups < 0, size, groups), size + 1)
    sums[size] += unattributed
    return sums


def weekly(cents: Ints, groups: Ints, at: Ints, edges: Ints, size: int) -> Ints:
    """Sum credits per week and group, exactly; rows outside the weeks are left out.

    ``at`` int64[rows] is the moment each credit counts at, in UTC microseconds: the close (simple date basis)
    or the touch (realised). ``edges`` int64[weeks + 1], ascending, are the weeks' half-open bounds: the
    caller makes them, because only it knows the company's time zone. Returns int64[weeks, size + 1], the last
    column Unattributed. Raises ValueError when a group is out of range.
    """
    low, high = _range(groups)
    if not -1 <= low <= high < size:
        raise ValueError("groups are out of range")
    weeks = len(edges) - 1
    week = np.searchsorted(edges, at, side="right") - 1
    inside = (week >= 0) & (week < weeks)
    cell = week * (size + 1) + np.where(groups < 0, size, groups)
    return _sums(cents[inside], cell[inside], weeks * (size + 1)).reshape(weeks, size + 1)


def roi(revenue_cents: int, cost_cents: int | None) -> float | None:
    """Return (revenue - cost) / cost, or None when the cost is unknown or 0: that is no infinite return."""
    return None if not cost_cents else (revenue_cents - cost_cents) / cost_cents


def roas(revenue_cents: int, ad_spend_cents: int | None) -> float | None:
    """Return revenue / ad spend, or None when the spend is unknown or 0."""
    return None if not ad_spend_cents else revenue_cents / ad_spend_cents


def _range(groups: Ints) -> tuple[int, int]:
    return (int(groups.min()), int(groups.max())) if len(groups) else (-1, -1)


def _sums(cents: Ints, cell: Ints, cells: int) -> Ints:
    # bincount adds in float64: exact, and several times faster, as long as no partial sum can pass 2^53.
    if len(cents) and float(max(int(cents.max()), -int(cents.min()))) * len(cents) >= _EXACT:
        sums = np.zeros(cells, dtype=np.int64)
        np.add.at(sums, cell, cents)
        return sums
    return np.bincount(cell, weights=cents, minlength=cells).astype(np.int64)
