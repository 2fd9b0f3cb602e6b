"""Many figures at once, in as few queries as their totals allow.

Counts and sums of whole numbers come in one statement, a line for each. What goes through a statistic is read by itself
and only once, however many of the figures use it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import BigIntegerField, F, IntegerField, QuerySet, Value

from leads.figures.base import Figure, Number, Parts, RowSet, Scope, Tally, counted, definition
from leads.pure.week import Week, weeks_between

Question = tuple[str, Scope]


def figures(asked: Sequence[Question]) -> list[Figure]:
    """Each (key, scope) as `leads.figures.base.figure` computes it, in the order given."""
    meanings = [definition(key) for key, _ in asked]
    parts: list[Parts] = [meaning.parts(scope) for meaning, (_, scope) in zip(meanings, asked, strict=True)]
    sets = {(at, name): rows for at, own in enumerate(parts) for name, rows in counted(own).items()}
    found = dict(zip(sets, tallies(list(sets.values())), strict=True))
    answers = []
    for at, (meaning, (_, scope)) in enumerate(zip(meanings, asked, strict=True)):
        own = {name: tally for (place, name), tally in found.items() if place == at}
        answers.append(Figure.of(meaning, scope, parts[at], own))
    return answers


def stock_series(key: str, scope: Scope, first: Week, last: Week) -> list[tuple[Week, Number | None]]:
    """A figure with ``weekly="each"`` as it stood at the end of every week; None for weeks that have not begun."""
    asked = {week: scope.stood(week.period(scope.tz)) for week in weeks_between(first, last)}
    begun = {week: of_week for week, of_week in asked.items() if of_week}
    found = dict(zip(begun, figures([(key, of_week) for of_week in begun.values()]), strict=True))
    return [(week, found[week].value if week in found else None) for week in asked]


def tallies(sets: Sequence[RowSet]) -> list[Tally]:
    """`RowSet.tally` of each, in the order given."""
    answers: dict[int, Tally] = {}
    read: dict[object, Tally] = {}
    lines = {}
    for at, rows in enumerate(sets):
        if _is_plain(rows):
            # Whole numbers on both sides: PostgreSQL counts in bigint, and adds bigints up to a numeric.
            sums = rows.sums(output_field=BigIntegerField())
            lines[at] = rows.summed.order_by().values(line=Value(at)).annotate(**sums)
            continue
        same = _fingerprint(rows, at)
        if same not in read:
            read[same] = rows.tally()
        answers[at] = read[same]
    found = _asked_at_once(list(lines.values()))
    # Django leaves lines out of which it knows that they have no rows.
    none: dict[str, Any] = {"total": None, "rows": 0}
    for at in lines:
        line = found.get(at, none)
        answers[at] = sets[at].tallied(line["total"], line["rows"])
    return [answers[at] for at in range(len(sets))]


def _is_plain(rows: RowSet) -> bool:
    """Whether a count or a sum of whole numbers over the rows as they are, so that it fits in one line of many."""
    query = rows.summed.query
    if rows.statistic or query.distinct or query.is_sliced or query.combinator or query.group_by is not None:
        return False
    # One statement has one type per column, on PostgreSQL strictly.
    return not rows.amount or isinstance(
        rows.summed.values(total=F(rows.amount)).query.annotations["total"].output_field, IntegerField
    )


def _asked_at_once(lines: list[QuerySet[Any, Any]]) -> dict[int, dict[str, Any]]:
    if not lines:
        return {}
    whole = lines[0].union(*lines[1:], all=True) if len(lines) > 1 else lines[0]
    return {row["line"]: row for row in whole}


def _fingerprint(rows: RowSet, at: int) -> object:
    """Equal for row sets that give the same statistic; of its own where there is nothing to compare."""
    try:
        sql, values = rows.queryset.order_by().query.sql_with_params()
    except EmptyResultSet:
        return at
    return (rows.statistic, rows.amount, rows.event, sql, values)


__all__ = ["figures", "stock_series", "tallies"]
