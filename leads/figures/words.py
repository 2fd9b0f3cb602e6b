"""Figures in words, and where they open."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.urls import get_script_prefix, reverse
from django.utils.http import urlencode

from leads.figures.base import Figure, Number, RowSet, Scope, Unit
from leads.pure import words


def number_text(value: Number | None, unit: Unit, currency: str) -> str:
    """A figure's value for people; nothing known is a dash."""
    if value is None:
        return words.MISSING
    match unit:
        case "money":
            return words.money_short(round(value), currency)
        case "money_per_day":
            return f"{words.money(round(value), currency)} / day"
        case "share":
            return words.share(value)
        case "days":
            return words.days(value)
        case "months":
            return f"{value:,} month" + ("" if value == 1 else "s")
        case "minutes":
            return words.minutes(value)
        case "hours":
            return f"{value:,.1f}".removesuffix(".0") + (" hour" if value == 1 else " hours")
        case "points":
            return f"{value:,.1f}".removesuffix(".0")
        case "ratio":
            return f"{value:,.2f}"
    return words.count(value)


def value_text(figure: Figure) -> str:
    """The figure's value for people."""
    return number_text(figure.value, figure.definition.unit, figure.scope.currency)


def exact_text(figure: Figure) -> str:
    """The same to the last cent, for the drill-down."""
    if figure.definition.unit == "money" and figure.value is not None:
        return words.money_exact(round(figure.value), figure.scope.currency)
    return value_text(figure)


def lacking_text(figure: Figure) -> str:
    """How many rows left the figure unknown for want of an amount; empty where none did."""
    if not figure.lacking:
        return ""
    return f"{words.count(figure.lacking)} {'row lacks its' if figure.lacking == 1 else 'rows lack their'} amount"


def total_text(part: RowSet, total: Number | None, currency: str) -> str:
    """The total of a part in the unit of its amount."""
    kind: Any = next((column.kind for column in part.columns if column.path == part.amount), "count")
    if kind == "money" and total is not None:
        return words.money_exact(round(total), currency)
    return number_text(total, kind if part.amount else "count", currency)


def cell_text(kind: str, value: Any, currency: str, tz: ZoneInfo) -> str:
    """A value of a column of this kind; a moment is shown in the time zone, a day without one as it is."""
    if value is None or value == "":
        return words.MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    match kind:
        case "money":
            return words.money_exact(value, currency)
        case "share":
            return words.share(value)
        case "count":
            return words.count(value)
        case "minutes":
            return words.minutes(value)
        case "days" | "hours":
            return f"{value:,.1f}"
        case "time" | "date":
            is_moment = isinstance(value, datetime)
            there = value.astimezone(tz) if is_moment and value.tzinfo else value
            return f"{there:%-d %b %Y, %H:%M}" if kind == "time" and is_moment else f"{there:%-d %b %Y}"
    return str(value)


def filled_formula(figure: Figure) -> str:
    """The arithmetic with the values put in: "12 ÷ 40 = 30.0%"; empty where there is nothing to put in."""
    if not figure.definition.arithmetic:
        return ""
    texts = {
        name: total_text(figure.parts[name], total, figure.scope.currency) for name, total in figure.totals.items()
    }
    filled = re.sub(r"\{(\w+)\}", lambda found: texts[found[1]], figure.definition.arithmetic)
    return f"{filled} = {exact_text(figure) if figure.value is not None else 'unknown'}"


def figure_path(key: str) -> str:
    """The address of a figure without its scope."""
    return _path(key, get_script_prefix())


@lru_cache(maxsize=1024)
def _path(key: str, prefix: str) -> str:
    # The same for as long as the process lives. A page has hundreds of these links and one for nearly every key.
    return reverse("leads:figure", args=[key])


def figure_url(key: str, scope: Scope, **changes: str) -> str:
    """Where a figure opens in a scope; ``changes`` are further parameters of the address."""
    return f"{figure_path(key)}?{urlencode({**scope.query(), **changes})}"
