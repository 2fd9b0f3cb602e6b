"""Amounts in the company currency at dated rates."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from leads.actions.price import Rates
from leads.models import ExchangeRate

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]


@pytest.fixture(autouse=True)
def rates(db: None) -> None:
    for currency, since, rate in (
        ("USD", date(2026, 1, 1), "0.9"),
        ("USD", date(2026, 7, 1), "0.85"),
        ("JPY", date(2026, 1, 1), "0.0061"),
    ):
        ExchangeRate.objects.create(currency=currency, valid_from=since, rate=Decimal(rate))


@pytest.mark.parametrize(
    ("amount", "currency", "on", "expected"),
    [
        (12_345, "EUR", date(2020, 1, 1), 12_345),
        (10_000, "USD", date(2026, 6, 30), 9_000),
        (10_000, "USD", date(2026, 7, 1), 8_500),
        (10_000, "USD", date(2025, 12, 31), None),
        (10_000, "CHF", date(2026, 7, 1), None),
        (1_000, "JPY", date(2026, 7, 1), 610),  # yen have no cents: 1,000 yen are 6.10 euro
        (5, "USD", date(2026, 6, 30), 4),  # 4.5 cents go to the even one
        (None, "USD", date(2026, 7, 1), None),
    ],
)
def test_the_rate_of_the_day(amount: int | None, currency: str, on: date, expected: int | None) -> None:
    assert Rates.current().reporting_cents(amount_cents=amount, currency=currency, on=on) == expected


def test_many_amounts_cost_two_queries(django_assert_num_queries) -> None:
    with django_assert_num_queries(2):
        rates = Rates.current()
        for day in range(1, 28):
            rates.reporting_cents(amount_cents=100, currency="USD", on=date(2026, 2, day))
