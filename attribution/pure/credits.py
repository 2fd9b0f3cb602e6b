"""Credits: a deal's amount split by weights into whole cents that add up exactly."""

import math

import numpy as np

from attribution.pure.journeys import Journeys
from attribution.pure.ordering import Flags, Floats, Ints, order_within

LIMIT = 10**15
"""The largest amount, in cents, that can be split."""

_UNITS = 320 * math.lcm(*range(1, 31))
"""A weight of 1 in whole units (7.5e14).

Weights become whole numbers before they are multiplied, so that equal shares tie exactly and no cent is lost
to floating point. The number is divisible by the denominators the methods produce (1/n, 0.225, 0.1/n …), so
that these are held without rounding for journeys of up to 30 touches, and small enough that a weight's own
rounding error vanishes.
"""

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
    _check(journeys, weights, amount_cents)
    if len(journeys) == 0:
        return np.zeros(0, dtype=np.int64)
    amount = amount_cents[journeys.opportunity]
    target = _claimed(np.abs(amount), np.add.reduceat(weights, journeys.starts))
    units = np.rint(weights * _UNITS).astype(np.int64)
    whole = np.add.reduceat(units, journeys.starts)
    rows = np.flatnonzero(units)  # many methods credit one touch of a journey: the others are no work
    journey = journeys.journey[rows]
    quotient, remainder = _divided(target[journey], units[rows], whole[journey])
    cents = np.zeros(len(weights), dtype=np.int64)
    cents[rows] = quotient
    left = target - np.add.reduceat(cents, journeys.starts)
    cents[rows] += _gets_cent(remainder, left, journey)
    if (amount < 0).any():
        cents *= np.repeat(np.sign(amount), journeys.lengths)
    return cents


def unattributed_cents(journeys: Journeys, cents: Ints, amount_cents: Ints) -> Ints:
    """Return, per opportunity, the part of its amount no touch was credited with, int64[opportunities]."""
    left = amount_cents.copy()
    if len(journeys):
        left[journeys.opportunity] -= np.add.reduceat(cents, journeys.starts)
    return left


def _check(journeys: Journeys, weights: Floats, amount_cents: Ints) -> None:
    if len(weights) != len(journeys.row) or len(amount_cents) != len(journeys.milestones):
        raise ValueError("one weight per touch and one amount per opportunity are needed")
    if len(amount_cents) and not -LIMIT <= amount_cents.min() <= amount_cents.max() <= LIMIT:
        raise ValueError(f"amounts beyond {LIMIT} cents cannot be split")
    if len(weights) == 0:
        return
    if not (weights.min() >= 0 and np.add.reduceat(weights, journeys.starts).max() <= 1 + _WHOLE):
        raise ValueError("weights must not be negative, nor sum to more than 1 per journey")


def _claimed(amount: Ints, total: Floats) -> Ints:
    """Return the cents that the touches share, int64[journeys]: the amount, or the part that weights below 1
    claim."""
    partial = np.flatnonzero(total < 1 - _WHOLE)
    claimed = amount.copy()
    claimed[partial] = np.floor(amount[partial] * total[partial] + 0.5).astype(np.int64)
    return claimed


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


def _gets_cent(remainder: Ints, left: Ints, journey: Ints) -> Flags:
    """Pick the ``left[journey]`` touches of each journey with the largest remainders, bool[rows].

    The remainders of a journey sum to ``left`` times its units, and each is smaller than these, so more than
    ``left`` of them are positive (or none is): a touch without a remainder is never needed.
    """
    gets = np.zeros(len(remainder), dtype=np.bool_)
    rows = np.flatnonzero((remainder > 0) & (left > 0)[journey])
    if len(rows):
        rows = rows[order_within(journey[rows], -remainder[rows])]
        group = journey[rows]
        starts = np.flatnonzero(np.diff(group, prepend=-1))
        place = np.arange(len(rows)) - np.repeat(starts, np.diff(starts, append=len(rows)))
        gets[rows[place < left[group]]] = True
    return gets
