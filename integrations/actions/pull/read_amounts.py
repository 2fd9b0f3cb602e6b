"""Read amounts of deals: minor units of the currency each is in, and what had to be done to it."""

from __future__ import annotations

from decimal import Decimal

from leads.pure.money import InvalidAmount, rounded_cents, to_amount

NO_CURRENCY = "The CRM does not say in which currency {amount} is. Choose one in the settings of the connection."


class UnreadableAmount(ValueError):
    """The amount cannot be read; the message tells an admin why."""


def read_amount(amount: Decimal | str | None, currency: str) -> tuple[int | None, str]:
    """Minor units, and in words how they differ from what was sent ("" where they do not).

    What is finer than the currency is rounded half to even. Raises UnreadableAmount.
    """
    if amount is None:
        return None, ""
    if not isinstance(amount, Decimal):
        raise UnreadableAmount(f"amount_cents: {amount[:40]!a} is not a number")
    if not currency:
        raise UnreadableAmount(NO_CURRENCY.format(amount=_plain(amount)))
    try:
        cents = rounded_cents(amount, currency)
    except InvalidAmount as error:
        raise UnreadableAmount(f"amount_cents: {error}") from None
    kept = to_amount(cents, currency)
    if Decimal(kept) == amount:
        return cents, ""
    return cents, f"The CRM sent {_plain(amount)} {currency}, rounded to {kept}."


def _plain(amount: Decimal) -> str:
    return f"{amount:f}" if abs(amount.adjusted()) < 30 else str(amount)
