"""What changed since a moment, by when it became visible: nothing is missed, however long its transaction lasted."""

from __future__ import annotations

from datetime import datetime

from django.db import connection
from django.db.models import Model

from leads.past.moments import to_micros
from leads.past.registry import fact_of
from leads.past.steps import stored


def changed_rows(model: type[Model], *, since: datetime, until: datetime) -> list[int]:
    """Ids of the rows that were made or changed after ``since``, up to ``until`` (a settled moment), ascending.

    Rows that were deleted since are among them. Raises LookupError for a model without a past.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT v.id FROM {stored('leads_change')} c JOIN {stored(fact_of(model).versions)} v"
            " ON v.known_by = c.id WHERE c.at > %s AND c.at <= %s ORDER BY v.id",
            [to_micros(since), to_micros(until)],
        )
        return [int(row) for (row,) in cursor.fetchall()]


__all__ = ["changed_rows"]
