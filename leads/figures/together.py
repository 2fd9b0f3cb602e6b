"""Many figures at once, in as few queries as their totals allow.

Counts and sums of whole numbers come in one statement, a line for each. What goes through a statistic is read by itself
and only once, however many of the figures use it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BigIntegerField, F, IntegerField, QuerySet, Value

from leads.figures.base import Definition, Figure, Number, Parts, RowSet, Scope, Tally, counted, definition, written
from leads.figures.moments import at_moments, of_many_moments
from leads.figures.rowset import making_once
from leads.pure.week import Week, weeks_between

Question = tuple[str, Scope]
Query = tuple[str, tuple[Any, ...]]
"""SQL and what is bound to it."""


def figures(asked: Sequence[Question], *, for_value: bool = False) -> list[Figure]:
    """Each (key, scope) as `leads.figures.base.figure` computes it, in the order given.

    ``for_value`` leaves out what a page that shows the value alone does not need: totals of parts that are told beside
    it, such as how many of a cohort may still come.
    """
    meanings = [definition(key) for key, _ in asked]
    with making_once():
        parts: list[Parts] = [meaning.parts(scope) for meaning, (_, scope) in zip(meanings, asked, strict=True)]
    sets = {
        (at, name): rows
        for at, own in enumerate(parts)
        for name, rows in counted(own).items()
        if not (for_value and _is_beside(meanings[at], name))
    }
    found = dict(zip(sets, tallies(list(sets.values())), strict=True))
    answers = []
    for at, (meaning, (_, scope)) in enumerate(zip(meanings, asked, strict=True)):
        own = {name: tally for (place, name), tally in found.items() if place == at}
        answers.append(Figure.of(meaning, scope, parts[at], own))
    return answers


def _is_beside(meaning: Definition, part: str) -> bool:
    """Whether the formula, where it is written with the names of parts, goes without this one."""
    return bool(meaning.arithmetic) and f"{{{part}}}" not in meaning.arithmetic


def stock_series(key: str, scope: Scope, first: Week, last: Week) -> list[tuple[Week, Number | None]]:
    """A figure with ``weekly="each"`` as it stood at the end of every week; None for weeks that have not begun."""
    asked = {week: scope.stood(week.period(scope.tz)) for week in weeks_between(first, last)}
    begun = {week: of_week for week, of_week in asked.items() if of_week}
    scopes = list(begun.values())
    with of_many_moments():
        values = _bound(key, scopes) or [found.value for found in figures([(key, each) for each in scopes])]
    found = dict(zip(begun, values, strict=True))
    return [(week, found.get(week)) for week in asked]


def _bound(key: str, scopes: Sequence[Scope]) -> list[Number | None]:
    """The figure's value in each scope, its SQL made for the last of them; nothing where that cannot be done."""
    if len(scopes) < 2:
        return []
    meaning, last = written(key), scopes[-1]
    moments = [min(scope.period.end, scope.at) for scope in scopes]
    parts = counted(meaning.parts(last))
    found: dict[str, list[Tally]] = {}
    for name, rows in parts.items():
        if not _is_plain(rows):
            return []
        try:
            lines = at_moments(_line(rows), moments[-1], moments)
        except EmptyResultSet:
            return []
        if lines is None:
            return []
        found[name] = [rows.tallied(None if total is None else int(total), int(count)) for total, count in lines]
    return [meaning.value_of({name: own[place] for name, own in found.items()}) for place in range(len(scopes))]


def _line(rows: RowSet) -> QuerySet[Any, Any]:
    """What a count or a sum comes to, and of how many rows."""
    # Whole numbers on both sides: PostgreSQL counts in bigint, and adds bigints up to a numeric.
    sums = rows.sums(output_field=BigIntegerField())
    line: QuerySet[Any, Any] = rows.summed.order_by().values(line=Value(0)).annotate(**sums).values_list(*sums)
    return line


def tallies(sets: Sequence[RowSet]) -> list[Tally]:
    """`RowSet.tally` of each, in the order given."""
    answers: dict[int, Tally] = {}
    read: dict[object, Tally] = {}
    lines: dict[int, Query] = {}
    first: dict[object, int] = {}
    for at, rows in enumerate(sets):
        if _is_plain(rows):
            # Most repeated questions are told by their rows, long before there is SQL to compare.
            same_rows = (id(rows.summed), rows.amount, id(rows.known) if rows.known else 0)
            before = first.setdefault(same_rows, at)
            if before in lines:
                lines[at] = lines[before]
                continue
            with suppress(EmptyResultSet):  # Django knows of these that they have no rows
                lines[at] = _line(rows).query.sql_with_params()
            continue
        same = _fingerprint(rows, at)
        if same not in read:
            read[same] = rows.tally()
        answers[at] = read[same]
    found = dict(zip(lines, _asked_at_once(list(lines.values())), strict=True))
    for at, rows in enumerate(sets):
        if at not in answers:
            answers[at] = rows.tallied(*found.get(at, (None, 0)))
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


def _asked_at_once(lines: Sequence[Query]) -> list[tuple[int | None, int]]:
    """Total and number of rows of each, in one statement that asks no question twice."""
    asked: list[Query] = []
    for line in lines:
        if line not in asked:  # not by their hash: what is bound may have none
            asked.append(line)
    if not asked:
        return []
    selects = [f"SELECT {place} AS place, asked.* FROM ({sql}) AS asked" for place, (sql, _) in enumerate(asked)]  # noqa: S608  # our own SQL
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(selects), [value for _, values in asked for value in values])
        told = {place: (None if total is None else int(total), int(rows)) for place, total, rows in cursor.fetchall()}
    return [told[asked.index(line)] for line in lines]


def _fingerprint(rows: RowSet, at: int) -> object:
    """Equal for row sets that give the same statistic; of its own where there is nothing to compare."""
    try:
        sql, values = rows.queryset.order_by().query.sql_with_params()
    except EmptyResultSet:
        return at
    return (rows.statistic, rows.amount, rows.event, sql, values)


__all__ = ["figures", "stock_series", "tallies"]
