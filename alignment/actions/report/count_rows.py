"""Read what a figure counts, and nothing to show: its rows by key, with their amounts, as a ledger compares them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from alignment.actions.report.freeze_figure import (
    KEYS,
    FrozenFigure,
    counted_rows,
    group_column,
    key_columns,
    key_of,
)
from alignment.actions.report.read_figures import PENDING
from alignment.pure import sealing
from alignment.pure.ledger import Kept
from leads.figures.base import Column, Definition, Number, RowSet, Scope, Tally, counted, definition, included

Counted = dict[str, dict[str, Kept]]
"""Rows by part and key."""


def count_rows(
    *, key: str, scope: Scope, more: tuple[Column, ...] = (), only: Mapping[str, Collection[str]] | None = None
) -> Counted:
    """The rows of every counted part; ``only`` those with these keys, by part.

    Parts that are shown apart and not counted twice (those who may still come) are left out.
    """
    found: Counted = {}
    for name, part in counted(definition(key).parts(scope)).items():
        if name == PENDING:
            continue
        wanted = None if only is None else only.get(name, ())
        found[name] = {} if wanted is not None and not wanted else _rows(part, more, wanted)
    return found


def frozen_rows(frozen: FrozenFigure) -> Counted:
    """The same of a figure that was just frozen, from the rows at hand."""
    names = frozen.figure.totals.keys() - {PENDING}
    return {part.name: counted_rows(part.columns, part.rows) for part in frozen.parts if part.name in names}


def _rows(part: RowSet, more: tuple[Column, ...], only: Collection[str] | None) -> dict[str, Kept]:
    group = group_column(replace(part, columns=(*part.columns, *more)))
    amount = next((column for column in part.columns if column.path == part.amount and column.derived), None)
    shown = [replace(column, link="", link_by="") for column in (amount, group) if column]
    queryset = part.queryset.order_by()
    # Credits are computed for a moment as a whole.
    if only is not None and queryset.model not in KEYS:
        queryset = queryset.filter(pk__in=[int(key) for key in only])
    narrow = replace(part, queryset=queryset, columns=(*key_columns(part), *shown))
    found = {
        key_of(part, row): Kept(
            amount=sealing.plain(_amount(part, row)), group="" if group is None else str(row[group.path] or "")
        )
        for row in narrow.rows()
    }
    return found if only is None else {key: kept for key, kept in found.items() if key in only}


def _amount(part: RowSet, row: Mapping[str, Any]) -> Any:
    if not part.amount:
        return 1
    return (row[part.amount], row[part.event]) if part.event else row[part.amount]


@dataclass(frozen=True, slots=True)
class Valued:
    """How a figure's value comes from its rows."""

    meaning: Definition
    parts: Mapping[str, RowSet]
    tallies: Mapping[str, Callable[[Sequence[Kept]], Tally]]

    @property
    def is_sum(self) -> bool:
        """Whether the value is the amounts of its rows added up, or their number."""
        is_plain = self.meaning.combine is included and not self.meaning.is_whole
        return is_plain and not self.parts["included"].statistic

    def value(self, rows: Mapping[str, Mapping[str, Kept]]) -> Number | None:
        """The value of these rows."""
        return self.meaning.value_of(
            {name: tally(list(rows.get(name, {}).values())) for name, tally in self.tallies.items()}
        )


def valued(*, key: str, scope: Scope) -> Valued:
    """How the figure is computed in a scope."""
    meaning = definition(key)
    parts = counted(meaning.parts(scope))
    return Valued(meaning, parts, {name: _tally(part) for name, part in parts.items()})


def _tally(part: RowSet) -> Callable[[Sequence[Kept]], Tally]:
    def tally(rows: Sequence[Kept]) -> Tally:
        if part.statistic:
            return Tally(part.statistic([row.amount for row in rows]))
        if not part.amount:
            return Tally(len(rows))
        known = [row.amount for row in rows if row.amount is not None]
        return Tally(sum(known)) if known else part.of_nothing()

    return tally


__all__ = ["Counted", "Valued", "count_rows", "frozen_rows", "valued"]
