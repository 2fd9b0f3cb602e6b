"""Targets as people write them, and as figures count them."""

from __future__ import annotations

import pytest

from alignment.pure.targets import target_value, written


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("€650,000", "money", 65_000_000),
        ("650000", "money", 65_000_000),
        ("650 000.50 EUR", "money", 65_000_050),
        ("EUR 1,234,567", "money_per_day", 123_456_700),
        ("250 %", "share", 2.5),
        ("250%", "share", 2.5),
        ("12.5", "share", 0.125),
        ("1,200", "count", 1200),
        ("40", "count", 40),
        ("1.5", "hours", 1.5),
        ("-20 %", "share", -0.2),
    ],
)
def test_what_people_write_is_read_in_the_unit(text: str, unit: str, value: float) -> None:
    assert target_value(text, unit, "EUR") == value
    assert target_value(written(value, unit, "EUR"), unit, "EUR") == value


@pytest.mark.parametrize(
    ("text", "unit"),
    [("", "count"), ("much", "money"), ("1,23", "money"), ("650.000", "money"), ("1e3", "count"), ("nan", "share")],
)
def test_what_is_no_number_is_refused(text: str, unit: str) -> None:
    with pytest.raises(ValueError, match=r"is no number such as|decimals"):
        target_value(text, unit, "EUR")
