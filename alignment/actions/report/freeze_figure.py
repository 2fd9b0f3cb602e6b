"""Freeze a figure: its value, its definition in words, and every row of every part.

The value is computed from the very rows that are frozen, so that no write in between can make them disagree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Any

from django.db.models import Model
from django.urls import NoReverseMatch, reverse

from alignment.pure import sealing
from alignment.pure.ledger import Kept
from attribution.models import Credit
from leads.figures import words
from leads.figures.base import Column, Figure, Number, Row, RowSet, Scope, Tally, definition

CAMPAIGN_ID = "campaign__public_id"
CHANNEL = "lead__channel__name"
# Columns by which a report adds up a figure's rows, the first of them that a part has.
GROUPS = (CAMPAIGN_ID, "territory__name", CHANNEL)
KEY = "key"
"""The hidden column that says which row it is, so that it can be compared with the same row later."""
# Runs write credits anew under other ids; what they are for stays.
KEYS: Mapping[type[Model], tuple[str, ...]] = {Credit: ("opportunity_id", "touchpoint_id")}


@dataclass(frozen=True, slots=True)
class FrozenPart:
    """One part's rows, each a list of plain cells in the order of ``columns``; a linked cell is [text, address].

    ``seals`` are the rows' salts.
    """

    name: str
    columns: list[dict[str, Any]]
    rows: list[list[Any]]
    tally: Tally
    seals: list[sealing.RowSeal]

    @property
    def total(self) -> Number | None:
        """What the rows come to."""
        return self.tally.total


@dataclass(frozen=True, slots=True)
class FrozenFigure:
    """A figure and its frozen parts; ``about`` is what the report keeps of it beside the rows."""

    figure: Figure
    parts: tuple[FrozenPart, ...]
    about: dict[str, Any]

    @property
    def value(self) -> Number | None:
        """The figure's value."""
        return self.figure.value

    def column(self, part: str, path: str) -> list[Any]:
        """All cells of one column of a part."""
        found = next(frozen for frozen in self.parts if frozen.name == part)
        place = next(place for place, column in enumerate(found.columns) if column["path"] == path)
        cells = [row[place] for row in found.rows]
        return [cell[0] for cell in cells] if found.columns[place]["is_linked"] else cells


def freeze_figure(*, key: str, scope: Scope, more: tuple[Column, ...] = ()) -> FrozenFigure:
    """Compute a figure from rows read once. ``more`` are columns kept for later use and not shown."""
    meaning = definition(key)
    parts = meaning.parts(scope)
    frozen: list[FrozenPart] = []
    tallies: dict[str, Tally] = {}
    for name, part in parts.items():
        is_counted = not name.startswith("excluded")
        kept = _freeze(name, replace(part, columns=(*part.columns, *more)) if more and is_counted else part, scope)
        frozen.append(kept)
        if is_counted:
            tallies[name] = kept.tally
    found = Figure.of(meaning, scope, parts, tallies)
    return FrozenFigure(found, tuple(frozen), _about(found, frozen))


def key_columns(part: RowSet) -> tuple[Column, ...]:
    """What a row's key is made of."""
    return tuple(Column(path, "") for path in KEYS.get(part.queryset.model, ("pk",)))


def key_of(part: RowSet, row: Row) -> str:
    """Which row it is, among those of its part."""
    values = (row[column.path] for column in key_columns(part))
    return ":".join("" if value is None else str(value) for value in values)


def group_column(part: RowSet) -> Column | None:
    """By what the report adds up the rows of a part."""
    paths = {column.path: column for column in part.columns}
    return next((paths[path] for path in GROUPS if path in paths), None)


def amount_place(*, columns: Sequence[Mapping[str, Any]]) -> int | None:
    """Where a frozen row has what it adds; None where rows are counted."""
    return next((place for place, column in enumerate(columns) if column["is_amount"]), None)


def counted_rows(columns: Sequence[Mapping[str, Any]], rows: Sequence[Sequence[Any]]) -> dict[str, Kept]:
    """What each frozen row adds, by its key. Raises LookupError for rows of before keys."""
    paths = {column["path"]: place for place, column in enumerate(columns)}
    key, group = paths[KEY], next((paths[path] for path in GROUPS if path in paths), None)
    amount = amount_place(columns=columns)
    return {
        row[key]: Kept(
            amount=1 if amount is None else row[amount],
            group="" if group is None else str(row[group] or ""),
        )
        for row in rows
    }


