"""Reading the past: inside `known_at` every query answers as it would have at that moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import connection, transaction
from django.db.models import Model

from leads.past import postgres
from leads.past.backends.writer import verb
from leads.past.shown import Views
from leads.past.snapshot import Snapshot, snapshot_at


class PastIsReadOnly(Exception):
    """Something was to be written while the past was read."""


@dataclass(frozen=True, slots=True)
class _Span:
    """What is read, the key of what was computed for it, what was remembered meanwhile, and where the tables are."""

    snapshot: Snapshot
    key: int
    memory: dict[Any, Any] = field(default_factory=dict)
    schema: str = ""


_span: ContextVar[_Span | None] = ContextVar("span", default=None)


def moment() -> datetime | None:
    """The moment that is read now; None in the present."""
    span = _span.get()
    return span.snapshot.at if span else None


def moment_key() -> int:
    """What results computed for the moment are kept under. Raises LookupError in the present.

    The same for all moments between which nothing changed. A transaction that has changed facts itself gets another
    key in every span: it may change more under the same moment, and nobody else must be given what it computed.
    """
    return _inside().key


def memory() -> dict[Any, Any]:
    """Whatever is worth remembering until the span ends. Raises LookupError in the present."""
    return _inside().memory


def table_behind(model: type[Model]) -> str:
    """The quoted name by which `writing_aside` reaches a model's own table. Raises LookupError in the present."""
    table, schema = connection.ops.quote_name(model._meta.db_table), _inside().schema
    return f"{connection.ops.quote_name(schema)}.{table}" if schema else f"main.{table}"


def _inside() -> _Span:
    span = _span.get()
    if span is None:
        raise LookupError("No past is being read.")
    return span


@contextmanager
def known_at(at: datetime | None) -> Iterator[Snapshot | None]:
    """Read the database as it was known at ``at``; None reads the present, unless an outer span says otherwise.

    The moment must be settled (see `leads.past.settled`). Writing raises PastIsReadOnly; a table without a past raises
    a database error. Raises BeforeMemory. Consume querysets inside.
    """
    if at is None:
        yield None
        return
    snapshot, outer = snapshot_at(at), _span.get()
    with (_postgres if connection.vendor == "postgresql" else _sqlite)(snapshot, outer) as span:
        token = _span.set(span)
        try:
            with connection.execute_wrapper(_refuse_writes) if outer is None else nullcontext():
                yield snapshot
        finally:
            _span.reset(token)


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
    if verb(sql) not in _READS and not _aside.get():
        raise PastIsReadOnly("The past can be read, not changed.")
    return execute(sql, params, many, context)


def _opened(snapshot: Snapshot, outer: _Span | None, schema: str, *, has_written: bool) -> _Span:
    key = -1 - (uuid4().int >> 66) if has_written else snapshot.key
    memory = outer.memory if outer and outer.key == key else {}
    return _Span(snapshot, key, memory, outer.schema if outer else schema)


@contextmanager
def _postgres(snapshot: Snapshot, outer: _Span | None) -> Iterator[_Span]:
    # Settings of the transaction: whatever happens to it, the connection is back in the present afterwards.
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_ASK)
            path, schema, wrote = cursor.fetchone()
        span = _opened(snapshot, outer, schema, has_written=bool(wrote))
        _enter(span, postgres.SCHEMA)
        yield span
        # A savepoint that is released leaves its settings behind; one that is rolled back does not.
        if not connection.needs_rollback:
            _enter(outer or span, path)


_ASK = "SELECT current_setting('search_path'), current_schema(), current_setting('portal.wrote', true)"


def _enter(span: _Span, path: str) -> None:
    snapshot = span.snapshot
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('portal.top', %s, true), set_config('portal.out', %s, true),"
            " set_config('portal.as_of', %s, true), set_config('portal.key', %s, true),"
            " set_config('search_path', %s, true)",
            [
                str(snapshot.top),
                "{" + ",".join(map(str, snapshot.out)) + "}",
                snapshot.at.isoformat(),
                str(span.key),
                path,
            ],
        )


@contextmanager
def _sqlite(snapshot: Snapshot, outer: _Span | None) -> Iterator[_Span]:
    # Not on a cursor of Django's: views are no queries of the page, and the past refuses to be written.
    connection.ensure_connection()
    raw: Any = connection.connection
    span = _opened(snapshot, outer, "", has_written=raw.has_written())
    if outer and _is_same(span, outer):
        yield span
        return
    views = Views(raw, snapshot, key=span.key, as_of=str(connection.ops.adapt_datetimefield_value(snapshot.at)))
    views.drop()
    others, raw.before_statements = raw.before_statements, views
    try:
        yield span
    finally:
        # Those of an outer span come back when they are named.
        raw.before_statements = others
        views.drop()


def _is_same(span: _Span, outer: _Span) -> bool:
    return (span.key, span.snapshot) == (outer.key, outer.snapshot)
