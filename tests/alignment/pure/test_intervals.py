"""Intervals against published examples and their own promises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignment.pure.intervals import Interval, bootstrap_median, newcombe_difference, wilson


def rounded(interval: Interval, digits: int = 4) -> tuple[float, float]:
    return round(interval.low, digits), round(interval.high, digits)


def test_published_examples() -> None:
    assert rounded(wilson(75, 100), 2) == (0.66, 0.82)
    assert rounded(wilson(81, 263)) == (0.2553, 0.3662)
    assert rounded(wilson(0, 20)) == (0.0, 0.1611)
    assert rounded(newcombe_difference(56, 70, 48, 80)) == (0.0524, 0.3339)
    assert rounded(newcombe_difference(9, 10, 3, 10)) == (0.1705, 0.8090)


@given(st.integers(0, 500), st.integers(0, 500), st.floats(0.01, 0.999))
def test_wilson_holds_the_share_and_mirrors(a: int, b: int, confidence: float) -> None:
    interval, mirror = wilson(a, a + b, confidence), wilson(b, a + b, confidence)
    assert 0 <= interval.low <= interval.high <= 1
    assert interval.low == pytest.approx(1 - mirror.high, abs=1e-9)
    if a + b:
        assert interval.low - 1e-12 <= a / (a + b) <= interval.high + 1e-12


@given(st.integers(0, 60), st.integers(1, 60), st.integers(0, 60), st.integers(1, 60))
def test_a_difference_is_antisymmetric(a: int, b: int, c: int, d: int) -> None:
    there, back = newcombe_difference(a, a + b, c, c + d), newcombe_difference(c, c + d, a, a + b)
    assert there.low == pytest.approx(-back.high)
    assert there.low - 1e-12 <= a / (a + b) - c / (c + d) <= there.high + 1e-12


def test_nothing_known_is_the_whole_range() -> None:
    assert wilson(0, 0) == Interval(0, 1)
    assert newcombe_difference(0, 0, 0, 0) == Interval(-1, 1)
    for successes, n, confidence in ((2, 1, 0.95), (-1, 1, 0.95), (1, 1, 1.0)):
        with pytest.raises(ValueError):
            wilson(successes, n, confidence)


def test_bootstrap_is_repeatable_and_holds_the_median() -> None:
    values = [float(value) for value in range(101)]
    interval = bootstrap_median(values, seed=1)
    assert interval is not None
    assert interval == bootstrap_median(values, seed=1)
    assert 50 in interval
    # In theory 2 × 1.96 × ½ √101 ranks, close to 20.
    assert 15 <= interval.high - interval.low <= 25
    assert bootstrap_median([5.0] * 10, seed=1) == Interval(5, 5)
    assert bootstrap_median([1.0, 2.0], seed=1) is None
    with pytest.raises(ValueError):
        bootstrap_median([1.0, float("nan"), 2.0], seed=1)


def test_bootstrap_of_many_values_is_cut_into_pieces() -> None:
    interval = bootstrap_median([float(value % 1000) for value in range(30_000)], seed=3, resamples=100)
    assert interval is not None
    assert 480 < interval.low < interval.high < 520
