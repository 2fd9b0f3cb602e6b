"""Credits: a deal's amount split by weights into whole cents that add up exactly."""

import math
from itertools import pairwise

import numpy as np

from attribution.pure.columns.ordering import Floats, Ints
from attribution.pure.journeys.journeys import Journeys

LIMIT = 10**15
"""The largest amount, in cents, that can be split."""

_UNITS = 320 * math.lcm(*range(1, 31))
"""A weight of 1 in whole units (7.5e14).

Weights become whole numbers before they are multiplied, so that equal shares tie exactly and no cent is lost
to floating point. The number is divisible by the denominators the methods produce (1/n, 0.225, 0.1/n …), so
that these are held without rounding for journeys of up to 30 touches, and small enough that a weight's own
rounding error vanishes.
"""

_NOTHING = 0.75 / _UNITS
"""Weights up to this are not worth a unit."""

_SHORT = 1 << 13
"""A remainder (50 bits) and a place in a journey up to this length fit one number of 63 bits."""

_BLOCK = 1 << 15
"""Touches divided at a time."""

_PART = 1 << 19
"""Touches split at a time, give or take a journey: what the steps need between them stays small for any size."""

_WHOLE = 1e-9
"""Weights whose sum is this close to 1 claim the whole amount."""


def allocate(journeys: Journeys, weights: Floats, amount_cents: Ints) -> Ints:
    """Split each opportunity's amount over its touches by largest remainder.

    ``weights`` float64[touches], not negative, at most 1 per journey; ``amount_cents`` int64[opportunities],
    of either sign; returns int64[touches]. Where a journey's weights sum to 1 the credits sum to the amount
    exactly; where they sum to less (a baseline), to the amount times the sum, rounded half up. Cents left
    after rounding down go to the largest remainders, on a tie to the earlier touch; a touch of weight 0 never
    gets any. A negative amount is split as its opposite. Raises ValueError on a wrong length, a weight or sum
    out of range, or an amount beyond LIMIT.
    """
    total = _check(journeys, weights, amount_cents)
    return _allocate(weights, amount_cents[journeys.opportunity], total, journeys.journey, journeys.lengths)


def allocate_again(weights: Floats, amount_cents: Ints, lengths: Ints) -> Ints:
    """Split other amounts by weights that are known, as `allocate` would.

    ``amount_cents`` and ``lengths`` int64[journeys]; ``weights`` of their touches one after the other, each journey's
    in the order of time. What is beyond LIMIT is not split.
    """
    journey = np.repeat(np.arange(len(lengths)), lengths)
    total = np.bincount(journey, weights=weights, minlength=len(lengths)).astype(np.float64)
    return _allocate(weights, np.clip(amount_cents, -LIMIT, LIMIT), total, journey, lengths)


def _allocate(weights: Floats, amount: Ints, total: Floats, journey: Ints, lengths: Ints) -> Ints:
    """Split ``amount[journeys]``, of which weights that sum to ``total[journeys]`` claim their part."""
    cents = np.zeros(len(weights), dtype=np.int64)
    if len(weights) == 0:
        return cents
    is_credited = weights > _NOTHING
    target = _claimed(np.abs(amount), total)
    if is_credited.all():
        cents = _split(weights, target, journey, lengths)
    else:
        # Many methods credit one touch of a journey: the others are no work.
        rows = np.flatnonzero(is_credited)
        credited = journey.take(rows)
        cents[rows] = _split(weights.take(rows), target, credited, np.bincount(credited, minlength=len(lengths)))
    if (amount < 0).any():
        cents *= np.sign(amount).take(journey)
    return cents


def unattributed_cents(journeys: Journeys, cents: Ints, amount_cents: Ints) -> Ints:
    """Return, per opportunity, the part of its amount no touch was credited with, int64[opportunities]."""
    left = amount_cents.copy()
    if len(journeys):
        left[journeys.opportunity] -= _sums(cents, journeys.journey, len(journeys))
    return left


def _check(journeys: Journeys, weights: Floats, amount_cents: Ints) -> Floats:
    """Return the sum of each journey's weights, float64[journeys]. Raises ValueError."""
    if len(weights) != len(journeys.row) or len(amount_cents) != len(journeys.milestones):
        raise ValueError("one weight per touchpoint and one amount per opportunity are needed")
    if len(amount_cents) and not -LIMIT <= amount_cents.min() <= amount_cents.max() <= LIMIT:
        raise ValueError(f"amounts beyond {LIMIT} cents cannot be split")
    total = journeys.sums(weights)
    if len(weights) and not (weights.min() >= 0 and total.max() <= 1 + _WHOLE):
        raise ValueError("weights must not be negative, nor sum to more than 1 per journey")
    return total