def fingerprint(rows: Mapping[str, Kept]) -> str:
    """The same for the same rows with the same amounts, whatever else is known about them."""
    return sealing.digest(sorted([key, kept.amount, kept.group] for key, kept in rows.items()))


def _freeze(name: str, part: RowSet, scope: Scope) -> FrozenPart:
    rows = replace(part, columns=(*part.columns, *key_columns(part))).rows()
    columns = [
        {
            "path": column.path,
            "label": column.label,
            "kind": column.kind,
            "is_linked": bool(column.link),
            "is_money_elsewhere": bool(column.currency_by),
            "is_amount": column.path == part.amount,
        }
        for column in part.columns
    ]
    # A part may sum a column it does not show; the rows must still add up.
    hidden = part.amount and part.amount not in {column.path for column in part.columns}
    if hidden:
        columns.append({**_HIDDEN, "path": part.amount, "is_amount": True})
    columns.append({**_HIDDEN, "path": KEY})
    addresses = {column.path: _address(column) for column in part.columns if column.link}
    cells = [
        [
            *(_cell(column, row, addresses) for column in part.columns),
            *([sealing.plain(row[part.amount])] if hidden else []),
            key_of(part, row),
        ]
        for row in rows
    ]
    # From the system's randomness and no seed: whoever could repeat a salt could confirm a guess of an erased name.
    return FrozenPart(name, columns, cells, _tally(part, rows), [token_hex(16) for _ in cells])


_HIDDEN = {"label": "", "kind": "text", "is_linked": False, "is_money_elsewhere": False, "is_amount": False}


def _tally(part: RowSet, rows: list[Row]) -> Tally:
    """The same as ``RowSet.tally``, of the rows at hand."""
    if part.statistic:
        values = [(row[part.amount], row[part.event]) if part.event else row[part.amount] for row in rows]
        return Tally(part.statistic(values))
    if not part.amount:
        return Tally(len(rows))
    known = [row[part.amount] for row in rows if row[part.amount] is not None]
    return Tally(sum(known)) if known else part.tallied(None, len(rows)) if rows else part.of_nothing()


def _cell(column: Column, row: Row, addresses: dict[str, str]) -> Any:
    value = sealing.plain(row[column.path])
    if column.currency_by:
        return [value, row[column.currency_by]]
    if column.link:
        address, key = addresses[column.path], row[column.link_by]
        return [value, address.replace(_ANY, str(key)) if address and key is not None else ""]
    return value


_ANY = "00000000-0000-0000-0000-000000000000"


def _address(column: Column) -> str:
    """The address of a row's page with a place for its key; resolving it anew for every row would take longest."""
    try:
        return reverse(column.link, args=[_ANY])
    except NoReverseMatch:
        return ""


def _about(found: Figure, parts: list[FrozenPart]) -> dict[str, Any]:
    meaning, scope = found.definition, found.scope
    return {
        "figure": meaning.key,
        "version": meaning.version,
        "name": meaning.name,
        "unit": meaning.unit,
        "better": meaning.better,
        "formula": meaning.formula,
        "meaning": meaning.meaning,
        "arithmetic": words.filled_formula(found),
        "value": sealing.plain(found.value),
        "text": words.value_text(found),
        "lacking": found.lacking,
        "lacking_text": words.lacking_text(found),
        "exact": words.exact_text(found),
        "period": [scope.period.start.isoformat(), scope.period.end.isoformat()],
        "at": scope.at.isoformat(),
        "query": scope.query(),
        "parts": [
            {
                "name": part.name,
                "label": found.parts[part.name].label,
                "count": len(part.rows),
                "total": sealing.plain(part.total),
                "total_text": words.total_text(found.parts[part.name], part.total, scope.currency),
                "is_counted": part.name in found.totals,
                "digest": sealing.seal_rows(part.columns, part.rows, part.seals),
                "fingerprint": fingerprint(counted_rows(part.columns, part.rows)),
            }
            for part in parts
        ],
    }
