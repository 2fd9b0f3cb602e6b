"""Replaces the credits of some opportunities; the only module that knows which database is below."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from django.db import connection

from attribution.models import Credit
from attribution.queries import BATCH

COLUMNS = (
    "run_id",
    "opportunity_id",
    "scope",
    "method",
    "touchpoint_id",
    "campaign_id",
    "channel_id",
    "touched_at",
    "weight",
    "cents",
)
Row = tuple[Any, ...]
_CHUNK = 20_000


def store_credits(*, opportunities: Sequence[int], rows: Iterable[Row]) -> int:
    """Delete the credits of the opportunities and write ``rows`` (in the order of COLUMNS); returns how many.

    Call it inside a transaction. Rows go to the driver as they are: building 100,000 model instances takes longer than
    everything else of a run together. PostgreSQL reads them by COPY, others by one prepared statement.
    """
    for start in range(0, len(opportunities), BATCH):
        # _raw_delete: nothing points to credits, so there is nothing to collect first.
        Credit.objects.filter(opportunity_id__in=opportunities[start : start + BATCH])._raw_delete("default")
    return _copy(rows) if connection.vendor == "postgresql" else _insert(rows)


def _names() -> str:
    return ", ".join(connection.ops.quote_name(name) for name in COLUMNS)


def _copy(rows: Iterable[Row]) -> int:
    written = 0
    table = connection.ops.quote_name(Credit._meta.db_table)
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({_names()}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
            written += 1
    return written


def _insert(rows: Iterable[Row]) -> int:
    written = 0
    table, marks = connection.ops.quote_name(Credit._meta.db_table), ", ".join(["%s"] * len(COLUMNS))
    with connection.cursor() as cursor:
        for chunk in _chunks(rows):
            cursor.executemany(f"INSERT INTO {table} ({_names()}) VALUES ({marks})", chunk)  # noqa: S608
            written += len(chunk)
    return written


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    source = iter(rows)
    while chunk := list(islice(source, _CHUNK)):
        yield chunk
