"""When things happen: growth over the two years, quiet summers and Christmases, working weeks and working
hours.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from random import Random

WEEKS = 104
_BY_MONTH = (1.06, 1.08, 1.12, 1.02, 0.98, 0.95, 0.78, 0.68, 1.12, 1.16, 1.14, 0.74)
_BY_WEEKDAY = (1.05, 1.22, 1.20, 1.12, 0.82, 0.22, 0.24)
_HOUR_WEIGHTS = (1, 1, 1, 1, 1, 2, 4, 10, 30, 52, 60, 55, 38, 42, 56, 54, 44, 30, 16, 12, 11, 9, 5, 2)
_HOURS = tuple(accumulate(_HOUR_WEIGHTS))
_OFFSETS = {"US": -5, "CA": -5, "BR": -3, "GB": 0, "IE": 0, "IN": 5, "SG": 8, "AU": 10, "JP": 9, "FI": 2}


def first_day(until: datetime) -> date:
    """The Monday on or before 104 weeks before `until`, so that the data starts with a whole week."""
    day = until.date() - timedelta(weeks=WEEKS)
    return day - timedelta(days=day.weekday())


def day_weight(day: date, since: date) -> float:
    """How busy a day is: growth of about 35 % over two years, the month, the weekday, the turn of the year."""
    growth = 1 + 0.35 * (day - since).days / (7 * WEEKS)
    turn_of_year = (day.month == 12 and day.day >= 22) or (day.month == 1 and day.day <= 3)
    return growth * _BY_MONTH[day.month - 1] * _BY_WEEKDAY[day.weekday()] * (0.3 if turn_of_year else 1.0)


class Days:
    """Days of a period, drawn by how busy they are."""

    def __init__(self, start: date, end: date, since: date, *, towards: date | None = None) -> None:
        """Days from `start` to `end`, both included; with `towards`, busier the nearer that day comes."""
        count = max((end - start).days + 1, 1)
        self.start = start
        weights = []
        for offset in range(count):
            day = start + timedelta(days=offset)
            weight = day_weight(day, since)
            if towards is not None:
                weight *= 2.0 ** (-abs((towards - day).days) / 12)
            weights.append(weight)
        self.cumulative = list(accumulate(weights))

    def draw(self, rng: Random) -> date:
        """One of the days."""
        offset = bisect_right(self.cumulative, rng.random() * self.cumulative[-1])
        return self.start + timedelta(days=min(offset, len(self.cumulative) - 1))


def moment(rng: Random, day: date, country: str) -> datetime:
    """A moment of that day, mostly in the working hours of the country."""
    hour = bisect_right(_HOURS, rng.random() * _HOURS[-1]) - _OFFSETS.get(country, 1)
    start = datetime.combine(day, time(), UTC)
    return start + timedelta(hours=hour, seconds=int(rng.random() * 3600))


def working_moment(rng: Random, at: datetime, country: str) -> datetime:
    """`at`, moved to a working hour of the same day, or of Monday when it falls on a weekend; never
    earlier.
    """
    day = at.date()
    if day.weekday() >= 5:
        day += timedelta(days=7 - day.weekday())
    hour = 9 + int(rng.random() * 8) - _OFFSETS.get(country, 1)
    moved = datetime.combine(day, time(), UTC) + timedelta(hours=hour, seconds=int(rng.random() * 3600))
    later = moved if moved > at else at + timedelta(minutes=1 + int(rng.random() * 40))
    return later.replace(microsecond=0)
