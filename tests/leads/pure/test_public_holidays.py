"""Public holidays by country and region."""

from __future__ import annotations

from datetime import date

import pytest

from leads.pure.public_holidays import UnknownCalendar, countries, holiday_on, public_holidays, regions


def test_regions_have_holidays_of_their_own() -> None:
    assert holiday_on("DE", "", date(2026, 4, 3)) == "Good Friday"
    assert holiday_on("DE", "BE", date(2026, 3, 8)) == "Women's Day"
    assert holiday_on("DE", "", date(2026, 3, 8)) == ""
    assert holiday_on("US", "", date(2026, 11, 26)) == "Thanksgiving Day"
    assert holiday_on("", "", date(2026, 12, 25)) == ""


def test_a_country_or_region_nobody_knows_has_no_holidays() -> None:
    with pytest.raises(UnknownCalendar, match="DE-XX"):
        public_holidays("DE", "XX", 2026)
    assert holiday_on("XX", "", date(2026, 12, 25)) == ""


def test_countries_and_regions_are_offered_by_name() -> None:
    assert ("DE", "Germany") in countries()
    assert ("BY", "Bayern") in regions("DE")
    assert regions("XX") == ()
