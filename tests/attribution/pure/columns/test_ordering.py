"""Sorting inside groups equals the plain sort, whatever the packed key can hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.pure.columns.ordering import order_within

small = st.integers(-2, 2)
huge = st.integers(-(2**61), 2**61)


@given(
    rows=st.lists(st.tuples(st.integers(0, 3), st.one_of(small, huge), st.integers(0, 2)), max_size=60),
    has_tie=st.booleans(),
    far=st.booleans(),
)
def test_order_equals_a_plain_sort(rows: list[tuple[int, int, int]], has_tie: bool, far: bool) -> None:
    # A far group leaves few bits for the value, a near one many.
    rows = [(group + far * 2**50, value, tie) for group, value, tie in rows]
    group, value, tie = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    expected = sorted(range(len(rows)), key=lambda row: (*rows[row][:2], rows[row][2] if has_tie else 0, row))
    order = order_within(group, value, tie if has_tie else None)
    assert [rows[row][: 2 + has_tie] for row in order] == [rows[row][: 2 + has_tie] for row in expected]
    if not has_tie:
        assert order.tolist() == expected


@pytest.mark.parametrize("group_bits", [1, 40, 61, 62])
def test_the_key_may_have_no_room_for_the_value(group_bits: int) -> None:
    group = np.array([2**group_bits, 0, 2**group_bits, 0])
    assert order_within(group, np.array([1, 5, 0, 3])).tolist() == [3, 1, 2, 0]
