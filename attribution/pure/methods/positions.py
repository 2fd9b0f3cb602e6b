"""What the position methods share: fixed shares for marked touches, the rest for those between."""

from collections.abc import Sequence

import numpy as np

from attribution.pure.columns.ordering import Flags, Floats, Ints
from attribution.pure.journeys.journeys import Journeys


def whole_credit(journeys: Journeys, holder: Ints) -> Floats:
    """Give 1 to the touch holding a position, int64[journeys] of touch indexes; nothing where it is -1."""
    weights = np.zeros(len(journeys.row))
    weights[holder[holder >= 0]] = 1.0
    return weights


def shared_credit(journeys: Journeys, positions: tuple[Ints, ...], *, share: int, rest: int) -> Floats:
    """Give ``share`` to the holder of each position and ``rest`` in equal parts to all other touches.

    Shares are whole parts of any total, so that sums stay exact. Shares of coinciding positions add up; what
    a vacant position or a journey without other touches leaves over is spread over the remaining shares in
    proportion.
    """
    return unequal_credit(journeys, positions, shares=(share,) * len(positions), rest=rest)


def unequal_credit(
    journeys: Journeys, positions: Sequence[Ints], *, shares: Sequence[int], rest: int, counted: Flags | None = None
) -> Floats:
    """As ``shared_credit``, with a positive share for each position.

    Where no share finds a touch (``rest`` is 0 and every position vacant, say) the journey gets nothing. With
    ``counted``, bool[touches], only these are others; holders are the caller's choice.
    """
    if len(journeys) == 0:
        return np.zeros(0)
    is_marked = np.zeros(len(journeys.row), dtype=np.bool_)
    held = np.zeros(len(journeys), dtype=np.int64)
    for holder, share in zip(positions, shares, strict=True):
        is_marked[holder[holder >= 0]] = True
        held += np.where(holder >= 0, share, 0)
    marked = np.flatnonzero(is_marked)
    journey = journeys.journey[marked]
    if counted is None:
        others = journeys.lengths - np.bincount(journey, minlength=len(journeys))
    else:
        others = journeys.sums((counted & ~is_marked).astype(np.float64)).astype(np.int64)
    given = np.maximum(held + np.where(others > 0, rest, 0), 1)
    weights = journeys.spread(rest / np.maximum(others, 1) / given)
    if counted is not None:
        weights[~counted] = 0.0
    # Shares are added up before they are divided: a touch that holds every position gets exactly 1.
    weights[marked] = 0.0
    for holder, share in zip(positions, shares, strict=True):
        weights[holder[holder >= 0]] += share
    weights[marked] /= given[journey]
    return weights
