"""Intervals of shares against published examples and their own promises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.pure.intervals import Interval, lift_interval, wilson


def rounded(interval: Interval, digits: int = 4) -> tuple[float, float]:
    return round(interval.low, digits), round(interval.high, digits)


def test_published_examples() -> None:
    assert rounded(wilson(75, 100), 2) == (0.66, 0.82)
    assert rounded(wilson(81, 263)) == (0.2553, 0.3662)
    assert rounded(wilson(0, 20)) == (0.0, 0.1611)


@given(st.integers(0, 500), st.integers(0, 500), st.floats(0.01, 0.999))
def test_wilson_holds_the_share_and_mirrors(a: int, b: int, confidence: float) -> None:
    interval, mirror = wilson(a, a + b, confidence), wilson(b, a + b, confidence)
    assert 0 <= interval.low <= interval.high <= 1
    assert interval.low == pytest.approx(1 - mirror.high, abs=1e-9)
    if a + b:
        assert interval.low - 1e-12 <= a / (a + b) <= interval.high + 1e-12


def test_nothing_known_is_the_whole_range() -> None:
    assert wilson(0, 0) == Interval(0, 1)


@pytest.mark.parametrize(("successes", "n", "confidence"), [(2, 1, 0.95), (-1, 1, 0.95), (1, 1, 1.0)])
def test_what_is_no_share_is_refused(successes: int, n: int, confidence: float) -> None:
    with pytest.raises(ValueError, match="must lie between"):
        wilson(successes, n, confidence)


def test_the_interval_of_a_lift_holds_the_lift_and_shrinks_with_the_sample() -> None:
    small, large = lift_interval(12, 20, 40, 200), lift_interval(1_200, 2_000, 4_000, 20_000)
    assert small is not None
    assert large is not None
    assert 3.0 in small
    assert 3.0 in large
    assert large.high - large.low < (small.high - small.low) / 5
    # The delta method gives 3 · exp(±1.96 · 0.0165) for the large one.
    assert abs(large.low - 2.904) < 0.02
    assert abs(large.high - 3.099) < 0.02


def test_a_lift_without_outcomes_has_no_interval() -> None:
    assert lift_interval(0, 0, 5, 50) is None
    assert lift_interval(0, 5, 0, 50) is None
    assert lift_interval(0, 0, 0, 0) is None
    assert lift_interval(1, 1, 1, 50) is None  # in a third of the draws nobody is chosen


def test_a_lift_is_drawn_by_its_seed() -> None:
    assert lift_interval(12, 20, 40, 200, seed=1) == lift_interval(12, 20, 40, 200, seed=1)
