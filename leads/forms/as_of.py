"""The moment a question is asked as of: read, checked and settled in one place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime

from leads.models import Company
from leads.past.settled import database_now, settle
from leads.past.snapshot import memory_begins
from leads.pure.week import OLDEST_YEAR, local_date, midnight

NAME = "as_of"
"""The parameter, in every address and in the API."""
MAX_LENGTH = 40


@dataclass(frozen=True, slots=True)
class AsOf:
    """A moment of the past, and the text that leads back to exactly it."""

    at: datetime
    text: str


def exact(at: datetime) -> str:
    """A moment as addresses give it: UTC, to the microsecond."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def read_as_of(text: str, *, tz: ZoneInfo, at: datetime) -> AsOf:
    """A moment with its offset, or the end of a local day (today's is ``at``). Raises ValidationError."""
    found: datetime | None
    try:
        day = date.fromisoformat(text) if len(text) == 10 else None
        # In a query string an unescaped "+" of an offset arrives as a blank.
        found = (
            midnight(day + timedelta(days=1), tz) - datetime.resolution
            if day
            else parse_datetime(text.strip().replace(" ", "+"))
            if len(text) <= MAX_LENGTH
            else None
        )
    except (ValueError, OverflowError):
        found = None
    if found is None or found.utcoffset() is None:
        raise ValidationError("Give a date, or a moment with its offset such as 2026-11-16T09:30:00+01:00.")
    if found.year < OLDEST_YEAR:
        raise ValidationError(f"The year must not lie before {OLDEST_YEAR}.")
    if day and local_date(at, tz) == day:
        return AsOf(at, exact(at))
    if found > at:
        raise ValidationError("The future is not known yet.")
    return AsOf(found, text if day else exact(found))


def settled_as_of(text: str, *, at: datetime) -> AsOf:
    """The moment asked for, to which nothing can be added any more. ``at`` is now.

    Raises ValidationError for what is no moment, lies in the future or before history began, NotSettled while changes
    of the moment are still being saved.
    """
    tz = Company.current().tz
    # Changes are stamped by the clock of the database, which may be a little behind ours.
    asked = read_as_of(text, tz=tz, at=min(at, database_now()))
    settle(asked.at)
    begins = memory_begins()
    if begins and asked.at < begins:
        # Rounded up, so that the minute named can be asked.
        since = (begins + timedelta(minutes=1) - datetime.resolution).astimezone(tz)
        raise ValidationError(f"History is available since {since:%-d %b %Y, %H:%M %Z}.")
    return asked
