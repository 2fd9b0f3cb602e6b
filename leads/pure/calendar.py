"""Business hours: when something is due, when somebody starts, and how much working time has passed.

Results are in UTC. Working time is real time between opening and closing, so a shift across a daylight-saving
change is as long as it really was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from leads.pure.public_holidays import holiday_on

MAX_DAYS = 3660  # a calendar without an open day within ten years has none


class NeverOpen(ValueError):
    """The calendar leaves no working time, so nothing can ever be due."""


@dataclass(frozen=True, slots=True)
class BusinessHours:
    """Opening hours of a company or working hours of a rep: `weekdays` from 0 (Monday) to 6; `closes` at 00:00 means
    the end of the day. Public holidays are those of `country` and `region`; `holidays` are closed besides.

    Raises ValueError if it closes before it opens; night shifts across midnight are not modeled.
    """

    tz: ZoneInfo
    weekdays: frozenset[int] = frozenset(range(5))
    opens: time = time(9)
    closes: time = time(17)
    holidays: frozenset[date] = frozenset()
    country: str = ""
    region: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "weekdays", frozenset(self.weekdays))
        object.__setattr__(self, "holidays", frozenset(self.holidays))
        if self.closes <= self.opens and self.closes != time():
            raise ValueError("Business hours must close after they open.")

    def is_open_on(self, day: date) -> bool:
        """Whether there are hours at all on a local day."""
        if day.weekday() not in self.weekdays or day in self.holidays:
            return False
        return not holiday_on(self.country, self.region, day)


def due_at(start: datetime, hours: float, calendar: BusinessHours) -> datetime:
    """The first moment by which `hours` of business time have passed since an aware `start`.

    Zero hours from a closed moment is the next opening. Raises NeverOpen, and ValueError for negative hours.
    """
    if not hours >= 0:
        raise ValueError("hours must not be negative")
    moment = start.astimezone(UTC)
    left = timedelta(hours=hours)
    day = moment.astimezone(calendar.tz).date()
    idle_days = 0
    while idle_days < MAX_DAYS:
        opening, closing = _hours_of(calendar, day)
        begin = max(moment, opening)
        if begin < closing:
            idle_days = 0
            if left <= closing - begin:
                return begin + left
            left -= closing - begin
        idle_days += 1
        day += timedelta(days=1)
    raise NeverOpen("The business hours leave no working time.")


def next_start(at: datetime, calendar: BusinessHours, away: Sequence[tuple[date, date]] = ()) -> datetime | None:
    """When somebody works next: ``at`` itself within the hours, else the next opening, in UTC; None for never.

    ``away`` holds (first, last) local days without work, both included.
    """
    moment = at.astimezone(UTC)
    for _ in range(len(away) + 1):
        try:
            moment = due_at(moment, 0, calendar)
        except NeverOpen:
            return None
        day = moment.astimezone(calendar.tz).date()
        last = max((last for first, last in away if first <= day <= last), default=None)
        if last is None:
            return moment
        moment = datetime.combine(last + timedelta(days=1), time(), calendar.tz).astimezone(UTC)
    return moment


def elapsed(start: datetime, end: datetime, calendar: BusinessHours) -> timedelta:
    """Business time between two aware moments; zero if `end` is not after `start`."""
    begin, until = start.astimezone(UTC), end.astimezone(UTC)
    total = timedelta()
    day = begin.astimezone(calendar.tz).date()
    last = until.astimezone(calendar.tz).date()
    while day <= last:
        opening, closing = _hours_of(calendar, day)
        total += max(min(closing, until) - max(opening, begin), timedelta())
        day += timedelta(days=1)
    return total


# Figures over old, still unanswered leads ask for the same days again and again.
@lru_cache(maxsize=8192)
def _hours_of(calendar: BusinessHours, day: date) -> tuple[datetime, datetime]:
    """Opening and closing of a local day in UTC; equal on a closed day."""
    opening = datetime.combine(day, calendar.opens, calendar.tz).astimezone(UTC)
    if not calendar.is_open_on(day):
        return opening, opening
    closing_day = day if calendar.closes != time() else day + timedelta(days=1)
    return opening, datetime.combine(closing_day, calendar.closes, calendar.tz).astimezone(UTC)


def opening_in(start: datetime, days: int, calendar: BusinessHours) -> datetime:
    """The opening of the first business day at least so many calendar days after the local day of ``start``.

    Raises NeverOpen.
    """
    first = start.astimezone(calendar.tz).date() + timedelta(days=days)
    for idle in range(MAX_DAYS):
        day = first + timedelta(days=idle)
        if calendar.is_open_on(day):
            return _hours_of(calendar, day)[0]
    raise NeverOpen("The business hours leave no working time.")
