"""Sorting rows inside groups, exactly and fast.

One comparison sort of a packed 63-bit integer is several times faster than ``np.lexsort``. The packed key may
be too narrow for the whole value, so rows whose keys coincide are put right afterwards; these are few.
"""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def order_within(group: Ints, value: Ints, tie: Ints | None = None) -> Ints:
    """Return the permutation that sorts rows by (group, value, tie).

    ``group`` int64[rows], not negative; ``value`` int64[rows], spanning less than 2**63; ``tie`` int64[rows],
    the row position when not given. The result is int64[rows].
    """
    rows = len(group)
    if rows == 0:
        return np.zeros(0, dtype=np.int64)
    low = value.min()
    span_bits = (int(value.max()) - int(low)).bit_length()
    row_bits = (rows - 1).bit_length()
    room = 63 - row_bits - int(group.max()).bit_length()
    if room < 1:
        return np.lexsort((np.arange(rows) if tie is None else tie, value, group)).astype(np.int64)
    value_bits = min(room, span_bits)
    packed = value - low
    packed >>= span_bits - value_bits
    packed |= group << value_bits
    packed <<= row_bits
    packed |= np.arange(rows, dtype=np.int64)
    packed.sort()
    order: Ints = packed & ((1 << row_bits) - 1)
    packed >>= row_bits
    _settle_ties(order, packed[1:] == packed[:-1], value, tie)
    return order


def _settle_ties(order: Ints, same: Flags, value: Ints, tie: Ints | None) -> None:
    """Sort, in place, the runs of ``order`` that share a packed key but are out of order by (value, tie)."""
    left = np.flatnonzero(same)
    if len(left) == 0:
        return
    tied = order if tie is None else tie[order]
    here, there = value[order[left]], value[order[left + 1]]
    wrong = (there < here) | ((there == here) & (tied[left + 1] < tied[left]))
    if not wrong.any():
        return
    run = np.concatenate(([0], np.cumsum(~same)))
    is_wrong = np.zeros(run[-1] + 1, dtype=np.bool_)
    is_wrong[run[left[wrong]]] = True
    members = np.flatnonzero(is_wrong[run])
    settled = np.lexsort((tied[members], value[order[members]], run[members]))
    order[members] = order[members][settled]
