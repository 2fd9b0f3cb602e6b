"""Weeks and periods, across daylight saving and long years."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.pure.week import (
    Period,
    Week,
    days_label,
    month_bounds,
    quarter_bounds,
    quarter_label,
    weeks_between,
)

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Asia/Beirut", "America/Havana", "Pacific/Apia"]
).map(ZoneInfo)
DAYS = st.dates(date(1990, 1, 1), date(2060, 1, 1))
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))


def test_the_week_is_that_of_the_local_calendar() -> None:
    late_sunday = datetime(2026, 11, 15, 23, 30, tzinfo=UTC)
    assert Week.of(late_sunday, ZoneInfo("UTC")) == Week(2026, 46)
    assert Week.of(late_sunday, BERLIN) == Week(2026, 47)
    with pytest.raises(ValueError, match="time zone"):
        Week.of(datetime(2026, 11, 15), BERLIN)


def test_a_long_year_has_week_53() -> None:
    assert Week.of_date(date(2027, 1, 3)) == Week(2026, 53)
    assert Week(2026, 53).next() == Week(2027, 1)
    assert Week(2027, 1).previous() == Week(2026, 53)
    with pytest.raises(ValueError):
        Week(2027, 53)


@pytest.mark.parametrize(("week", "hours"), [(Week(2026, 13), 167), (Week(2026, 43), 169), (Week(2026, 44), 168)])
def test_bounds_follow_daylight_saving(week: Week, hours: int) -> None:
    start, end = week.bounds(BERLIN)
    assert end - start == timedelta(hours=hours)
    assert start.astimezone(BERLIN).isoformat()[11:16] == "00:00"


@given(MOMENTS, ZONES)
def test_every_moment_lies_within_the_bounds_of_its_week(at: datetime, tz: ZoneInfo) -> None:
    week = Week.of(at, tz)
    assert at in week.period(tz)
    assert week.bounds(tz)[1] == week.next().bounds(tz)[0]


@given(DAYS, st.integers(-200, 200))
def test_weeks_are_parsed_stepped_and_sorted(day: date, n: int) -> None:
    week = Week.of_date(day)
    assert Week.parse(str(week)) == week
    assert week.next(n).previous(n) == week
    assert (week.next(n) > week) == (n > 0)
    assert week.starts_on <= day < week.ends_on


@pytest.mark.parametrize("text", ["2026-46", "2026-W6", "2026-W54", "2026-W00", "", "2026-W46 ", "٢٠٢٦-W46"])
def test_other_spellings_are_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="ISO week"):
        Week.parse(text)


def test_labels_do_not_repeat_what_both_days_share() -> None:
    assert Week(2026, 46).label() == "9–15 Nov 2026"
    assert Week(2026, 40).label() == "28 Sep – 4 Oct 2026"
    assert Week(2026, 53).label() == "28 Dec 2026 – 3 Jan 2027"
    assert days_label(date(2026, 1, 1), date(2026, 1, 2)) == "1 Jan 2026"


def test_weeks_between_includes_both() -> None:
    assert weeks_between(Week(2026, 52), Week(2027, 1)) == [Week(2026, 52), Week(2026, 53), Week(2027, 1)]
    assert weeks_between(Week(2026, 2), Week(2026, 1)) == []


@given(DAYS, st.integers(1, 100), ZONES)
def test_the_previous_period_keeps_whole_days(day: date, length: int, tz: ZoneInfo) -> None:
    period = Period.of_dates(day, day + timedelta(days=length), tz)
    assert period.previous(tz) == Period.of_dates(day - timedelta(days=length), day, tz)
    assert period.previous().end == period.start


def test_a_period_is_half_open_and_refuses_nonsense() -> None:
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    period = Period(start, end)
    assert start in period
    assert end not in period
    for bad in ((end, start), (start, start), (datetime(2026, 1, 1), end)):
        with pytest.raises(ValueError):
            Period(*bad)


def test_months_and_fiscal_quarters() -> None:
    assert month_bounds(date(2026, 12, 31)) == (date(2026, 12, 1), date(2027, 1, 1))
    assert quarter_bounds(date(2026, 11, 21)) == (date(2026, 10, 1), date(2027, 1, 1))
    assert quarter_bounds(date(2026, 1, 15), 2) == (date(2025, 11, 1), date(2026, 2, 1))
    assert quarter_label(date(2026, 11, 21)) == "Q4 2026"
    assert quarter_label(date(2026, 1, 15), 2) == "Q4 FY2026"
    assert quarter_label(date(2026, 2, 1), 2) == "Q1 FY2027"
    with pytest.raises(ValueError):
        quarter_bounds(date(2026, 1, 1), 13)


@given(DAYS, st.integers(1, 12))
def test_quarters_tile_the_calendar(day: date, month: int) -> None:
    start, end = quarter_bounds(day, month)
    assert start <= day < end
    assert (start.month - month) % 3 == 0
    assert quarter_bounds(end, month)[0] == end
