"""The headline figures above the campaign table."""

from __future__ import annotations

from typing import Any

from attribution.figures.headlines import TILES, headlines
from attribution.views.doors import figure_url
from leads.figures.base import Definition, Number, Scope, definition
from leads.pure import words

NOT_KNOWN = {
    "attribution.roi": "No cost reported in this period",
    "attribution.roas": "No ad spend reported in this period",
    "attribution.marketing_cac": "No cost reported, or no new customer",
}


def tiles(scope: Scope) -> list[dict[str, Any]]:
    """Headline figures of the period, each with its change against the period before."""
    now, before = headlines(scope), headlines(scope.during(scope.period.previous(scope.tz)))
    return [_tile(definition(f"attribution.{name}"), scope, now[name], before[name]) for name in TILES]


def _worded(meaning: Definition, value: Number | None, scope: Scope) -> str:
    if meaning.unit == "money":
        return words.money_short(None if value is None else round(value), scope.currency)
    if meaning.unit == "share":
        return words.share(value)
    return words.MISSING if value is None else f"{value:,.2f}" if meaning.unit == "ratio" else words.count(value)


def _tile(meaning: Definition, scope: Scope, value: Number | None, last: Number | None) -> dict[str, Any]:
    tile: dict[str, Any] = {
        "name": meaning.name,
        "value": _worded(meaning, value, scope),
        "url": figure_url(meaning.key, scope),
        "note": f"before: {_worded(meaning, last, scope)}" if last is not None else "before: not known",
    }
    if meaning.key == "attribution.roas":
        tile["note"] = f"paid media only, {tile['note']}"
    if value is None:
        tile["note"] = NOT_KNOWN.get(meaning.key, "Not known")
    elif last:
        points = meaning.unit == "share"
        # In points: the difference of what is shown, so that a reader who subtracts finds the same.
        change = round(value * 100, 1) - round(last * 100, 1) if points else (value - last) / abs(last) * 100
        is_better = (change > 0) == (meaning.better == "up")
        tile |= {
            "delta": f"{words.signed(change, 1)}{' pt' if points else '%'}",
            "direction": "flat" if round(change, 1) == 0 else "up" if change > 0 else "down",
            "tone": "flat" if meaning.better == "neither" or round(change, 1) == 0 else "good" if is_better else "bad",
        }
    return tile
