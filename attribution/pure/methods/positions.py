"""What the position methods share: fixed shares for marked touches, the rest for those between."""

import numpy as np

from attribution.pure.journeys import Journeys
from attribution.pure.ordering import Floats, Ints


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
    marked = np.zeros(len(journeys.row), dtype=np.bool_)
    held = np.zeros(len(journeys), dtype=np.int64)
    for holder in positions:
        marked[holder[holder >= 0]] = True
        held += holder >= 0
    if len(journeys) == 0:
        return np.zeros(0)
    others = journeys.lengths - np.add.reduceat(marked, journeys.starts, dtype=np.int64)
    weights: Floats = np.repeat(rest / np.maximum(others, 1), journeys.lengths)
    weights[marked] = 0.0
    for holder in positions:
        weights[holder[holder >= 0]] += share
    weights /= np.repeat(held * share + np.where(others > 0, rest, 0), journeys.lengths)
    return weights
