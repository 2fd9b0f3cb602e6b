"""Names of months and weekdays in the languages whose names of countries we read, as CLDR (Babel) keeps them."""

from __future__ import annotations

import unicodedata
from functools import cache

from babel import Locale

from leads.pure.spelling.countries import LANGUAGES

_ENGLISH = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip


def month_number(name: str) -> int:
    """1 to 12. English names may be cut to three letters or more.

    Raises ValueError for what is no month, and for a name of two months in two languages, such as "listopad".
    """
    if number := _months().get(_plain(name)):
        return number
    raise ValueError(f"{name[:40]!r} is not the name of one month.")


def is_month(name: str) -> bool:
    """Whether it is the name of one month."""
    return _plain(name) in _months()


def is_weekday(name: str) -> bool:
    """Whether it is the name of a day of the week."""
    return _plain(name) in _weekdays()


@cache
def _months() -> dict[str, int]:
    found: dict[str, set[int]] = {}
    for language in LANGUAGES:
        for widths in Locale.parse(language).months.values():
            for width in ("wide", "abbreviated"):
                for number, name in widths[width].items():
                    # Those of East Asia are numbers.
                    if (word := _plain(name)) and not word[0].isdigit():
                        found.setdefault(word, set()).add(number)
    names = {word: min(numbers) for word, numbers in found.items() if len(numbers) == 1}
    for number, full in enumerate(_ENGLISH, start=1):
        names |= {full[:length]: number for length in range(3, len(full) + 1)}
    return names


@cache
def _weekdays() -> frozenset[str]:
    found = {"tues", "wednes", "thur", "thurs"}
    for language in LANGUAGES:
        for widths in Locale.parse(language).days.values():
            for width in ("wide", "abbreviated", "short"):
                found.update(_plain(name) for name in widths.get(width, {}).values())
    return frozenset(found - {""})


def _plain(name: str) -> str:
    """Without regard to case, accents and dots."""
    text = unicodedata.normalize("NFKD", name.casefold().replace(".", ""))
    return "".join(sign for sign in text if not unicodedata.combining(sign)).strip()
