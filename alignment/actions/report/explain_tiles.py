"""Explain why each key figure changed against the week before, in parts that add up, all from frozen rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from alignment.actions.report.count_rows import Valued, frozen_rows, valued
from alignment.actions.report.explain_revenue import explain_change
from alignment.actions.report.freeze_figure import CAMPAIGN_ID, CHANNEL, FrozenFigure, amount_place
from alignment.actions.report.read_figures import PENDING
from alignment.pure import drivers
from alignment.pure.drivers import OTHERS, Changes
from alignment.pure.headline import Cause
from alignment.pure.ledger import Number, State
from leads.figures.base import Definition, Scope
from leads.pure import words
from leads.pure.money import currency_decimals

BEFORE = "-before"
"""Ends the entry of a figure's rows of the week before."""
LISTED = 4
NOTABLE = 0.1
"""The part of all that moved below which a part of a change is not named in a sentence."""
LARGE = 0.5
"""The part of a week's sum from which on a single row is named: it makes the week."""


@dataclass(frozen=True, slots=True)
class PartName:
    """A part of a change: its name, and what more and less of it is called within a sentence."""

    name: str
    more: str
    less: str


@dataclass(frozen=True, slots=True)
class GroupNames:
    """The columns that group a figure's rows and name each group, and what the other parts are called."""

    path: str
    name: str
    others: str
    none: str


_VOLUME = PartName("Number of deals", "more deals", "fewer deals")
_SIZE = PartName("Deal size", "larger deals", "smaller deals")
_MIX = PartName("Mix of territories", "the mix of territories", "the mix of territories")
_REFUNDS = PartName("Refunds", "fewer refunds", "more refunds")
NAMES: Mapping[str, Mapping[str, PartName]] = {
    "pipeline.won": {
        "volume": PartName("Volume", "more decided deals", "fewer decided deals"),
        "conversion": PartName("Conversion", "a higher win rate", "a lower win rate"),
        "deal_size": _SIZE,
        "mix": _MIX,
        "refunds": _REFUNDS,
    },
    "pipeline.sourced": {"volume": _VOLUME, "deal_size": _SIZE, "mix": _MIX, "refunds": _REFUNDS},
    "leads.conversion.mql_to_sql": {
        "rate": PartName("Rates within channels", "higher rates within channels", "lower rates within channels"),
        "mix": PartName("Mix of channels", "the mix of channels", "the mix of channels"),
    },
    "leads.lead_velocity": {
        "this_month": PartName(
            "Last whole month", "more MQLs in the last whole month", "fewer MQLs in the last whole month"
        ),
        "last_month": PartName("Month before", "fewer MQLs in the month before", "more MQLs in the month before"),
    },
    "attribution.roi": {
        "revenue": PartName("Attributed revenue", "more attributed revenue", "less attributed revenue"),
        "cost": PartName("Campaign cost", "lower cost", "higher cost"),
    },
}
"""Parts with names of their own; others are named after channels and campaigns. "More" is what raises the figure."""
_GROUPS = {
    "leads.mqls": GroupNames(CHANNEL, CHANNEL, "Other channels", "No channel"),
    "spend.total": GroupNames(CAMPAIGN_ID, "campaign__name", "Other campaigns", "No campaign"),
}


def change_by_part(how: Valued, before: State, now: State) -> Changes | None:
    """What each part of a figure's change comes to; None where the figure of either week is unknown.

    Won revenue has a decomposition of its own, with the lost deals (`explain_revenue`).
    """
    if how.value(before) is None or how.value(now) is None:
        return None
    if how.is_sum:
        rows = before.get("included", {}).values(), now.get("included", {}).values()
        return drivers.by_volume_and_size(*rows) if _is_by_size(how.meaning) else drivers.by_group(*rows)
    if {"numerator", "denominator"} <= set(how.parts):
        return drivers.by_rate_and_mix(before, now)
    return drivers.by_total(how.value, _with_all(how, before), _with_all(how, now))


def explain_tile(*, now: FrozenFigure, before: FrozenFigure) -> dict[str, Any]:
    """Why a figure changed: its parts, largest first, and the single row that makes the week, if any does."""
    meaning, scope = now.figure.definition, now.figure.scope
    found = change_by_part(valued(key=meaning.key, scope=scope), frozen_rows(before), frozen_rows(now))
    labels = _labels(meaning.key, now, before)
    listed = drivers.largest_first(found, LISTED) if found is not None else None
    return _told(meaning, scope, now, before, listed, labels) | {"largest": largest_row(now=now, before=before)}


