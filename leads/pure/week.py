"""Weeks, months, quarters and periods, half-open, in the company's time zone.

Moments are returned in UTC. Two moments that share a local time zone are compared and subtracted by the wall
clock in Python, which is an hour wrong across a daylight-saving change; in UTC that trap does not exist.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# What is older or later was mistyped, stands for "never", or counts in another calendar.
OLDEST_YEAR, LATEST_YEAR = 1990, 2100
_WEEK = re.compile(r"(\d{4})-W(\d{2})", re.ASCII)
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def midnight(day: date, tz: ZoneInfo) -> datetime:
    """The first moment of a local day, in UTC; right also where midnight is skipped or comes twice."""
    return datetime.combine(day, time(), tz).astimezone(UTC)


def local_date(at: datetime, tz: ZoneInfo) -> date:
    """The calendar day of an aware moment in a time zone. Raises ValueError for a naive moment."""
    if at.utcoffset() is None:
        raise ValueError("a moment without a time zone belongs to no day")
    return at.astimezone(tz).date()


@dataclass(frozen=True, slots=True, order=True)
class Week:
    """An ISO week, for example Week(2026, 46); sorts in time. Raises ValueError for a week the year does not
    have."""

    year: int
    number: int

    def __post_init__(self) -> None:
        date.fromisocalendar(self.year, self.number, 1)

    @classmethod
    def of(cls, at: datetime, tz: ZoneInfo) -> Week:
        """The week of an aware moment, by the calendar of `tz`."""
        return cls.of_date(local_date(at, tz))

    @classmethod
    def of_date(cls, day: date) -> Week:
        """The week of a calendar day."""
        iso = day.isocalendar()
        return cls(iso.year, iso.week)

    @classmethod
    def parse(cls, text: str) -> Week:
        """The week written as 2026-W46. Raises ValueError with a message for people."""
        found = _WEEK.fullmatch(text)
        try:
            if found is None:
                raise ValueError
            return cls(int(found[1]), int(found[2]))
        except ValueError:
            raise ValueError(f"{text!r} is not an ISO week such as 2026-W46") from None

    def __str__(self) -> str:
        return f"{self.year:04d}-W{self.number:02d}"

    @property
    def starts_on(self) -> date:
        """Its Monday."""
        return date.fromisocalendar(self.year, self.number, 1)

    @property
    def ends_on(self) -> date:
        """The next Monday, which is no longer in the week."""
        return self.starts_on + timedelta(days=7)

    def bounds(self, tz: ZoneInfo) -> tuple[datetime, datetime]:
        """[Monday 00:00, next Monday 00:00) in `tz`, given in UTC: 167 to 169 hours apart."""
        return midnight(self.starts_on, tz), midnight(self.ends_on, tz)

    def period(self, tz: ZoneInfo) -> Period:
        """The same as a Period."""
        return Period(*self.bounds(tz))

    def previous(self, n: int = 1) -> Week:
        """The week n weeks earlier."""
        return Week.of_date(self.starts_on - timedelta(weeks=n))

    def next(self, n: int = 1) -> Week:
        """The week n weeks later."""
        return self.previous(-n)

    def label(self) -> str:
        """Its days for people: "9–15 Nov 2026", "28 Sep – 4 Oct 2026", "28 Dec 2026 – 3 Jan 2027"."""
        return days_label(self.starts_on, self.ends_on)


@dataclass(frozen=True, slots=True)
class Period:
    """[start, end) between two aware moments, kept in UTC. Raises ValueError if naive or not longer than
    nothing."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.utcoffset() is None or self.end.utcoffset() is None:
            raise ValueError("a period needs moments with a time zone")
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        object.__setattr__(self, "end", self.end.astimezone(UTC))
        if self.end <= self.start:
            raise ValueError("a period must end after it starts")

    @classmethod
    def of_dates(cls, start: date, end: date, tz: ZoneInfo) -> Period:
        """Whole local days, `end` exclusive."""
        return cls(midnight(start, tz), midnight(end, tz))

    def __contains__(self, at: datetime) -> bool:
        return self.start <= at < self.end

    def previous(self, tz: ZoneInfo | None = None) -> Period:
        """The period of the same length directly before.

        Given `tz`, a period of whole local days is preceded by as many whole days, whatever daylight saving
        does."""
        if tz is not None:
            first, last = local_date(self.start, tz), local_date(self.end, tz)
            if (midnight(first, tz), midnight(last, tz)) == (self.start, self.end):
                return Period.of_dates(first - (last - first), first, tz)
        return Period(self.start - (self.end - self.start), self.start)


def weeks_between(first: Week, last: Week) -> list[Week]:
    """All weeks from first to last, both included; empty if last is earlier."""
    count = (last.starts_on - first.starts_on).days // 7 + 1
    return [first.next(n) for n in range(count)]


def month_bounds(day: date) -> tuple[date, date]:
    """The first day of the month, and the first day of the next."""
    start = day.replace(day=1)
    return start, _add_months(start, 1)


def quarter_bounds(day: date, fiscal_year_start_month: int = 1) -> tuple[date, date]:
    """The first day of the fiscal quarter, and the first day of the next."""
    if not 1 <= fiscal_year_start_month <= 12:
        raise ValueError("a fiscal year starts in a month from 1 to 12")
    start = _add_months(day.replace(day=1), -((day.month - fiscal_year_start_month) % 3))
    return start, _add_months(start, 3)


def quarter_label(day: date, fiscal_year_start_month: int = 1) -> str:
    """ "Q4 2026"; a fiscal year that is not the calendar year is named for the year it ends in: "Q1
    FY2027"."""
    start, _ = quarter_bounds(day, fiscal_year_start_month)
    months = (start.month - fiscal_year_start_month) % 12
    if fiscal_year_start_month == 1:
        return f"Q{months // 3 + 1} {start.year}"
    return f"Q{months // 3 + 1} FY{_add_months(start, 11 - months).year}"


def days_label(start: date, end: date) -> str:
    """The days of [start, end) for people, without repeating a month or year that both share."""
    last = end - timedelta(days=1)
    closing = f"{last.day} {_MONTHS[last.month - 1]} {last.year}"
    if start == last:
        return closing
    if (start.year, start.month) == (last.year, last.month):
        return f"{start.day}–{closing}"
    opening = f"{start.day} {_MONTHS[start.month - 1]}"
    return f"{opening} – {closing}" if start.year == last.year else f"{opening} {start.year} – {closing}"


def _add_months(first_of_month: date, n: int) -> date:
    months = first_of_month.year * 12 + first_of_month.month - 1 + n
    return date(months // 12, months % 12 + 1, 1)
