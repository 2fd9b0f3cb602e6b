"""What changed since a moment, by when it became visible: nothing is missed, however long its transaction lasted."""

from __future__ import annotations

from datetime import datetime

from django.db import connection
from django.db.models import Model
from django.db.models.expressions import RawSQL

from leads.past.moments import from_micros, to_micros
from leads.past.registry import fact_of
from leads.past.steps import known_until, stored


def changed_rows(model: type[Model], *, since: datetime, until: datetime) -> list[int]:
    """Ids of the rows that were made or changed after ``since``, up to ``until`` (a settled moment), ascending.

    Rows that were deleted since are among them. Raises LookupError for a model without a past.
    """
    return list(changed_moments(model, since=since, until=until))


def changed_moments(model: type[Model], *, since: datetime, until: datetime) -> dict[int, datetime]:
    """The same rows, each with the moment of its last change: before it nobody could read what it says."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT v.id, max(c.at) FROM {stored('leads_change')} c JOIN {stored(fact_of(model).versions)} v"
            " ON v.known_by = c.id WHERE c.at > %s AND c.at <= %s GROUP BY v.id ORDER BY v.id",
            [to_micros(since), to_micros(until)],
        )
        return {int(row): from_micros(at) for row, at in cursor.fetchall()}


def changed_after(model: type[Model], since: datetime, column: str = "id") -> RawSQL:
    """A subquery of what the rows made or changed after ``since`` have in a column: for ``filter(pk__in=…)``.

    Inside a span those known at its moment. Raises LookupError for a model without a past or the column.
    """
    fact = fact_of(model)
    if column not in fact.kept:
        raise LookupError(f"{model.__name__} keeps no past of {column}.")
    return RawSQL(  # noqa: S611  # names are the models' own, values are parameters
        f'SELECT v."{column}" FROM {stored("leads_change")} c JOIN {stored(fact.versions)} v'
        " ON v.known_by = c.id WHERE c.at > %s AND c.at <= %s",
        [to_micros(since), known_until()],
    )


__all__ = ["changed_after", "changed_moments", "changed_rows"]
