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
_NUMERIC = re.compile(r"(\d{1,4})([./-])(\d{1,2})\2(\d{4}|\d{2})(?!\d)", re.ASCII)
_YEAR_FIRST = re.compile(r"(\d{4})([./-])(\d{1,2})\2(\d{1,2})(?!\d)", re.ASCII)
# Months and weekdays are names in any of our languages: "Do., 19. November 2026", "19 de nov. de 2026", "Nov 19, 2026".
_NAME = r"([^\W\d_]{2,}\.?)"
_OF = r"(?:de\s+|d['’])?"
_WEEKDAY = rf"(?:{_NAME},?\s+)?"
_DAY = r"([0-9]{1,2})(?:\.|st|nd|rd|th|er|º|ª)?"
_NAMED = re.compile(
    rf"{_WEEKDAY}{_DAY}[\s-]+{_OF}{_NAME},?[\s-]+(?:de\s+)?([0-9]{{4}}|[0-9]{{2}}(?![0-9:.h]))", re.IGNORECASE
)
_JOINED = re.compile(r"([0-9]{1,2})([^\W\d_]{3,})([0-9]{4}|[0-9]{2})(?![0-9:.h])")
_NAMED_FIRST = re.compile(rf"{_WEEKDAY}{_NAME}[\s-]+{_DAY}(?:,|-|\s)\s*([0-9]{{4}})", re.IGNORECASE)
_NAMED_LAST = re.compile(rf"([0-9]{{4}}),?[\s-]{_NAME}[\s-]{_DAY}", re.IGNORECASE)
_EAST_ASIAN = re.compile(r"([0-9]{4})\s?[年년]\s?([0-9]{1,2})\s?[月월]\s?([0-9]{1,2})\s?[日일]")
_TIME = re.compile(
    r"(\d{1,2})(?:[:.h](\d{2})(?:[:.](\d{2})(?:[.,](\d{1,9}))?)?|(?=\s*(?:[ap]\.?m|h|uhr)))\s*(?:([ap])(?:\.?m\.?)?(?![a-z]))?"
    r"(?:\s*uhr|\s*h)?\s*(?:([a-z]{1,5})?([+-]\d{2}:?(?:\d{2})?)?)(?:\s+utc)?",
    re.ASCII | re.IGNORECASE,
)
# What stands between day and time: "um", "a las", "г." for a year in Russian.
_BEFORE_TIME = re.compile(
    r"[,t\s]*(?:(?:г|р)\.?[,\s]*)?(?:(?:at|um|om|à|às|a las|alle ore|alle|kl\.?|klo|o godz\.|ob|в|о)\s+)?",
    re.IGNORECASE,
)
# Before the time, where others write "pm" behind it.
_HALF_FIRST = re.compile(r"(오전|午前|上午|오후|午後|下午)\s?(.*)")
_CLOCK = re.compile(r"([0-9]{1,2})\s?[時时点點시]\s?([0-9]{1,2})\s?[分분](?:\s?([0-9]{1,2})\s?[秒초])?")
# Zones that mean one thing where exports write them: those of RFC 2822, and those of Europe. "IST" is three.
_ZONES = {
    "z": 0, "utc": 0, "gmt": 0, "wet": 0, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8,
    "pdt": -7, "west": 1, "cet": 1, "mez": 1, "cest": 2, "mesz": 2, "eet": 2, "eest": 3, "msk": 3,
}  # fmt: skip
# Languages put the year last ("Thu Nov 19 14:05:00 CET 2026"), and say the zone in words behind all of it.
_YEAR_LAST = re.compile(
    r"((?:[a-z]{3} )?[a-z]{3} {1,2}\d{1,2}) (\d{2}:\d{2}:\d{2}(?: [a-z]{3,4}| [+-]\d{4})?) (\d{4})", re.I
)
_ZONE_IN_WORDS = re.compile(r"\s?(?:\[[A-Za-z_/+-]+\]|\([^()]*\))$")
_BLANKS_AFTER_DOTS = re.compile(r"([0-9]{1,4}) ?\. ?([0-9]{1,2}) ?\. ?([0-9]{1,4})(?:\.(?=\s|$))?(?![0-9])")
# Seconds and milliseconds since 1970, from 2001 to 2033; and moments without any sign between.
_EPOCH = re.compile(r"1[0-9]{9}(?:[0-9]{3})?")
_RUN_TOGETHER = re.compile(r"((?:19|20)[0-9]{6})([0-9]{4}(?:[0-9]{2})?)")
_PLAIN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")  # most dates of most files
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"))
_NO_DATE = re.compile(r"0{1,4}([./-])0{1,2}\1(?:0{4}|0{1,2})(?:[ T]00:00(?::00(?:\.0+)?)?Z?)?")
# ISO 8601 in full or without its signs. Weeks and days of the year are no dates that people mean: "2018-W05".
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(?=[T ])", re.ASCII | re.IGNORECASE)
_ISO = re.compile(r"\d{4}-?\d{2}-?\d{2}(?:[T ]\d{2}.*)?", re.ASCII | re.IGNORECASE)


