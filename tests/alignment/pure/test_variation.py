"""Natural process limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignment.pure.variation import MIN_POINTS, is_unusual

HISTORY = [10.0, 12.0, 11.0, 13.0, 12.0, 10.0, 11.0, 13.0]
VALUES = st.floats(-1e6, 1e6)


def test_limits_are_those_of_the_textbook() -> None:
    verdict = is_unusual(HISTORY, 12)
    assert verdict.center == 11.5
    assert verdict.high == pytest.approx(11.5 + 2.66 * 11 / 7)
    assert not verdict.is_unusual
    assert (is_unusual(HISTORY, 16).is_unusual, is_unusual(HISTORY, 16).direction) == (True, "above")
    assert is_unusual(HISTORY, 7).because.startswith("below the normal range of 7.32 to 15.68")


def test_a_short_history_cannot_tell() -> None:
    verdict = is_unusual(HISTORY[:-1], 1000)
    assert (verdict.is_unusual, verdict.low) == (False, None)
    assert verdict.because == "not enough data yet: 7 of 8 earlier values"


def test_a_flat_line_is_left_by_any_real_change() -> None:
    assert not is_unusual([0.1 + 0.2] * 9, 0.3).is_unusual
    assert is_unusual([5.0] * 9, 6).is_unusual
    with pytest.raises(ValueError):
        is_unusual([5.0] * 9, float("nan"))


@given(st.lists(VALUES, min_size=MIN_POINTS, max_size=30), VALUES)
def test_the_mean_is_normal_and_mirrors_agree(history: list[float], value: float) -> None:
    verdict = is_unusual(history, value)
    assert verdict.center is not None
    assert not is_unusual(history, verdict.center).is_unusual
    assert is_unusual([-point for point in history], -value).is_unusual == verdict.is_unusual
