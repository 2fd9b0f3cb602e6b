"""Targets as people write them: €650,000 per week, 250 %, 40."""

from __future__ import annotations

import re

from leads.pure.money import currency_decimals, to_amount, to_cents

_MONEY = ("money", "money_per_day")
_GROUPS = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")


def target_value(text: str, unit: str, currency: str) -> float:
    """What was written, in the figure's own unit: minor units of money, shares of 1. Raises ValueError."""
    bare = text.strip().replace("\u202f", " ").replace("\xa0", " ")
    if unit in _MONEY:
        bare = re.sub(rf"^[^\d\s.,-]{{1,3}}|\b{currency}\b", "", bare, flags=re.IGNORECASE)
    if unit == "share":
        bare = bare.removesuffix("%")
    bare = bare.replace(" ", "")
    if _GROUPS.fullmatch(bare.lstrip("-")):
        bare = bare.replace(",", "")
    if not re.fullmatch(r"-?\d+(\.\d+)?", bare):
        raise ValueError(f"“{text.strip()[:40]}” is no number such as {example(unit, currency)}.")
    if unit in _MONEY:
        return float(to_cents(bare, currency))
    return float(bare) / 100 if unit == "share" else float(bare)


def written(value: float, unit: str, currency: str) -> str:
    """The same the other way, as a form shows it again."""
    if unit in _MONEY:
        return f"{to_amount(round(value), currency)} {currency}"
    if unit == "share":
        return f"{_plain(round(value * 100, 10))} %"
    return _plain(value)


def example(unit: str, currency: str) -> str:
    """How a target of this unit is written."""
    if unit in _MONEY:
        return f"650,000{'.00' if currency_decimals(currency) else ''}"
    return "250 %" if unit == "share" else "40"


def _plain(value: float) -> str:
    return f"{value:,.10f}".rstrip("0").rstrip(".")
