"""Values in words: rounding, signs, missing values, currencies without cents."""

from __future__ import annotations

from datetime import date

import pytest

from leads.pure import words
from leads.pure.week import Week


@pytest.mark.parametrize(
    ("cents", "currency", "whole", "short", "exact"),
    [
        (1234567, "EUR", "€12,346", "€12,346", "€12,345.67"),
        (-1234567, "EUR", "−€12,346", "−€12,346", "−€12,345.67"),
        (123456789, "EUR", "€1,234,568", "€1.2M", "€1,234,567.89"),
        (5000, "JPY", "¥5,000", "¥5,000", "¥5,000"),
        (1234500, "KWD", "KWD\u00a01,235", "KWD\u00a01,234", "KWD\u00a01,234.500"),
        (0, "EUR", "€0", "€0", "€0.00"),
        (-20, "EUR", "€0", "€0", "−€0.20"),
        (None, "EUR", "–", "–", "–"),
    ],
)
def test_money(cents: int | None, currency: str, whole: str, short: str, exact: str) -> None:
    assert words.money(cents, currency) == whole
    assert words.money_short(cents, currency) == short
    assert words.money_exact(cents, currency) == exact


@pytest.mark.parametrize(
    ("value", "text"), [(0.314, "31.4%"), (-0.13, "−13.0%"), (28.14, "2,814.0%"), (-0.0001, "0.0%"), (None, "–")]
)
def test_share(value: float | None, text: str) -> None:
    assert words.share(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(8.24, "+8.2"), (-1.1, "−1.1"), (0, "0.0"), (-0.04, "0.0"), (1234.5, "+1,234.5"), (None, "–")]
)
def test_signed(value: float | None, text: str) -> None:
    assert words.signed(value, 1) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1 day"),
        (12.5, "12.5 days"),
        (0.25, "6 hours"),
        (1 / 24, "1 hour"),
        (0, "0 days"),
        (-2.0, "−2 days"),
        (None, "–"),
    ],
)
def test_days(value: float | None, text: str) -> None:
    assert words.days(value) == text


def test_count() -> None:
    assert [words.count(n) for n in (12345, -3, None)] == ["12,345", "−3", "–"]


def test_week_label() -> None:
    assert words.week_label(Week(2026, 46)) == "Week 46, 9–15 Nov 2026"
    assert words.week_label(date(2026, 11, 12), "short") == "W46"
    assert words.week_label(date(2026, 11, 12), "days") == "9–15 Nov 2026"
    assert words.week_label(None) == "–"
