"""Roll-ups: exact sums, and honest ratios."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.pure.credits.rollup import roas, roi, totals, weekly


@given(rows=st.lists(st.tuples(st.integers(-(10**15), 10**15), st.integers(-1, 3))), extra=st.integers(0, 10**15))
def test_totals_add_up_exactly(rows: list[tuple[int, int]], extra: int) -> None:
    cents, groups = np.array(rows, dtype=np.int64).reshape(-1, 2).T
    sums = totals(cents, groups, 4, unattributed=extra)
    expected = [sum(cent for cent, group in rows if group == wanted) for wanted in (0, 1, 2, 3, -1)]
    expected[-1] += extra
    assert sums.dtype == np.int64
    assert sums.tolist() == expected


def test_totals_beyond_the_whole_numbers_of_a_float_are_exact() -> None:
    cents = np.array([10**15 - 1] * 33)
    assert totals(cents, np.zeros(33, dtype=np.int64), 1).tolist() == [33 * 10**15 - 33, 0]


@given(rows=st.lists(st.tuples(st.integers(-(10**9), 10**9), st.integers(-1, 1), st.integers(-5, 40))))
def test_weeks_are_half_open(rows: list[tuple[int, int, int]]) -> None:
    cents, groups, at = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    edges = [0, 10, 17, 30]
    expected = [
        [sum(cent for cent, group, when in rows if group == wanted and start <= when < stop) for wanted in (0, 1, -1)]
        for start, stop in pairwise(edges)
    ]
    assert weekly(cents, groups, at, np.array(edges), 2).tolist() == expected


@pytest.mark.parametrize("group", [-2, 2])
def test_groups_out_of_range_are_refused(group: int) -> None:
    one, groups = np.array([1]), np.array([group])
    with pytest.raises(ValueError, match="out of range"):
        totals(one, groups, 2)
    with pytest.raises(ValueError, match="out of range"):
        weekly(one, groups, one, np.array([0, 2]), 2)


@pytest.mark.parametrize(
    ("revenue", "cost", "expected_roi", "expected_roas"),
    [
        (300, 100, 2.0, 3.0),
        (0, 100, -1.0, 0.0),
        (-100, 100, -2.0, -1.0),
        (300, None, None, None),
        (300, 0, None, None),
    ],
)
def test_roi_and_roas(revenue: int, cost: int | None, expected_roi: float | None, expected_roas: float | None) -> None:
    assert (roi(revenue, cost), roas(revenue, cost)) == (expected_roi, expected_roas)