def explain_won(
    *, won: FrozenFigure, lost: FrozenFigure, won_before: FrozenFigure, lost_before: FrozenFigure
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The split of the change of won revenue, and the same told as the changes of other figures are."""
    split = explain_change(won=won, lost=lost, won_before=won_before, lost_before=lost_before)
    cents = {part["key"]: part["cents"] for part in split["parts"]}
    listed = None if split["change_cents"] is None else drivers.largest_first(cents, len(cents))
    labels = {key: name.name for key, name in NAMES["pipeline.won"].items()}
    told = _told(won.figure.definition, won.figure.scope, won, won_before, listed, labels)
    return split, told | {"largest": largest_row(now=won, before=won_before)}


def sentence_causes(change: Mapping[str, Any]) -> tuple[Cause, ...]:
    """What the report's first sentence may name of a change: its notable parts, and the row that makes the week."""
    parts = change["parts"] or []
    notable = NOTABLE * sum(abs(part["value"]) for part in parts)
    found = [
        Cause(_phrase(change, part), abs(part["value"]))
        for part in parts
        if abs(part["value"]) >= notable and part["key"] != OTHERS
    ]
    if row := change["largest"]:
        amount = words.money_short(row["cents"], change["currency"])
        share = "" if row["share"] > 1 else f", {words.share(row['share'], 0)} of it"
        told = f"one deal, {row['name']}, {'is' if row['is_now'] else 'was'} worth {amount}{share}"
        found.append(Cause(told if row["is_now"] else f"last week {told}", row["cents"]))
    return tuple(found)


def _phrase(change: Mapping[str, Any], part: Mapping[str, Any]) -> str:
    is_more = part["value"] > 0
    named = NAMES.get(change["entry"], {}).get(part["key"])
    name = (named.more if is_more else named.less) if named else part["name"]
    amount = part["text"].lstrip("+−")
    if change["unit"] == "count":
        return f"{name} brought {amount} {'more' if is_more else 'fewer'}"
    return f"{name} {'added' if is_more else 'took'} {amount}"


def largest_row(*, now: FrozenFigure, before: FrozenFigure) -> dict[str, Any] | None:
    """The row that alone is half of the week's sum of money or more; of the week before where that is what is gone."""
    if now.figure.definition.unit != "money":
        return None
    fell = now.value and before.value and now.value < before.value
    gone = _row_of(before, is_now=False) if fell else None
    return gone or _row_of(now, is_now=True)


def _row_of(frozen: FrozenFigure, *, is_now: bool) -> dict[str, Any] | None:
    part = next(part for part in frozen.parts if part.name == "included")
    names = {column["path"]: place for place, column in enumerate(part.columns) if column["is_linked"]}
    amount = amount_place(columns=part.columns)
    if amount is None or "name" not in names or len(part.rows) < 2 or not frozen.value:
        return None
    row = max(part.rows, key=lambda row: row[amount])
    share = row[amount] / frozen.value
    if share < LARGE:
        return None
    name, url = row[names["name"]]
    return {"name": name, "url": url, "cents": row[amount], "share": share, "is_now": is_now}


def _is_by_size(meaning: Definition) -> bool:
    return "deal_size" in NAMES.get(meaning.key, {})


def _with_all(how: Valued, state: State) -> dict[str, Mapping[str, Any]]:
    return {name: state.get(name, {}) for name in how.parts if name != PENDING}


def _labels(key: str, *weeks: FrozenFigure) -> dict[str, str]:
    """How parts are called; campaigns and channels by their names."""
    if key in NAMES:
        return {part: name.name for part, name in NAMES[key].items()}
    groups = _GROUPS[key]
    found: dict[str, str] = {}
    for week in weeks:
        cells = zip(week.column("included", groups.path), week.column("included", groups.name), strict=True)
        found |= {str(group or ""): str(name or "") for group, name in cells}
    return found | {OTHERS: groups.others, "": groups.none}


def _told(
    meaning: Definition,
    scope: Scope,
    now: FrozenFigure,
    before: FrozenFigure,
    listed: Changes | None,
    labels: Mapping[str, str],
) -> dict[str, Any]:
    change = None if now.value is None or before.value is None else now.value - before.value
    shown, change_text, text = _shown(meaning, listed or {}, now.value, before.value, scope.currency)
    return {
        "entry": meaning.key,
        "before": f"{meaning.key}{BEFORE}",
        "name": meaning.name,
        "unit": meaning.unit,
        "currency": scope.currency,
        "text": now.about["text"],
        "previous_text": before.about["text"],
        "change": change,
        "change_text": change_text,
        "parts": None
        if listed is None
        else [
            {
                "key": drivers.part_key(key),
                "name": labels.get(key, key) or key,
                "value": value,
                "text": text(shown[key]),
            }
            for key, value in listed.items()
        ],
    }


def _shown(
    meaning: Definition, listed: Changes, now: Number | None, before: Number | None, currency: str
) -> tuple[Changes, str, Callable[[Number], str]]:
    """The parts as people read them, the change, and how a part is written; what is read adds up to what is read."""
    if now is None or before is None:
        return listed, words.MISSING, str
    if meaning.unit == "money":
        cents = {key: int(value) for key, value in listed.items()}
        whole: Changes = {**drivers.whole_units(cents, int(now - before), currency_decimals(currency))}
        return whole, _money(now - before, currency), lambda value: _money(value, currency)
    if meaning.unit == "share":
        # The difference of what is shown, so that a reader who subtracts finds the same.
        points = round(now * 100, 1) - round(before * 100, 1)
        return (
            drivers.round_to_sum({key: value * 100 for key, value in listed.items()}, points, 1),
            _points(points),
            _points,
        )
    return listed, words.signed(now - before), words.signed


def _money(cents: Number, currency: str) -> str:
    return ("+" if cents > 0 else "") + words.money(round(cents), currency)


def _points(points: Number) -> str:
    return f"{words.signed(points, 1)} pt"