def read_moment(text: str, tz: ZoneInfo, order: str = "") -> datetime:
    """A moment in UTC; a date is its first moment in ``tz``, and a moment without an offset is in ``tz``.

    ``order`` is one of :data:`DATE_ORDERS` for dates such as 3/4/2026; without it only dates with dots are read, day
    first. Raises ValueError with a message for people.
    """
    text = ascii_digits(clean_text(text))
    try:
        if _PLAIN.fullmatch(text):
            return midnight(date.fromisoformat(text), tz)
        return _read(_usual(text), tz, order)
    except (ValueError, OverflowError) as error:
        if isinstance(error, _Unclear):
            raise
        if order and (match := _NUMERIC.match(_usual(text))) and len(match[1]) < 3:
            raise ValueError(f"{text[:40]!r} is not a date: {DATE_ORDERS[order].lower()}.") from None
        raise ValueError(
            f"{text[:40]!r} is not a date such as 2018-12-31 or a moment such as 2018-12-31 14:05."
        ) from None


def guess_order(cells: Iterable[str]) -> Guess:
    """The order in which all these cells are dates; "" where none of them needs one or no order fits them all."""
    possible, telling, dotted = set(DATE_ORDERS), "", False
    for cell in cells:
        match = _NUMERIC.match(_usual(ascii_digits(clean_text(cell))))
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


def says_no_date(text: str) -> bool:
    """Whether it is the zero date by which databases say "none": 0000-00-00, 00/00/0000."""
    return bool(_NO_DATE.fullmatch(text))


def _usual(text: str) -> str:
    """The same as most write it: plain dashes, no blanks within numbers, the year before the time."""
    text = _ZONE_IN_WORDS.sub("", text.translate(_DASHES))
    if match := _BLANKS_AFTER_DOTS.match(text):
        text = ".".join(match.groups()) + text[match.end() :]
    if match := _YEAR_LAST.fullmatch(text):
        text = f"{match[1]}, {match[3]} {match[2]}"
    return _CLOCK.sub(lambda clock: ":".join(f"{int(each or 0):02}" for each in clock.groups()), text)


def _read(text: str, tz: ZoneInfo, order: str) -> datetime:
    if _EPOCH.fullmatch(text):
        return datetime.fromtimestamp(int(text[:10]), UTC) + timedelta(milliseconds=int(text[10:] or 0))
    if match := _RUN_TOGETHER.fullmatch(text):
        text = f"{match[1]}T{match[2]}"
    if _ISO.fullmatch(text):
        return _iso(text, tz)
    day, rest = _date(text, order)
    return _at(day, rest, tz)


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
    if match := _YEAR_FIRST.match(text):
        return date(int(match[1]), int(match[3]), int(match[4])), text[match.end() :]
    if match := _NUMERIC.match(text):
        if len(match[1]) > 2:
            raise ValueError
        order = order or ("dmy" if match[2] == "." else "")
        if not order:
            raise _Unclear(f"{text[:40]!r} could be two days. Choose the order of day and month.")
        return date(*_parts(match, order)), text[match.end() :]
    if match := _EAST_ASIAN.match(text):
        return date(int(match[1]), int(match[2]), int(match[3])), text[match.end() :]
    if match := _NAMED.match(text):
        weekday, day, month, year = match.groups()
    elif match := _JOINED.match(text):
        weekday, (day, month, year) = "", match.groups()
    elif match := _NAMED_FIRST.match(text):
        weekday, month, day, year = match.groups()
    elif match := _NAMED_LAST.match(text):
        weekday, (year, month, day) = "", match.groups()
    else:
        raise ValueError
    if weekday and not is_weekday(weekday):
        raise ValueError
    return date(_full_year(year), month_number(month), int(day)), text[match.end() :]


def _at(day: date, rest: str, tz: ZoneInfo) -> datetime:
    before = _BEFORE_TIME.match(rest)
    rest = rest[before.end() :].strip() if before else rest.strip()
    if not rest:
        return midnight(day, tz)
    half = ""
    if match := _HALF_FIRST.fullmatch(rest):
        half, rest = "a" if match[1] in ("오전", "午前", "上午") else "p", match[2]
    match = _TIME.fullmatch(rest)
    if match is None:
        raise ValueError
    hour = int(match[1])
    if half := half or (match[5] or "").lower():
        if not 1 <= hour <= 12:
            raise ValueError
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour == 24 and not int(match[2] or 0) and not int(match[3] or 0):
        day, hour = day + timedelta(days=1), 0
    clock = time(hour, int(match[2] or 0), int(match[3] or 0), int((match[4] or "0").ljust(6, "0")[:6]))
    return datetime.combine(day, clock, _zone(match[6], match[7]) or tz).astimezone(UTC)


def _zone(name: str | None, offset: str | None) -> timezone | None:
    if not name and not offset:
        return None
    hours = _ZONES.get(name.lower()) if name else 0
    if hours is None or (offset and hours):
        raise ValueError
    sign, digits = (-1 if (offset or "")[:1] == "-" else 1), (offset or "+00")[1:].replace(":", "").ljust(4, "0")
    return timezone(timedelta(hours=hours) + sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))


def _full_year(digits: str) -> int:
    """Of two digits those up to 69 are of this century, as POSIX reads them."""
    year = int(digits)
    return year if len(digits) > 2 else year + (2000 if year < 70 else 1900)


def _parts(match: re.Match[str], order: str) -> tuple[int, int, int]:
    """Year, month, day."""
    found = dict(zip(order, (match[1], match[3], match[4]), strict=True))
    return _full_year(found["y"]), int(found["m"]), int(found["d"])


def _exists(match: re.Match[str], order: str) -> bool:
    try:
        date(*_parts(match, order))
    except ValueError:
        return False
    return True
