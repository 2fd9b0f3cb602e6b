"""Values in words for people: money, shares, differences, days, weeks; nothing is a dash.

Minus signs are the typographic one, because a hyphen is easily missed in a column of figures.
"""

from __future__ import annotations

from datetime import date

from leads.pure.money import currency_decimals, format_money
from leads.pure.week import Week

MISSING = "–"


def money(cents: int | None, currency: str) -> str:
    """Whole units: 1234567 and "EUR" → "€12,346"; nothing → "–"."""
    if cents is None:
        return MISSING
    decimals = currency_decimals(currency)
    unit = 10**decimals
    # Half away from zero, as people round; on integers, so that no float is ever involved.
    whole = (abs(cents) * 2 + unit) // (unit * 2) * unit * (1 if cents >= 0 else -1)
    exact = format_money(whole, currency)
    return _minus(exact[: -decimals - 1] if decimals else exact)


def money_short(cents: int | None, currency: str) -> str:
    """For tiles: "€12,346", from a million "€1.2M"."""
    return MISSING if cents is None else _minus(format_money(cents, currency, is_short=True))


def money_exact(cents: int | None, currency: str) -> str:
    """To the last cent: "€12,345.67"."""
    return MISSING if cents is None else _minus(format_money(cents, currency))


def share(value: float | None, decimals: int = 1) -> str:
    """0.314 → "31.4%"; nothing → "–"."""
    return MISSING if value is None else _minus(f"{value * 100:,.{int(decimals)}f}%")


def signed(value: float | None, decimals: int = 0) -> str:
    """A difference with its sign: 8.2 → "+8", with 1 decimal "+8.2"; zero has no sign."""
    if value is None:
        return MISSING
    text = f"{abs(value):,.{int(decimals)}f}"
    if not text.strip("0.,"):
        return text
    return ("+" if value > 0 else "−") + text


def days(value: float | None) -> str:
    """1.0 → "1 day", 12.5 → "12.5 days"; below one day in hours."""
    if value is None:
        return MISSING
    if 0 < abs(value) < 1:
        return _count(value * 24, "hour")
    return _count(value, "day")


def minutes(value: float | None) -> str:
    """A time span to the minute: 45.4 → "45 min", 125 → "2 h 5 min"; below one minute in seconds."""
    if value is None:
        return MISSING
    if 0 < value < 1:
        return f"{value * 60:.0f} s"
    whole = round(value)
    return f"{whole // 60:,} h {whole % 60} min" if whole >= 60 else f"{whole} min"


def count(value: float | None) -> str:
    """A number of things with separators: 12345 → "12,345"."""
    return MISSING if value is None else _minus(f"{value:,.0f}")


def week_label(value: Week | date | None, form: str = "full") -> str:
    """A week, or any day of it: "Week 46, 9–15 Nov 2026"; "short" → "W46"; "days" → "9–15 Nov 2026"."""
    if value is None:
        return MISSING
    week = value if isinstance(value, Week) else Week.of_date(value)
    if form == "short":
        return f"W{week.number}"
    return week.label() if form == "days" else f"Week {week.number}, {week.label()}"


def _minus(text: str) -> str:
    return text.replace("-", "−", 1) if text.startswith("-") and text.strip("-0.,%") else text.lstrip("-")


def _count(value: float, unit: str) -> str:
    text = f"{value:,.1f}".removesuffix(".0")
    return _minus(f"{text} {unit}{'' if text == '1' else 's'}")
