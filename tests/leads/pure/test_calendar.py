"""Business hours across nights, weekends, holidays and daylight saving."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.pure.calendar import BusinessHours, NeverOpen, due_at, elapsed, next_start

BERLIN = ZoneInfo("Europe/Berlin")
HOURS = BusinessHours(BERLIN, holidays=frozenset({date(2026, 12, 25)}))


def local(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=BERLIN)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        (local(2026, 11, 16, 10), 4, local(2026, 11, 16, 14)),
        (local(2026, 11, 16, 9), 8, local(2026, 11, 16, 17)),
        (local(2026, 11, 16, 15), 4, local(2026, 11, 17, 11)),
        (local(2026, 11, 16, 3), 1, local(2026, 11, 16, 10)),
        (local(2026, 11, 20, 16, 30), 1, local(2026, 11, 23, 9, 30)),
        (local(2026, 11, 21, 12), 0, local(2026, 11, 23, 9)),
        (local(2026, 11, 16, 17), 0, local(2026, 11, 17, 9)),
        (local(2026, 12, 24, 16), 2, local(2026, 12, 28, 10)),
        (local(2026, 10, 23, 16), 2, local(2026, 10, 26, 10)),
        (local(2026, 3, 27, 16), 2, local(2026, 3, 30, 10)),
        (local(2026, 11, 16, 9), 80, local(2026, 11, 27, 17)),
    ],
)
def test_due_moments_skip_closed_hours(start: datetime, hours: float, due: datetime) -> None:
    assert due_at(start, hours, HOURS) == due
    assert elapsed(start, due, HOURS) == timedelta(hours=hours)


def test_a_shift_across_the_change_is_as_long_as_it_was() -> None:
    around_the_clock = BusinessHours(BERLIN, frozenset(range(7)), time(), time())
    assert elapsed(local(2026, 3, 29), local(2026, 3, 30), around_the_clock) == timedelta(hours=23)
    assert elapsed(local(2026, 10, 25), local(2026, 10, 26), around_the_clock) == timedelta(hours=25)
    assert due_at(local(2026, 3, 28, 12), 24, around_the_clock) == local(2026, 3, 29, 13)


def test_nonsense_is_refused() -> None:
    with pytest.raises(NeverOpen):
        due_at(local(2026, 1, 1), 1, BusinessHours(BERLIN, frozenset()))
    with pytest.raises(ValueError):
        BusinessHours(BERLIN, opens=time(9), closes=time(8))
    for hours in (-1, float("nan")):
        with pytest.raises(ValueError):
            due_at(local(2026, 1, 1), hours, HOURS)
    assert elapsed(local(2026, 11, 17), local(2026, 11, 16), HOURS) == timedelta()


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))


@given(MOMENTS, st.integers(0, 400))
def test_due_and_elapsed_are_inverse(start: datetime, quarter_hours: int) -> None:
    due = due_at(start, quarter_hours / 4, HOURS)
    assert elapsed(start, due, HOURS) == timedelta(minutes=15 * quarter_hours)
    assert due >= start


@given(MOMENTS, MOMENTS, MOMENTS)
def test_elapsed_time_adds_up(a: datetime, b: datetime, c: datetime) -> None:
    a, b, c = sorted([a, b, c])
    assert elapsed(a, b, HOURS) + elapsed(b, c, HOURS) == elapsed(a, c, HOURS) <= c - a


def test_public_holidays_are_closed() -> None:
    hours = BusinessHours(BERLIN, country="DE", region="BE")
    assert not hours.is_open_on(date(2026, 4, 6))
    assert not hours.is_open_on(date(2027, 3, 8))
    assert BusinessHours(BERLIN, country="DE").is_open_on(date(2027, 3, 8))
    # Maundy Thursday 16:00 and two hours: Easter lies between.
    assert due_at(local(2026, 4, 2, 16), 2, hours) == local(2026, 4, 7, 10)


@pytest.mark.parametrize(
    ("at", "away", "starts"),
    [
        (local(2026, 11, 16, 10), (), local(2026, 11, 16, 10)),
        (local(2026, 11, 16, 17), (), local(2026, 11, 17, 9)),
        (local(2026, 11, 14, 10), (), local(2026, 11, 16, 9)),
        (local(2026, 11, 16, 10), ((date(2026, 11, 16), date(2026, 11, 17)),), local(2026, 11, 18, 9)),
        (
            local(2026, 11, 16, 18),
            ((date(2026, 11, 18), date(2026, 11, 20)), (date(2026, 11, 17), date(2026, 11, 17))),
            local(2026, 11, 23, 9),
        ),
    ],
)
def test_when_somebody_works_next(at: datetime, away: Any, starts: datetime) -> None:
    assert next_start(at, HOURS, away) == starts


def test_who_has_no_working_day_never_starts() -> None:
    assert next_start(local(2026, 11, 16), BusinessHours(BERLIN, frozenset())) is None
