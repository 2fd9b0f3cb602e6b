"""One question at many moments: its SQL is made once, and every moment is put into it.

Django takes ten times as long to make the SQL of a stock as the database takes to answer it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

_of_many: ContextVar[bool] = ContextVar("of_many_moments", default=False)


@contextmanager
def of_many_moments() -> Iterator[None]:
    """Within it rows are made so that their SQL answers at every moment, and not at that of their scope alone."""
    token = _of_many.set(True)
    try:
        yield
    finally:
        _of_many.reset(token)


def is_of_many_moments() -> bool:
    """Whether `of_many_moments` is asked for."""
    return _of_many.get()


def at_moments(rows: QuerySet[Any, Any], at: datetime, moments: Sequence[datetime]) -> list[tuple[Any, ...]] | None:
    """What a query of a single line, made for the moment ``at``, gives at each moment, in one statement.

    None where the query tells of another date than that one, so that it cannot be put to another moment.
    """
    sql, values = rows.query.sql_with_params()
    adapt = connection.ops.adapt_datetimefield_value
    mine = adapt(at)
    if any(value != mine and _is_dated(value) for value in values):
        return None
    lines = [f"SELECT {place} AS place, line.* FROM ({sql}) AS line" for place, _ in enumerate(moments)]  # noqa: S608  # our own SQL
    bound = [adapt(moment) if value == mine else value for moment in moments for value in values]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(lines), bound)
        return [line[1:] for line in sorted(cursor.fetchall(), key=lambda line: int(line[0]))]


_SOME = datetime(9999, 1, 1, tzinfo=UTC)
"""Stands for the moments while the SQL is made; nothing is dated so."""


def rows_at_moments(
    make: Callable[[datetime], QuerySet[Any, Any]], moments: Sequence[datetime]
) -> list[tuple[datetime, tuple[Any, ...]]]:
    """The rows that a query has at each moment, in one statement, as the database gives them.

    ``make`` must take its moment into the query as it is, and derive no other from it.
    """
    try:
        sql, values = make(_SOME).query.sql_with_params()
    except EmptyResultSet:
        return []
    adapt = connection.ops.adapt_datetimefield_value
    some = adapt(_SOME)
    arms = [f"SELECT {place} AS place, asked.* FROM ({sql}) AS asked" for place, _ in enumerate(moments)]  # noqa: S608  # our own SQL
    bound = [adapt(moment) if value == some else value for moment in moments for value in values]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(arms), bound)
        return [(moments[int(place)], tuple(row)) for place, *row in cursor.fetchall()]


def _is_dated(value: object) -> bool:
    """Whether a value is a date or a moment, as both databases take them."""
    if isinstance(value, str):
        try:
            datetime.fromisoformat(value)
        except ValueError:
            return False
        return True
    return isinstance(value, date)
