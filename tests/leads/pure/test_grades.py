"""Every score stands in exactly one cell of the grid."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leads.pure.grades import GRADES, Limits, Thresholds, grade_limits, grade_of, limits_of, said


def holds(limits: Limits, points: int) -> bool:
    low, high = limits
    return (low is None or points >= low) and (high is None or points < high)


@given(st.integers(-5, 200), st.integers(-5, 200), st.integers(-10, 400), st.integers(-10, 400))
def test_a_score_stands_in_one_cell(fit: int, behaviour: int, a: int, b: int) -> None:
    thresholds = Thresholds(fit, behaviour)
    cells = [
        grade
        for grade in GRADES
        for limits in [grade_limits(thresholds, grade)]
        if holds(limits[0], a) and holds(limits[1], b)
    ]
    assert cells == [grade_of(thresholds, a, b)]
    assert (cells[0][0] in "AB") == (a >= fit)
    assert (cells[0][1] in "12") == (b >= behaviour)


def test_limits_are_said_in_words() -> None:
    assert [said(each) for each in limits_of(30)] == ["45 or more", "30 to 44", "15 to 29", "below 15"]
    assert [said(each) for each in limits_of(25)] == ["38 or more", "25 to 37", "13 to 24", "below 13"]
