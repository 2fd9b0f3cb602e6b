"""Dates and moments as files write them, and the order of day and month that a file's own cells tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from leads.pure.imports.guess import Guess
from leads.pure.spelling.months import is_weekday, month_number
from leads.pure.spelling.texts import ascii_digits, clean_text
from leads.pure.week import midnight

# By the order of the parts: d, m, y. A year of four digits in front is always read as year, month, day.
DATE_ORDERS: Mapping[str, str] = {
    "dmy": "Day first: 31/12/2026",
    "mdy": "Month first: 12/31/2026",
    "ymd": "Year first: 26/12/31",
}
_NUMERIC = re.compile(r"(\d{1,4})([./-])(\d{1,2})\2(\d{4}|\d{2})", re.ASCII)
# Months and weekdays are names in any of our languages: "Do., 19. November 2026", "19 de nov. de 2026", "Nov 19, 2026".
_NAME = r"([^\W\d_]{2,}\.?)"
_OF = r"(?:de\s+|d['’])?"
_WEEKDAY = rf"(?:{_NAME},?\s+)?"
_DAY = r"([0-9]{1,2})(?:\.|st|nd|rd|th|er|º|ª)?"
_NAMED = re.compile(
    rf"{_WEEKDAY}{_DAY}[\s-]+{_OF}{_NAME},?[\s-]+(?:de\s+)?([0-9]{{4}}|[0-9]{{2}}(?![0-9:.h]))", re.IGNORECASE
)
_NAMED_FIRST = re.compile(rf"{_WEEKDAY}{_NAME}\s+{_DAY},?\s+([0-9]{{4}})", re.IGNORECASE)
_EAST_ASIAN = re.compile(r"([0-9]{4})\s?[年년]\s?([0-9]{1,2})\s?[月월]\s?([0-9]{1,2})\s?[日일]")
_TIME = re.compile(
    r"(\d{1,2})[:.h](\d{2})(?:[:.](\d{2})(?:[.,](\d{1,9}))?)?\s*([ap])?\.?(?:m\.?)?(?:\s*uhr|\s+h)?\s*"
    r"(z|utc|gmt|[+-]\d{2}:?\d{2})?(?:\s+utc)?",
    re.ASCII | re.IGNORECASE,
)
# ISO 8601 in full or without its signs. Weeks and days of the year are no dates that people mean: "2018-W05".
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(?=[T ])", re.ASCII | re.IGNORECASE)
_ISO = re.compile(r"\d{4}-?\d{2}-?\d{2}(?:[T ]\d{2}.*)?", re.ASCII | re.IGNORECASE)


def read_moment(text: str, tz: ZoneInfo, order: str = "") -> datetime:
    """A moment in UTC; a date is its first moment in ``tz``, and a moment without an offset is in ``tz``.

    ``order`` is one of :data:`DATE_ORDERS` for dates such as 3/4/2026; without it only dates with dots are read, day
    first. Raises ValueError with a message for people.
    """
    text = ascii_digits(text.strip())
    try:
        if _ISO.fullmatch(text):
            return _iso(text, tz)
        day, rest = _date(text, order)
        return _at(day, rest, tz)
    except (ValueError, OverflowError) as error:
        if isinstance(error, _Unclear):
            raise
        if order and (match := _NUMERIC.match(text)) and len(match[1]) < 3:
            raise ValueError(f"{text[:40]!r} is not a date: {DATE_ORDERS[order].lower()}.") from None
        raise ValueError(
            f"{text[:40]!r} is not a date such as 2018-12-31 or a moment such as 2018-12-31 14:05."
        ) from None


def guess_order(cells: Iterable[str]) -> Guess:
    """The order in which all these cells are dates; "" where none of them needs one or no order fits them all."""
    possible, telling, dotted = set(DATE_ORDERS), "", False
    for cell in cells:
        match = _NUMERIC.match(ascii_digits(clean_text(cell)))
        if match is None or len(match[1]) > 2:
            continue
        telling = telling or cell
        if len(match[4]) == 4:
            possible.discard("ymd")
        if match[2] == ".":
            possible.discard("mdy")
            dotted = True
        possible -= {order for order in possible if not _exists(match, order)}
    if not telling:
        return Guess("")
    if dotted and "dmy" in possible:
        possible = {"dmy"}
    if len(possible) == 1:
        return Guess(possible.pop(), example=telling)
    return Guess("", is_open=True, choices=tuple(sorted(possible)), example=telling)


class _Unclear(ValueError):
    """A date that is two days."""


def _iso(text: str, tz: ZoneInfo) -> datetime:
    try:
        at = datetime.fromisoformat(text.upper())
    except ValueError:
        # "2026-11-19 14:05:00 UTC", as databases write it, is no ISO.
        match = _ISO_DAY.match(text)
        if match is None:
            raise
        return _at(date.fromisoformat(match[0]), text[match.end() :], tz)
    if "T" not in text.upper() and " " not in text.strip():
        return midnight(at.date(), tz)
    return (at if at.utcoffset() is not None else at.replace(tzinfo=tz)).astimezone(UTC)


def _date(text: str, order: str) -> tuple[date, str]:
    """The date at the beginning, and what follows it."""
    if match := _NUMERIC.match(text):
        if len(match[1]) == 4 and len(match[4]) == 2:
            parts = (int(match[1]), int(match[3]), int(match[4]))
        elif len(match[1]) > 2:
            raise ValueError
        else:
            order = order or ("dmy" if match[2] == "." else "")
            if not order:
                raise _Unclear(f"{text[:40]!r} could be two days. Choose the order of day and month.")
            parts = _parts(match, order)
        return date(*parts), text[match.end() :]
    if match := _EAST_ASIAN.match(text):
        return date(int(match[1]), int(match[2]), int(match[3])), text[match.end() :]
    if match := _NAMED.match(text):
        weekday, day, month, year = match.groups()
    elif match := _NAMED_FIRST.match(text):
        weekday, month, day, year = match.groups()
    else:
        raise ValueError
    if weekday and not is_weekday(weekday):
        raise ValueError
    return date(int(year) + (2000 if len(year) == 2 else 0), month_number(month), int(day)), text[match.end() :]


def _at(day: date, rest: str, tz: ZoneInfo) -> datetime:
    rest = rest.lstrip(",tT ").removeprefix("at ").strip()
    if not rest:
        return midnight(day, tz)
    match = _TIME.fullmatch(rest)
    if match is None:
        raise ValueError
    hour = int(match[1])
    if half := (match[5] or "").lower():
        if not 1 <= hour <= 12:
            raise ValueError
        hour = hour % 12 + (12 if half == "p" else 0)
    clock = time(hour, int(match[2]), int(match[3] or 0), int((match[4] or "0").ljust(6, "0")[:6]))
    return datetime.combine(day, clock, _zone(match[6]) or tz).astimezone(UTC)


def _zone(text: str | None) -> timezone | None:
    if not text:
        return None
    if text[0] not in "+-":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def _parts(match: re.Match[str], order: str) -> tuple[int, int, int]:
    """Year, month, day."""
    found = dict(zip(order, (int(match[1]), int(match[3]), int(match[4])), strict=True))
    return (found["y"] if found["y"] > 99 else found["y"] + 2000), found["m"], found["d"]


def _exists(match: re.Match[str], order: str) -> bool:
    try:
        date(*_parts(match, order))
    except ValueError:
        return False
    return True
