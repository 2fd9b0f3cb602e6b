"""Checks that hold for every ledger, whatever happened."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from alignment.actions.report.compare_rows import entry_scope
from alignment.actions.report.compose_report import more_columns
from alignment.actions.report.freeze_figure import freeze_figure
from alignment.models import Restatement, WeeklyReport
from leads.past.span import known_at


def frozen_again(made: WeeklyReport, at: datetime | None = None) -> dict[str, tuple[Any, dict[str, list[Any]]]]:
    """Every figure of a report as of a moment (its own where none is given): value, and rows by part."""
    moment = at or made.as_of
    found = {}
    with known_at(moment):
        for entry, about in made.content["figures"].items():
            scope = replace(entry_scope(made, entry, made.as_of), at=moment)
            frozen = freeze_figure(key=about["figure"], scope=scope, more=more_columns(entry))
            found[entry] = frozen.about["value"], {part.name: part.rows for part in frozen.parts}
    return found


def as_published(made: WeeklyReport) -> dict[str, tuple[Any, dict[str, list[Any]]]]:
    """The same as the report keeps it."""
    rows: defaultdict[str, dict[str, list[Any]]] = defaultdict(dict)
    for kept in made.row_sets.all():
        rows[kept.figure][kept.part] = kept.rows
    return {entry: (about["value"], rows[entry]) for entry, about in made.content["figures"].items()}


def lines(row: Restatement) -> list[dict[str, Any]]:
    """All lines of a restatement."""
    return [line for cause in row.ledger["causes"] for line in cause["lines"]]


def check_sums(row: Restatement) -> None:
    """The parts add up to the difference: exactly where rows have amounts, else with the interaction."""
    ledger = row.ledger
    if row.published_value is None or row.current_value is None:
        return
    change = row.current_value - row.published_value
    effects = [cause["effect"] for cause in ledger["causes"]]
    if ledger["is_sum"]:
        by_cause = [
            sum(line["amount"] for line in cause["lines"]) + sum(cause["more_amounts"].values())
            for cause in ledger["causes"]
        ]
        assert by_cause == effects, row
        assert sum(effects) == change, row
        assert ledger["interaction"] == 0
        return
    if None not in effects:
        assert sum(effects) + ledger["interaction"] == pytest.approx(change), row
    for part in ledger["parts"]:
        moved = sum(line["amount"] for line in lines(row) if line["part"] == part["part"])
        more = sum(cause["more_amounts"].get(part["part"], 0) for cause in ledger["causes"])
        assert moved + more == pytest.approx(part["change"]), row
        assert part["current"] - part["published"] == pytest.approx(part["change"]), row


def named_rows(row: Restatement) -> set[tuple[str, int]]:
    """(table, id) of every row that a ledger names as changed."""
    return {(table, pk) for line in lines(row) for table, pk in line["changed"]}
