"""Markov chains of journeys, exactly: how many conversions would be lost without a place.

A journey is a walk from the start through its places to conversion or to nothing; people who never converted count as
much as those who did. Removing a place sends whoever would come there to nothing. No walk is simulated.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, bicgstab, spsolve

from attribution.pure.columns.ordering import Flags, Floats, Ints
from attribution.pure.learning.histories import Histories

_CLOSE = 1e-12
"""Relative residual at which an iteration over pairs counts as solved; values are kept to nine digits."""


def transitions(place: Ints, starts: Ints, last: Ints, converted: Flags, places: int) -> Ints:
    """Count the steps of all walks, int64[places + 1, places + 2].

    ``place`` runs over sorted touches, ``starts`` and ``last`` are the places in it where walks begin and end,
    ``converted`` runs over the walks. Rows are the places, then the start; columns the places, then conversion and
    nothing.
    """
    width = places + 2
    step = np.empty_like(place)
    np.multiply(place[:-1], width, out=step[1:])
    step[starts] = places * width
    step += place
    counts = np.bincount(step, minlength=(places + 1) * width)
    ends = place[last] * width + np.where(converted, places, places + 1)
    counts += np.bincount(ends, minlength=len(counts))
    return counts.reshape(places + 1, width)


def removal_effects(counts: Ints) -> Floats:
    """Return the share of conversions lost without each place, float64[places], of first-order ``transitions``.

    With N the expected visits and c the chance to convert from a place, it is the chance ever to come there,
    N[s, i] / N[i, i], times c[i] / c[s]. All are 0 where nobody converted.
    """
    places = len(counts) - 1
    chances = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    visits = np.linalg.inv(np.eye(places) - chances[:places, :places])
    converts = visits @ chances[:places, places]
    arrives = chances[places, :places] @ visits / np.diagonal(visits)
    whole = chances[places, :places] @ converts
    return arrives * converts / whole if whole > 0 else np.zeros(places)


def first_order(seen: Histories) -> Floats:
    """Return the removal effect of each place, float64[places]; people without a touch take no part."""
    converted = seen.converted[seen.person[seen.last]]
    return removal_effects(transitions(seen.place, seen.starts, seen.last, converted, seen.places))


def second_order(seen: Histories) -> Floats:
    """Return the removal effect of each place, float64[places], where a step depends on the two places before it.

    States are the observed pairs (place before, place); removing a place removes every pair that ends in it, so the
    effects of pairs are folded to their last place by the walk itself, not by adding them up.
    """
    if len(seen.place) == 0:
        return np.zeros(seen.places)
    chain = _Pairs(seen)
    whole = chain.converts(None)
    if whole <= 0:
        return np.zeros(seen.places)
    return np.array([max(0.0, 1 - chain.converts(place) / whole) for place in range(seen.places)])


def totals(effects: Floats, conversions: float) -> Floats:
    """Split ``conversions`` (or revenue) over places by their share of all removal effects, as is customary."""
    whole = effects.sum()
    return effects * (conversions / whole) if whole > 0 else np.zeros(len(effects))


class _Pairs:
    """The second-order chain: one state per observed pair, its steps a sparse matrix."""

    def __init__(self, seen: Histories) -> None:
        before = np.empty_like(seen.place)
        before[1:] = seen.place[:-1]
        before[seen.starts] = seen.places
        pairs, state = np.unique(before * seen.places + seen.place, return_inverse=True)
        size = len(pairs)
        self.place = pairs % seen.places
        follows = np.delete(np.arange(len(state)), seen.starts)
        steps = sparse.coo_matrix((np.ones(len(follows)), (state[follows - 1], state[follows])), (size, size)).tocsr()
        converted = seen.converted[seen.person[seen.last]]
        ends = state[seen.last]
        seldom = np.bincount(state, minlength=size).astype(np.float64)
        self.steps = sparse.diags(1 / seldom) @ steps
        self.ends = np.bincount(ends, weights=converted, minlength=size) / seldom
        starts = np.bincount(state[seen.starts], minlength=size)
        self.starts = starts / starts.sum()

    def converts(self, without: int | None) -> float:
        """The chance to convert from the start when pairs that end in a place lead to nothing."""
        kept = np.flatnonzero(self.place != (-1 if without is None else without))
        if len(kept) == 0:
            return 0.0
        steps, ends = self.steps[kept][:, kept], self.ends[kept]
        return float(self.starts[kept] @ _solved(steps, ends))


def _solved(steps: Any, ends: Floats) -> NDArray[np.float64]:
    """Solve x = steps x + ends. Walks are short, so an iteration needs few rounds where a factorization fills up."""
    size = len(ends)
    matrix = LinearOperator((size, size), matvec=lambda x: x - steps @ x, dtype=np.float64)
    found, failed = bicgstab(matrix, ends, x0=ends, rtol=_CLOSE, atol=0.0, maxiter=1000)
    if failed:
        found = spsolve((sparse.identity(size) - steps).tocsc(), ends)
    return np.asarray(found, dtype=np.float64)
