"""Cents add up, and nothing is rounded behind anybody's back."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.pure.money import MAX_CENTS, InvalidAmount, format_money, split_cents, to_amount, to_cents

CENTS = st.integers(-MAX_CENTS, MAX_CENTS)
WEIGHTS = st.lists(st.floats(0, 1e9, allow_nan=False), min_size=1, max_size=40).filter(any)


@given(CENTS, WEIGHTS)
def test_parts_sum_to_the_cent_and_stay_within_a_cent(total: int, weights: list[float]) -> None:
    parts = split_cents(total, weights)
    whole = sum(map(Fraction, weights))
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - total * Fraction(weight) / whole) < 1
    assert split_cents(-total, weights) == [-part for part in parts]


def test_equal_remainders_go_to_the_lower_index() -> None:
    assert split_cents(100, [1, 1, 1]) == [34, 33, 33]
    assert split_cents(-100, [1, 1, 1]) == [-34, -33, -33]
    assert split_cents(2, [1, 1, 1]) == [1, 1, 0]


def test_what_cannot_be_split_is_refused() -> None:
    assert split_cents(0, []) == []
    assert split_cents(0, [0, 0]) == [0, 0]
    for weights in ([], [0.0], [-1.0, 2.0], [float("nan")], [float("inf")]):
        with pytest.raises(ValueError):
            split_cents(1, weights)


@given(CENTS, st.sampled_from(["EUR", "JPY", "KWD"]))
def test_amounts_are_read_back_exactly(cents: int, currency: str) -> None:
    assert to_cents(to_amount(cents, currency), currency) == cents
    assert to_cents(Decimal(to_amount(cents, currency)), currency) == cents


@pytest.mark.parametrize(
    "amount",
    [
        "", "abc", "1,5", "1.234,50", "1_000", "1e3", "NaN", "Infinity", "1.500", "0.001", "\uff11\uff12",
        ".", "1" * 30, "1" * 5000, "10000000000000.01", 1.5, True,
        Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity"),
        Decimal("1E+999999"), Decimal("1E-999999"), Decimal("0.001"),
    ],
)  # fmt: skip
def test_amounts_that_need_a_guess_are_refused(amount: object) -> None:
    with pytest.raises(InvalidAmount):
        to_cents(amount, "EUR")  # type: ignore[arg-type]


def test_currencies_have_their_own_decimals() -> None:
    assert to_cents("12", "JPY") == 12
    assert to_cents("1.234", "KWD") == 1234
    assert to_cents(" -5.5 ", "EUR") == -550
    assert to_cents(3, "EUR") == 300
    assert to_cents(Decimal("1.500"), "EUR") == 150
    for amount, currency in (("1.5", "JPY"), ("1", "eur"), ("1", "EURO")):
        with pytest.raises(InvalidAmount):
            to_cents(amount, currency)


def test_money_for_people() -> None:
    assert format_money(123450, "EUR") == "€1,234.50"
    assert format_money(-500, "EUR") == "-€5.00"
    assert format_money(123450, "CHF") == "CHF\u00a01,234.50"
    assert format_money(1234, "JPY") == "¥1,234"
    assert format_money(123456789, "EUR", is_short=True) == "€1.2M"
    assert format_money(123456, "EUR", is_short=True) == "€1,235"
    assert format_money(-10, "EUR", is_short=True) == "€0"


@pytest.mark.parametrize("currency", ["XYZ", "ABC", "XXX", "EURO", "eur", ""])
def test_what_is_no_currency_is_refused(currency: str) -> None:
    with pytest.raises(InvalidAmount, match="currency"):
        to_cents("1", currency)


@pytest.mark.parametrize("currency", ["EUR", "USD", "DEM", "XOF"])
def test_currencies_are_known_also_former_ones(currency: str) -> None:
    assert to_cents("5", currency) == 5 * (1 if currency == "XOF" else 100)
