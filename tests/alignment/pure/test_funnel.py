"""Conversion by cohort and by period."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from alignment.pure.funnel import (
    Entry,
    cohort_conversion,
    lead_velocity_rate,
    maturity,
    period_conversion,
    velocity,
)
from leads.pure.week import Week, weeks_between

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 2, 12, tzinfo=UTC)  # in week 45
WEEKS = weeks_between(Week(2026, 45), Week(2026, 47))


def later(days: float) -> datetime:
    return MONDAY + timedelta(days=days)


def test_cohorts_follow_their_members_and_mark_the_young() -> None:
    entries = [Entry(MONDAY, later(10)), Entry(later(1)), Entry(later(7), later(30)), Entry(later(40))]
    cohorts = cohort_conversion(entries, WEEKS, BERLIN, at=later(20), maturity_days=6)
    assert [(c.entered, c.reached, c.rate, c.is_unfinished) for c in cohorts] == [
        (2, 1, 0.5, False),
        (1, 0, 0.0, False),
        (0, 0, None, True),
    ]


def test_periods_count_arrivals_and_may_exceed_one() -> None:
    entered, reached = [MONDAY, later(7)], [later(7), later(8), later(9)]
    conversions = period_conversion(entered, reached, WEEKS, BERLIN)
    assert [c.rate for c in conversions] == [0.0, 3.0, None]


def test_the_week_of_an_entry_is_local() -> None:
    late_sunday = datetime(2026, 11, 8, 23, 30, tzinfo=UTC)
    (cohort,) = cohort_conversion([Entry(late_sunday)], [Week(2026, 46)], BERLIN, late_sunday, 0)
    assert cohort.entered == 1


ENTRIES = st.lists(
    st.builds(
        lambda start, days: Entry(later(start), None if days is None else later(start + days)),
        st.floats(0, 20),
        st.none() | st.floats(0, 60),
    ),
    max_size=30,
)


@given(ENTRIES, st.floats(0, 90), st.floats(0, 90))
def test_cohort_rates_only_rise_with_time(entries: list[Entry], a: float, b: float) -> None:
    early = cohort_conversion(entries, WEEKS, BERLIN, later(30 + min(a, b)), 30)
    late = cohort_conversion(entries, WEEKS, BERLIN, later(30 + max(a, b)), 30)
    for before, after in zip(early, late, strict=True):
        assert before.entered == after.entered
        assert before.reached <= after.reached <= after.entered
        assert before.is_unfinished or not after.is_unfinished


def test_maturity_is_the_time_most_take() -> None:
    entries = [Entry(MONDAY, later(day)) for day in range(1, 101)] + [Entry(MONDAY)] * 50
    assert maturity(entries) == 90
    assert maturity(entries[:19]) == 90.0
    assert maturity(entries[:19], default_days=30) == 30


def test_velocity_and_its_unknowns() -> None:
    assert velocity(40, 0.25, 1_000_000, 50) == 200_000
    assert velocity(0, 0.25, 1_000_000, 50) == 0
    for factors in ((40, None, 1, 50.0), (40, 0.2, None, 50.0), (40, 0.2, 1, None), (40, 0.2, 1, 0.0)):
        assert velocity(*factors) is None
    assert lead_velocity_rate(120, 100) == 0.2
    assert lead_velocity_rate(5, 0) is None