def _claimed(amount: Ints, total: Floats) -> Ints:
    """Return the cents that the touches share, int64[journeys]: the amount, or the part that weights below 1
    claim."""
    partial = np.flatnonzero(total < 1 - _WHOLE)
    claimed = amount.copy()
    claimed[partial] = np.floor(amount[partial] * total[partial] + 0.5).astype(np.int64)
    return claimed


def _sums(cents: Ints, journey: Ints, size: int) -> Ints:
    """Sum per journey, exactly: int64[journeys]."""
    # Adding floats is the fastest way to add, and exact below 2^53; LIMIT keeps a deal's credits far below.
    return np.bincount(journey, weights=cents, minlength=size).astype(np.int64)


def _split(weights: Floats, target: Ints, journey: Ints, lengths: Ints) -> Ints:
    """Split ``target[journeys]`` over credited touches, sorted by ``journey``, ``lengths[journeys]`` in each."""
    if lengths.max() <= 1:
        return target.take(journey)
    if len(journey) <= _PART:
        return _split_part(weights, target, journey, lengths)
    ends = np.cumsum(lengths)
    bounds = np.searchsorted(ends, np.arange(_PART, len(journey), _PART), side="left") + 1
    cents = np.empty(len(journey), dtype=np.int64)
    for first, last in pairwise(sorted({0, *bounds.tolist(), len(target)})):
        touches = slice(int(ends[first] - lengths[first]), int(ends[last - 1]))
        of = slice(first, last)
        cents[touches] = _split_part(weights[touches], target[of], journey[touches] - first, lengths[of])
    return cents


def _split_part(weights: Floats, target: Ints, journey: Ints, lengths: Ints) -> Ints:
    """The same for few enough touches."""
    units = np.rint(weights * _UNITS)
    whole = np.bincount(journey, weights=units, minlength=len(target))
    cents, remainder = np.empty(len(journey), dtype=np.int64), np.empty(len(journey), dtype=np.int64)
    # In blocks, so that the dozen steps of the division stay in the processor's cache.
    for start in range(0, len(journey), _BLOCK):
        part = slice(start, start + _BLOCK)
        of = journey[part]
        cents[part], remainder[part] = _divided(
            target.take(of), units[part].astype(np.int64), whole.take(of).astype(np.int64)
        )
    _hand_out(cents, remainder, target - _sums(cents, journey, len(target)), lengths)
    return cents


def _divided(target: Ints, units: Ints, whole: Ints) -> tuple[Ints, Ints]:
    """Divide target * units by whole: the exact quotients and remainders.

    The product needs up to 100 bits. The quotient is therefore guessed in floating point, off by one at most,
    and the remainder taken modulo 2^64, where it is exact because its true value is small; its sign and size
    put the guess right.
    """
    quotient = (target * (units / whole)).astype(np.int64)
    remainder = target * units - quotient * whole
    slip = (remainder >= whole).astype(np.int64) - (remainder < 0)
    quotient += slip
    remainder -= slip * whole
    return quotient, remainder


def _hand_out(cents: Ints, remainder: Ints, left: Ints, lengths: Ints) -> None:
    """Add one cent each, in place, to the ``left`` touches of each journey with the largest remainders.

    The remainders of a journey sum to ``left`` times its units, and each is smaller than these, so more than
    ``left`` of them are positive (or none is): a touch without a remainder is never needed.
    """
    starts = np.cumsum(lengths) - lengths
    some = np.flatnonzero((left > 0) & (lengths > 0))
    if len(some) == 0:
        return
    # Small numbers are sorted by counting them, so they are made as small as they are.
    some = some[np.argsort(lengths[some].astype(np.min_scalar_type(lengths.max())), kind="stable")]
    present, first = np.unique(lengths[some], return_index=True)
    gets = np.zeros(len(cents), dtype=np.bool_)
    # Journeys of one length make a table, and sorting each of its short rows is cheaper than one sort of all rows.
    for length, chosen in zip(present.tolist(), np.split(some, first[1:]), strict=True):
        places = np.arange(length)
        rows = starts[chosen][:, None] + places
        # One number per touch, smaller for a larger remainder and, because no two are alike, for an earlier touch.
        rank = remainder[rows]
        if length <= _SHORT:
            rank *= -_SHORT
            rank += places
        else:
            np.put_along_axis(rank, np.argsort(-rank, axis=1, kind="stable"), places[None], axis=1)
        last = np.sort(rank, axis=1)[np.arange(len(chosen)), left[chosen] - 1]
        gets[rows] = rank <= last[:, None]
    cents += gets
