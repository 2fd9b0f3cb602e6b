"""Public holidays of countries and their regions, from the `holidays` package."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache

import holidays
import pycountry


class UnknownCalendar(ValueError):
    """No public holidays are known for the country or region."""


@lru_cache(maxsize=512)
def public_holidays(country: str, region: str, year: int) -> Mapping[date, str]:
    """Days and their names in a year; ``region`` "" means holidays of the whole country alone.

    Raises UnknownCalendar.
    """
    if country not in _supported() or (region and region not in _supported()[country]):
        raise UnknownCalendar(f"There are no public holidays for {'-'.join(filter(None, (country, region)))}.")
    return dict(holidays.country_holidays(country, subdiv=region or None, years=year, language="en_US").items())


def holiday_on(country: str, region: str, day: date) -> str:
    """The name of the public holiday on a day; "" on other days, and without a country whose holidays are known."""
    try:
        return public_holidays(country, region, day.year).get(day, "") if country else ""
    except UnknownCalendar:
        return ""


@lru_cache(maxsize=1)
def countries() -> tuple[tuple[str, str], ...]:
    """(code, name) of every country with known holidays, by name."""
    named = {row.alpha_2: str(row.name) for row in pycountry.countries}
    found = ((code, named[code]) for code in _supported() if code in named)
    return tuple(sorted(found, key=lambda each: each[1]))


@lru_cache(maxsize=256)
def regions(country: str) -> tuple[tuple[str, str], ...]:
    """(code, name) of the regions of a country that have holidays of their own, by name."""
    codes = _supported().get(country, ())
    named = {str(row.code): str(row.name) for row in pycountry.subdivisions if row.country_code == country}
    return tuple(sorted(((code, named.get(f"{country}-{code}", code)) for code in codes), key=lambda each: each[1]))


@lru_cache(maxsize=1)
def _supported() -> Mapping[str, tuple[str, ...]]:
    listed = holidays.list_supported_countries(include_aliases=False)
    return {code: tuple(regions) for code, regions in listed.items() if len(code) == 2}
