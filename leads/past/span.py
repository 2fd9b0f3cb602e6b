"""Reading the past: inside `known_at` every query answers as it would have at that moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from leads.past import postgres, sqlite
from leads.past.registry import dated_tables, facts
from leads.past.snapshot import Snapshot, snapshot_at


class PastIsReadOnly(Exception):
    """Something was to be written while the past was read."""


_snapshot: ContextVar[Snapshot | None] = ContextVar("snapshot", default=None)


def moment() -> datetime | None:
    """The moment that is read now; None in the present."""
    snapshot = _snapshot.get()
    return snapshot.at if snapshot else None


@contextmanager
def known_at(at: datetime | None) -> Iterator[Snapshot | None]:
    """Read the database as it was known at ``at``; None reads the present, unless an outer span says otherwise.

    The moment must be settled (see `leads.past.settled`). Writing raises PastIsReadOnly; a table without a past raises
    a database error. Raises BeforeMemory. Consume querysets inside.
    """
    if at is None:
        yield None
        return
    snapshot, outer = snapshot_at(at), _snapshot.get()
    with _postgres(snapshot, outer) if connection.vendor == "postgresql" else _sqlite(snapshot, outer):
        token = _snapshot.set(snapshot)
        try:
            with connection.execute_wrapper(_refuse_writes) if outer is None else nullcontext():
                yield snapshot
        finally:
            _snapshot.reset(token)


@contextmanager
def writing_aside() -> Iterator[None]:
    """Let the past be read and a table that is no fact be written: for caches of what was computed from it."""
    token = _aside.set(True)
    try:
        yield
    finally:
        _aside.reset(token)


_aside: ContextVar[bool] = ContextVar("aside", default=False)
_READS = (
    "SELECT",
    "WITH",
    "EXPLAIN",
    "VALUES",
    "SAVEPOINT",
    "RELEASE",
    "ROLLBACK",
    "PRAGMA",
    "SHOW",
    "DECLARE",
    "FETCH",
)


def _refuse_writes(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
    if isinstance(sql, str) and not _aside.get() and not sql[:32].lstrip(" \n(").upper().startswith(_READS):
        raise PastIsReadOnly("The past can be read, not changed.")
    return execute(sql, params, many, context)


@contextmanager
def _postgres(snapshot: Snapshot, outer: Snapshot | None) -> Iterator[None]:
    # Settings of the transaction: whatever happens to it, the connection is back in the present afterwards.
    with transaction.atomic():
        path = _enter(snapshot, postgres.SCHEMA)
        yield
        # A savepoint that is released leaves its settings behind; one that is rolled back does not.
        if not connection.needs_rollback:
            _enter(outer or snapshot, path)


def _enter(snapshot: Snapshot, path: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('search_path')")
        before = str(cursor.fetchone()[0])
        cursor.execute(
            "SELECT set_config('portal.top', %s, true), set_config('portal.out', %s, true),"
            " set_config('portal.as_of', %s, true), set_config('search_path', %s, true)",
            [str(snapshot.top), "{" + ",".join(map(str, snapshot.out)) + "}", snapshot.at.isoformat(), path],
        )
    return before


@contextmanager
def _sqlite(snapshot: Snapshot, outer: Snapshot | None) -> Iterator[None]:
    # Not on a cursor of Django's: views are no queries of the page, and the past refuses to be written.
    connection.ensure_connection()
    raw = connection.connection
    if outer:
        _drop(raw)
    try:
        _show(raw, snapshot)
        yield
    finally:
        _drop(raw)
        if outer:
            _show(raw, outer)


def _show(raw: Any, snapshot: Snapshot) -> None:
    as_of = str(connection.ops.adapt_datetimefield_value(snapshot.at))
    for fact in facts():
        raw.execute(sqlite.view(fact, snapshot.top, snapshot.out))
    for table in dated_tables():
        raw.execute(sqlite.dated_view(table, as_of))


def _drop(raw: Any) -> None:
    for (name,) in raw.execute("SELECT name FROM temp.sqlite_master WHERE type = 'view'").fetchall():
        raw.execute(f'DROP VIEW temp."{name}"')
