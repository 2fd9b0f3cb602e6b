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
    word = _plain(name)
    for number, full in enumerate(_ENGLISH, start=1):
        if len(word) > 2 and full.startswith(word):
            return number
    return _months()[word] if word in _months() else _refuse(name)


def is_month(name: str) -> bool:
    """Whether it is the name of one month."""
    try:
        return month_number(name) > 0
    except ValueError:
        return False


def is_weekday(name: str) -> bool:
    """Whether it is the name of a day of the week."""
    return _plain(name) in _weekdays()


def _refuse(name: str) -> int:
    raise ValueError(f"{name[:40]!r} is not the name of one month.")


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
    return {word: min(numbers) for word, numbers in found.items() if len(numbers) == 1}


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
