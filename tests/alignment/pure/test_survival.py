"""Survival estimates against a published example and against simple truths."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignment.pure.survival import MedianInterval, median, survival

# Acute myelogenous leukemia (Miller 1997), the maintained group: weeks, and whether the end was seen.
WEEKS = [9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161]
SEEN = [True, True, False, True, True, False, True, True, False, True, False]


def test_a_published_example() -> None:
    curve = survival(WEEKS, SEEN)
    assert curve.times == (9, 13, 18, 23, 31, 34, 48)
    assert [round(share, 4) for share in curve.shares] == [
        0.9091,
        0.8182,
        0.7159,
        0.6136,
        0.4909,
        0.3682,
        0.1841,
    ]
    assert round(curve.shares[2] * curve.variances[2] ** 0.5, 4) == 0.1397
    assert curve.median() == 31
    assert curve.median_interval() == MedianInterval(13, None)
    assert (curve.count, curve.event_count) == (11, 7)
    assert (curve.at(0), curve.at(9)) == (1.0, curve.shares[0])


def test_open_cases_lengthen_the_estimate() -> None:
    assert survival([10, 20, 30], [True, True, True]).median() == 20
    assert survival([10, 20, 30, 40, 40, 40], [True, True, True, False, False, False]).median() == 30
    assert survival([10, 40, 40], [True, False, False]).median() is None
    assert survival([], []).median() is None
    assert survival([], []).median_interval() == MedianInterval(None, None)


def test_nonsense_is_refused() -> None:
    for durations, events in (([-1.0], [True]), ([float("nan")], [True]), ([1.0], [])):
        with pytest.raises(ValueError):
            survival(durations, events)
    with pytest.raises(ValueError):
        survival([1], [True]).median_interval(1.0)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=60))
def test_without_open_cases_the_curve_is_the_empirical_one(durations: list[int]) -> None:
    curve = survival(durations, [True] * len(durations))
    for time in range(51):
        still_open = sum(duration > time for duration in durations) / len(durations)
        assert curve.at(time) == pytest.approx(still_open, abs=1e-9)
    assert curve.median() == sorted(durations)[(len(durations) - 1) // 2]


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=60))
def test_the_curve_falls_and_the_interval_holds_the_median(cases: list[tuple[int, bool]]) -> None:
    curve = survival([duration for duration, _ in cases], [event for _, event in cases])
    assert list(curve.shares) == sorted(curve.shares, reverse=True)
    assert all(0 <= share <= 1 for share in curve.shares)
    interval, middle = curve.median_interval(), curve.median()
    if middle is not None:
        assert interval.low is not None
        assert interval.low <= middle
        assert interval.high is None or interval.high >= middle


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    chance = random.Random(7)
    covered = 0
    for _ in range(400):
        lives = [chance.expovariate(1) for _ in range(60)]
        limits = [chance.expovariate(0.4) for _ in range(60)]
        pairs = list(zip(lives, limits, strict=True))
        interval = survival([min(pair) for pair in pairs], [life <= limit for life, limit in pairs]).median_interval()
        covered += (interval.low or 0) <= 0.6931 <= (interval.high or 1e9)
    assert 0.92 <= covered / 400 <= 0.985


def test_plain_median() -> None:
    assert median([3, 1, 2]) == 2
    assert median([1, 2, 3, 4]) == 2.5
    assert median([]) is None
