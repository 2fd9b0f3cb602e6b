"""Money as whole minor units ("cents", also where a currency has none or three decimals)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from babel.core import get_global

# Not CLDR's digits: those say what people write (no fils in Baghdad), stored amounts follow ISO 4217.
# ISO 4217 currencies whose minor unit is not a hundredth.
_ZERO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
_DECIMALS = dict.fromkeys(_ZERO_DECIMALS.split(), 0) | dict.fromkeys(_THREE_DECIMALS.split(), 3)
_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "BRL": "R$", "INR": "₹", "KRW": "₩"}
# Known to CLDR, also former ones, but "no currency" and "for tests".
_CURRENCIES = frozenset(get_global("all_currencies")) - {"XXX", "XTS"}
_AMOUNT = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
MAX_CENTS = 10**15  # ten trillion: room for sums in a 64-bit column, far above any deal


class InvalidAmount(ValueError):
    """The text is not an amount of that currency; the message tells a person why."""


def currency_decimals(currency: str) -> int:
    """How many decimals a currency has. Raises InvalidAmount unless it is three capital letters."""
    if re.fullmatch(r"[A-Z]{3}", currency) is None:
        raise InvalidAmount(f"{currency!r} is not a three-letter currency code such as EUR.")
    return _DECIMALS.get(currency, 2)


def check_currency(currency: str) -> str:
    """The code itself, if it is one of a currency. Raises InvalidAmount."""
    currency_decimals(currency)
    if currency not in _CURRENCIES:
        raise InvalidAmount(f"{currency!r} is not the code of a currency. Write one such as EUR or USD.")
    return currency


def to_cents(amount: str | Decimal | int, currency: str) -> int:
    """Exact minor units of a decimal amount such as "1234.50".

    Refuses what would have to be rounded or guessed: more decimals than the currency has, thousands
    separators, a decimal comma, exponents, NaN, infinity, more than MAX_CENTS. Raises InvalidAmount.
    """
    decimals = currency_decimals(check_currency(currency))
    if isinstance(amount, float | bool):
        raise InvalidAmount("Send the amount as text, for example 1234.50.")
    if isinstance(amount, str):
        amount = _parse(amount.strip(), decimals, currency)
    value = Decimal(amount)
    if not value.is_finite():
        raise InvalidAmount("The amount must be a finite number.")
    if value.adjusted() > 20:  # before scaling: an exponent of a billion would build a number of that length
        raise InvalidAmount("The amount is too large.")
    cents = Fraction(value) * 10**decimals if value.adjusted() > -20 or not value else Fraction(1, 2)
    if cents.denominator != 1:
        raise InvalidAmount(f"{currency} amounts have at most {decimals} decimals.")
    if abs(cents) > MAX_CENTS:
        raise InvalidAmount("The amount is too large.")
    return int(cents)


def rounded_cents(amount: Decimal, currency: str) -> int:
    """Minor units of an amount that others worked out, rounded half to even to what the currency has.

    Raises InvalidAmount for what is no amount: NaN, infinity, more than MAX_CENTS, an unknown currency.
    """
    decimals = currency_decimals(currency)
    if not amount.is_finite() or amount.adjusted() > 20:
        raise InvalidAmount("The amount is too large or not a number.")
    # Far below any minor unit, an exponent of a billion would build a number of that length.
    exact = Decimal(0) if amount.adjusted() < -20 else amount.scaleb(decimals)
    return to_cents(exact.quantize(Decimal(1), rounding=ROUND_HALF_EVEN).scaleb(-decimals), currency)


def to_amount(cents: int, currency: str) -> str:
    """Plain decimal text, "1234.50": the form of the API, read back exactly by to_cents."""
    decimals = currency_decimals(currency)
    whole, rest = divmod(abs(cents), 10**decimals)
    sign = "-" if cents < 0 else ""
    return f"{sign}{whole}.{rest:0{decimals}d}" if decimals else f"{sign}{whole}"


def format_money(cents: int, currency: str, *, is_short: bool = False) -> str:
    """For people: "€1,234.50", "CHF 1,234.50", "-€5.00"; short: without decimals, from a million as
    "€1.2M"."""
    decimals = currency_decimals(currency)
    symbol = _SYMBOLS.get(currency, f"{currency}\u00a0")
    sign = "-" if cents < 0 else ""
    amount = Decimal(abs(cents)).scaleb(-decimals)
    if not is_short:
        return f"{sign}{symbol}{amount:,.{decimals}f}"
    if amount >= 1_000_000:
        return f"{sign}{symbol}{amount / 1_000_000:,.1f}M"
    return f"{sign if amount >= Decimal('0.5') else ''}{symbol}{amount:,.0f}"


def split_cents(total: int, weights: Sequence[float]) -> list[int]:
    """Whole cents in proportion to the weights, summing exactly to total (largest remainder).

    Each part is within one cent of its exact share; equal remainders go to the lower index; a negative total
    is the mirror image of the positive one. Raises ValueError for negative, NaN or infinite weights, and for
    weights that sum to zero when there is something to split.
    """
    try:
        shares = [Fraction(weight) for weight in weights]
    except (ValueError, OverflowError):
        raise ValueError("weights must be finite numbers") from None
    if any(share < 0 for share in shares):
        raise ValueError("weights must not be negative")
    whole = sum(shares, Fraction())
    if not whole:
        if total:
            raise ValueError("nothing to split the amount by: all weights are zero")
        return [0] * len(shares)
    exact = [abs(total) * share / whole for share in shares]
    parts = [int(part) for part in exact]
    by_remainder = sorted(range(len(parts)), key=lambda index: (parts[index] - exact[index], index))
    for index in by_remainder[: abs(total) - sum(parts)]:
        parts[index] += 1
    return parts if total >= 0 else [-part for part in parts]


def _parse(text: str, decimals: int, currency: str) -> Decimal:
    if _AMOUNT.fullmatch(text) is None:
        raise InvalidAmount(f"{text[:40]!r} is not an amount such as 1234.50.")
    if len(text) > 40:
        raise InvalidAmount("The amount is too large.")
    # "1.500" is refused although it equals 1.5: a German writer means fifteen hundred.
    if len(text.partition(".")[2]) > decimals:
        raise InvalidAmount(f"{currency} amounts have at most {decimals} decimals.")
    return Decimal(text)
