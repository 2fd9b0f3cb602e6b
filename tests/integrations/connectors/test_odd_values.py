"""Values that are not what their field is: who reads the record refuses that one, and the page goes on."""

from __future__ import annotations

from datetime import UTC, date
from decimal import Decimal

import pytest

from integrations.actions.pull.read_amounts import UnreadableAmount, read_amount
from integrations.connectors.hubspot.records import deal_fields
from integrations.connectors.records import amount_or_text, as_day, day_or_text

CLOSES = {"closedate": "20212-03-31T00:00:00Z", "amount": "1,234", "hs_is_closed_won": "true"}


def test_a_year_of_five_digits_and_an_amount_with_a_comma_stay_as_they_came() -> None:
    read = deal_fields(CLOSES, currency="EUR", zone=UTC)
    assert (read["close_on"], read["closed_at"]) == ("20212-03-31T00:00:00Z", None)
    assert read["amount"] == "1,234"


def test_milliseconds_beyond_any_year_stay_as_they_came() -> None:
    read = deal_fields({"closedate": "999999999999999999"}, currency="EUR", zone=UTC)
    assert read["close_on"] == "999999999999999999"


@pytest.mark.parametrize(
    ("value", "day"), [("2026-11-19", date(2026, 11, 19)), ("", None), (None, None), ("20212-03-31", "20212-03-31")]
)
def test_days(value: str | None, day: date | str | None) -> None:
    assert day_or_text(value) == day
    assert as_day(value) == (day if isinstance(day, date) else None)


@pytest.mark.parametrize(
    ("value", "amount"),
    [(12.5, Decimal("12.5")), ("1E+7", Decimal("1E+7")), ("", None), (None, None), ("12 k", "12 k")],
)
def test_amounts(value: float | str | None, amount: Decimal | str | None) -> None:
    assert amount_or_text(value) == amount


@pytest.mark.parametrize("amount", ["12 k", Decimal("NaN"), Decimal("Infinity"), Decimal("1E+30")])
def test_an_amount_that_is_none_is_told(amount: Decimal | str) -> None:
    with pytest.raises(UnreadableAmount):
        read_amount(amount, "EUR")
