"""The first sentence of the weekly report: what changed and why.

Deterministic and modest: it names parts of the change in order of their size, and a single deal that makes the week;
credit that a model gives to a campaign is no cause of anything. What is to be decided: `recommending`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from leads.pure import words
from leads.pure.money import format_money

Unit = Literal["count", "money", "share", "ratio"]
Tone = Literal["good", "bad", "neutral"]
NOTABLE = 0.05  # relative change below which a figure counts as steady
MOST_CAUSES = 3


@dataclass(frozen=True, slots=True)
class Cause:
    """A part of a change in words, and its size in the unit of the figure."""

    text: str
    size: float


@dataclass(frozen=True, slots=True)
class TileChange:
    """A tile's figure this period and before; None is unknown. Money in cents, shares and ratios as 0.25.

    `is_unusual`: outside its normal variation. `causes` are what the rows say. The order of tiles is their importance.
    """

    key: str
    name: str
    current: float | None
    previous: float | None
    unit: Unit = "count"
    is_unusual: bool = False
    is_higher_better: bool = True
    currency: str = "EUR"
    causes: tuple[Cause, ...] = ()


@dataclass(frozen=True, slots=True)
class Headline:
    """One sentence, and whether the news is good."""

    sentence: str
    tone: Tone


def headline(tiles: Sequence[TileChange]) -> Headline:
    """The news of the period. The tile told is the first unusual one, else the first that moved notably.

    If nothing moved, or nothing can be compared, it says so.
    """
    known = [tile for tile in tiles if tile.current is not None and tile.previous is not None]
    moved = [tile for tile in known if _change(tile) and (tile.is_unusual or abs(_relative(tile)) >= NOTABLE)]
    if not moved:
        sentence = "Nothing moved notably against the period before." if known else "There is not enough data yet."
        return Headline(sentence, "neutral")
    tile = next((tile for tile in moved if tile.is_unusual), moved[0])
    others = [other for other in moved if other is not tile]
    sentence = _what(tile) + (_why(tile) if tile.causes else _meanwhile(others))
    tone: Tone = "good" if (_change(tile) > 0) == tile.is_higher_better else "bad"
    return Headline(f"{sentence}.", tone)


def _what(tile: TileChange) -> str:
    verb = "rose" if _change(tile) > 0 else "fell"
    amount = f" by {_percent(abs(_relative(tile)))}" if tile.previous and tile.unit in ("count", "money") else ""
    extent = ", outside normal variation" if tile.is_unusual else ""
    return f"{tile.name} {verb}{amount} to {_value(tile.current, tile)} from {_value(tile.previous, tile)}{extent}"


def _why(tile: TileChange) -> str:
    ordered = sorted(tile.causes, key=lambda cause: (-cause.size, cause.text))
    return ": " + "; ".join(cause.text for cause in ordered[:MOST_CAUSES])


def _meanwhile(others: Sequence[TileChange]) -> str:
    """Without parts to name, the next figure that moved is the best hint there is."""
    if not others:
        return ""
    other = others[0]
    verb = "rose" if _change(other) > 0 else "fell"
    return f", while {in_sentence(other.name)} {verb} to {_value(other.current, other)}"


def in_sentence(name: str) -> str:
    """A name within a sentence: "Won revenue" loses its capital, "MQLs" and "ROI" keep theirs."""
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]


def _change(tile: TileChange) -> float:
    return (tile.current or 0) - (tile.previous or 0)


def _relative(tile: TileChange) -> float:
    """Change over the previous value; from zero, any change is notable."""
    return _change(tile) / abs(tile.previous) if tile.previous else float(_change(tile) != 0)


def _value(value: float | None, tile: TileChange) -> str:
    number = value or 0
    if tile.unit == "money":
        return format_money(round(number), tile.currency, is_short=True)
    if tile.unit == "share":
        return _percent(number)
    return f"{number:.2f}" if tile.unit == "ratio" else f"{number:,.0f}"


def _percent(share: float) -> str:
    return words.share(share, 1 if 0 < abs(share) < 0.1 else 0)
