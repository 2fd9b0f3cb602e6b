"""Find what happened to the rows of a published figure since: step by step, each at the change that made it.

A figure as published was known at t and asked at t. First only the clock moves on: known at t, asked now. What differs
there has grown older, and nobody changed anything. Then every change between t and now that decides about a row that
differs is looked at, asked now throughout. Each step starts where the one before ended, so that they add up exactly.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from django.db.models import Model

from alignment.actions.report.call_change import BEFORE_HISTORY, TIME, Cause, definition_changed
from alignment.actions.report.compare_rows import entry_scope
from alignment.actions.report.compose_report import more_columns
from alignment.actions.report.count_rows import Counted, count_rows
from alignment.actions.report.freeze_figure import (
    KEY,
    FrozenFigure,
    counted_rows,
    freeze_figure,
)
from alignment.actions.report.name_cause import Named, name_cause
from alignment.actions.report.read_figures import PENDING
from alignment.models import ReportRows, WeeklyReport
from alignment.pure import ledger
from alignment.pure.ledger import Kept, Move
from alignment.queries.row_changes import RowChange, Trace, trace
from attribution.models import SourcedDecision
from leads.figures.base import Scope, counted, definition
from leads.models import Change
from leads.past.moments import from_micros, to_micros
from leads.past.snapshot import BeforeMemory, snapshot_at
from leads.past.span import known_at


@dataclass(frozen=True, slots=True)
class Traced:
    """One move with what made it, when (None: unknown) and by which transactions: several can share a moment."""

    move: Move
    named: Named
    at: datetime | None
    changes: tuple[Change, ...] = ()


@dataclass(slots=True)
class Difference:
    """A published figure's rows then and now, and how the one became the other.

    ``cells`` are rows by part and key, as they are shown: (text, address) of what they are about. ``kinds`` says what
    the amounts of a part are; without one its rows are counted. ``meaning``: that the definition is another
    one since, to which belongs what no row explains.
    """

    entry: str
    scope: Scope
    start: Counted
    end: Counted
    traced: list[Traced]
    meaning: Cause | None = None
    cells: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)


def trace_difference(*, report: WeeklyReport, entry: str, end: Counted, now: datetime) -> Difference:
    """How the published rows became those known now."""
    return _Tracing(report, entry, end, now).difference()


class _Tracing:
    def __init__(self, report: WeeklyReport, entry: str, end: Counted, now: datetime) -> None:
        self.report, self.entry, self.end, self.now = report, entry, end, now
        self.about = report.content["figures"][entry]
        self.key, self.more = self.about["figure"], more_columns(entry)
        self.scope = entry_scope(report, entry, now)
        self.then = _remembered(report.as_of)
        self.sets = {rows.part: rows for rows in report.row_sets.filter(figure=entry) if rows.part in end}
        versions = (self.about["version"], definition(self.key).version)
        is_remembered = self.then == report.as_of
        is_other = versions[0] != versions[1]
        self.meaning = definition_changed(*versions, is_remembered=is_remembered) if is_other else None
        self.read_at: dict[int, Counted] = {}
        self.only: dict[str, set[str]] = {}

    def difference(self) -> Difference:
        start = self._frozen()
        moved = {(move.part, move.key) for move in ledger.moves(start, self.end)}
        found = Difference(self.entry, self.scope, start, self.end, [], self.meaning, kinds=self._kinds())
        if not moved:
            return found
        for part, key in moved:
            self.only.setdefault(part, set()).add(key)
        found.traced = self._traced(self._narrow(start))
        found.cells = self._cells()
        return found

    def _kinds(self) -> dict[str, str]:
        columns = [(part, column) for part, rows in self.sets.items() for column in rows.columns]
        return {part: column["kind"] for part, column in columns if column["is_amount"]}

    # --- states ------------------------------------------------------------------------------------------------------

    def _frozen(self) -> Counted:
        found: Counted = {}
        for name, rows in self.sets.items():
            try:
                found[name] = counted_rows(rows.columns, rows.rows)
            except KeyError:
                found[name] = self._keyed(rows)
        return {name: found.get(name, {}) for name in self.end}

    def _keyed(self, rows: ReportRows) -> dict[str, Kept]:
        """Rows of before keys: each finds its key by what it showed, among the rows known at the time, then now."""
        known: dict[str, str] = {}
        for at in (self.now, self.then):
            with known_at(at):
                scope = replace(self.scope, at=self.report.as_of if at == self.then else self.now)
                part = next(part for part in self._freeze(scope).parts if part.name == rows.part)
            key = next(place for place, column in enumerate(part.columns) if column["path"] == KEY)
            known |= {_shown(part.columns, row): row[key] for row in part.rows}
        columns = [*rows.columns, {"path": KEY, "is_amount": False}]
        told = [_shown(rows.columns, row) for row in rows.rows]
        keyed = [[*row, known.get(text, text)] for row, text in zip(rows.rows, told, strict=True)]
        return counted_rows(columns, keyed)

    def _freeze(self, scope: Scope) -> FrozenFigure:
        return freeze_figure(key=self.key, scope=scope, more=self.more)

    def _narrow(self, state: Counted) -> Counted:
        return {
            part: {key: kept for key, kept in rows.items() if key in self.only.get(part, ())}
            for part, rows in state.items()
        }

    def _count(self, known: datetime, asked: datetime) -> Counted:
        only = {part: {key for key in keys if _is_key(key)} for part, keys in self.only.items()}
        with known_at(known):
            return count_rows(key=self.key, scope=replace(self.scope, at=asked), more=self.more, only=only)

    def _read(self, micros: int) -> Counted:
        if micros not in self.read_at:
            self.read_at[micros] = self._count(from_micros(micros), self.now)
        return self.read_at[micros]

    # --- steps -------------------------------------------------------------------------------------------------------

    def _traced(self, start: Counted) -> list[Traced]:
        end = self._narrow(self.end)
        aged = self._count(self.then, self.now)
        found: list[Traced] = []
        if aged != start:
            # Published by a release, or of a moment, whose rows this one cannot read again: said so, and not explained.
            remembered = self._count(self.then, self.report.as_of)
            before = Named(self.meaning or BEFORE_HISTORY)
            found += [Traced(move, before, None) for move in ledger.moves(start, remembered)]
            found += [Traced(move, Named(TIME), None) for move in ledger.moves(remembered, aged)]
        traces = self._traces()
        moments = sorted({moment for each in traces.values() for moment in each.moments()})
        for moment, moves in ledger.steps(aged, end, moments, read=self._read, more=self._all_moments):
            at = None if moment is None else from_micros(moment)
            changes = [] if moment is None else list(Change.objects.filter(at=moment))
            found += [self._name(move, traces[move.part], moment, at, changes) for move in moves]
        return found

    def _traces(self) -> dict[str, Trace]:
        since, until = snapshot_at(self.then), snapshot_at(self.now)
        models = self._models()
        by_model: defaultdict[type[Model], set[str]] = defaultdict(set)
        for part, keys in self.only.items():
            by_model[models[part]] |= {key for key in keys if _is_key(key)}
        found = {model: trace(model=model, keys=keys, since=since, until=until) for model, keys in by_model.items()}
        return {part: found.get(models[part], Trace({}, (), {})) for part in self.end}

    def _models(self) -> dict[str, type[Model]]:
        parts = counted(definition(self.key).parts(self.scope))
        return {name: part.queryset.model for name, part in parts.items() if name != PENDING}

    def _all_moments(self, first: int | None, last: int | None) -> list[int]:
        rows = Change.objects.filter(at__gt=to_micros(self.then) if first is None else first)
        rows = rows.filter(at__lte=to_micros(self.now)) if last is None else rows.filter(at__lt=last)
        return list(rows.order_by("at").values_list("at", flat=True).distinct())

    def _name(
        self, move: Move, traced: Trace, moment: int | None, at: datetime | None, changes: Sequence[Change]
    ) -> Traced:
        here = {change.pk for change in changes}
        named = name_cause(
            model=self._models()[move.part],
            move=move,
            changes=[change for change in traced.by_key.get(move.key, ()) if change.change in here],
            rules=[change for change in traced.of_rules if change.change in here],
            published=self.report.as_of,
        )
        if self.meaning and any(_is_meaning(change) for change in named.changes):
            named = Named(self.meaning, named.changes)
        of = {change.change for change in named.changes}
        alone = tuple(change for change in changes if change.pk in of or not of)
        return Traced(move, named, at, alone)

    # --- what is shown -----------------------------------------------------------------------------------------------

    def _cells(self) -> dict[tuple[str, str], tuple[str, str]]:
        found: dict[tuple[str, str], tuple[str, str]] = {}
        frozen = ((rows.part, rows.columns, rows.rows) for rows in self.sets.values())
        with known_at(self.now):
            now = self._freeze(self.scope)
        for name, columns, rows in [*frozen, *((part.name, part.columns, part.rows) for part in now.parts)]:
            wanted = self.only.get(name, ())
            key = next((place for place, column in enumerate(columns) if column["path"] == KEY), None)
            for row in rows:
                which = _shown(columns, row) if key is None else row[key]
                if which in wanted:
                    found[name, which] = _label(columns, row)
        return found


def _remembered(at: datetime) -> datetime:
    """The moment, or the first one that history was kept of."""
    try:
        snapshot_at(at)
    except BeforeMemory as refusal:
        return refusal.since
    return at


def _is_meaning(change: RowChange) -> bool:
    """Whether the company decided on another definition by it."""
    return change.model is SourcedDecision or bool(change.column("sourced_test"))


def _is_key(key: str) -> bool:
    """Whether it is one, and not the text of a row that found none."""
    return key.replace(":", "").isdigit()


def _shown(columns: Sequence[Mapping[str, Any]], row: Sequence[Any]) -> str:
    """What tells a row from others where nothing else does: its cells but for the amount and what is never shown."""
    kept = [
        cell
        for column, cell in zip(columns, row, strict=True)
        if column["label"] and not column["is_amount"] and column["kind"] in ("text", "time", "date")
    ]
    addresses = [cell[1] for cell in kept if isinstance(cell, list) and len(cell) == 2 and cell[1]]
    moments = [cell for column, cell in zip(columns, row, strict=True) if column["kind"] in ("time",)]
    return json.dumps([addresses, moments[:1]] if addresses else kept)


def _label(columns: Sequence[Mapping[str, Any]], row: Sequence[Any]) -> tuple[str, str]:
    """What a row is about: its link, or its first cell and its day."""
    for column, cell in zip(columns, row, strict=True):
        if column["is_linked"]:
            return str(cell[0]), str(cell[1])
    named = [(column["kind"], cell) for column, cell in zip(columns, row, strict=True) if column["label"] and cell]
    days = [f"{date.fromisoformat(cell):%-d %b %Y}" for kind, cell in named if kind == "date"]
    return ", ".join([*(str(cell) for kind, cell in named[:1] if kind != "date"), *days[:1]]), ""


__all__ = ["Difference", "Traced", "trace_difference"]
