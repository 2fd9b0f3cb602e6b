"""Makes what keeps the past: tables of versions, triggers and views. Safe to run again; migrations do."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration, RemoveField, RenameField, SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation

from leads.past import postgres, sqlite
from leads.past.acting import Door
from leads.past.backends.writer import CHANGES
from leads.past.registry import Fact, computed_tables, dated_tables, facts


def drop_views(connection: BaseDatabaseWrapper) -> None:
    """Take the views away, which would keep migrations from changing what they read. Only PostgreSQL stores views."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"DROP SCHEMA IF EXISTS {postgres.SCHEMA} CASCADE")


def drop_triggers(connection: BaseDatabaseWrapper, *, of: Container[str] | None = None) -> None:
    """Take the triggers away, those of some tables alone where they are named. What is written without them is recorded
    when they come back."""
    dialect = postgres if connection.vendor == "postgresql" else sqlite
    with connection.cursor() as cursor:
        for fact in facts():
            if (of is None or fact.table in of) and dialect.columns(cursor, fact.table):
                for statement in dialect.no_triggers(fact):
                    cursor.execute(statement)


def install(connection: BaseDatabaseWrapper) -> None:
    """Make or mend everything, then record what was written while the triggers were away.

    A column added to a table is unknown (NULL) in versions of before. Before the table of changes exists, or after it
    was migrated away, there are no versions; neither are there of a table that is gone.
    """
    dialect = postgres if connection.vendor == "postgresql" else sqlite
    with connection.cursor() as cursor:
        if not dialect.columns(cursor, CHANGES):
            for fact in facts():
                cursor.execute(f'DROP TABLE IF EXISTS "{fact.versions}"')
            return
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        if dialect is postgres:
            drop_views(connection)
            cursor.execute(f"CREATE SCHEMA {postgres.SCHEMA}")
            cursor.execute(postgres.functions())
        change = _Change(cursor)
        made: dict[str, tuple[Fact, dict[str, str]]] = {}
        for fact in facts():
            types = dialect.columns(cursor, fact.table)
            if not types:
                cursor.execute(f'DROP TABLE IF EXISTS "{fact.versions}"')
            if set(fact.columns) - types.keys():
                continue  # its migrations are still to come
            _prepare(cursor, dialect, fact, types)
            _reconcile(cursor, connection, fact, change)
            for statement in [*dialect.no_triggers(fact), *dialect.triggers(fact)]:
                cursor.execute(statement)
            made[fact.table] = fact, types
        if dialect is postgres:
            for fact, types in sorted(made.values(), key=lambda each: bool(each[0].told_by)):
                # Before the migration that makes the other table, each table tells its own past.
                told = tuple(each for each in fact.told_by if each[1] in made)
                cursor.execute(postgres.view(replace(fact, told_by=told), types))
            for table in dated_tables():
                if postgres.columns(cursor, table.table):
                    cursor.execute(postgres.dated_view(table))
            for result in computed_tables():
                if result.kept_columns <= postgres.columns(cursor, result.kept).keys():
                    cursor.execute(postgres.computed_view(result, postgres.columns(cursor, result.table)))


def take_away(connection: BaseDatabaseWrapper) -> None:
    """Take triggers and the indexes of versions away, for a load that writes versions itself.

    Only in a transaction that calls `install` before it ends, which brings them back.
    """
    drop_triggers(connection)
    dialect = postgres if connection.vendor == "postgresql" else sqlite
    with connection.cursor() as cursor:
        for fact in facts():
            for names in dialect.indexes(cursor, fact.table):
                cursor.execute(f'DROP INDEX IF EXISTS "{_index(fact, names)}"')
            if fact.is_followed:
                cursor.execute(f'DROP INDEX IF EXISTS "{_index(fact, ["known_by"])}"')


def unrecorded(connection: BaseDatabaseWrapper) -> list[str]:
    """Tables whose rows are not what their current versions say; empty when all is well."""
    with connection.cursor() as cursor:
        return [fact.table for fact in facts() if any(_differences(cursor, connection, fact))]


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """What should keep the past and is not there, or is not as it should be, by name; empty when all is well."""
    dialect = postgres if connection.vendor == "postgresql" else sqlite
    with connection.cursor() as cursor:
        lacking = dialect.missing(cursor, facts(), [*dated_tables(), *computed_tables()])
        for fact in facts():
            known = dialect.columns(cursor, fact.versions)
            lacking += [f"column {fact.versions}.{column}" for column in fact.kept if known and column not in known]
    return sorted(lacking)


class _Change:
    """The change under which rows are recorded that no trigger has seen; made when the first is found."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self._id: int | None = None

    @property
    def id(self) -> int:
        if self._id is None:
            # What migrations write into an empty installation was always there.
            self._cursor.execute("SELECT EXISTS (SELECT 1 FROM leads_lead) OR EXISTS (SELECT 1 FROM leads_change)")
            at = time.time_ns() // 1000 if self._cursor.fetchone()[0] else 0
            if at and self._cursor.db.vendor == "postgresql":
                for name, value in (("change", ""), ("chosen", ""), ("actor", ""), ("door", Door.MIGRATION.value)):
                    self._cursor.execute("SELECT set_config(%s, %s, true)", [f"portal.{name}", value])
                self._cursor.execute("SELECT portal_change()")
            else:
                self._cursor.execute(
                    f"INSERT INTO {CHANGES} (began_at, at, door, source, because, is_backdated)"
                    " VALUES (%s, %s, %s, '', '', %s) RETURNING id",
                    [at, at, Door.MIGRATION.value, not at],
                )
            self._id = int(self._cursor.fetchone()[0])
        return self._id


def _prepare(cursor: Any, dialect: Any, fact: Fact, types: dict[str, str]) -> None:
    """The table of versions with all columns and with the indexes of its table, none of them unique."""
    known = dialect.columns(cursor, fact.versions)
    if not known:
        cursor.execute(dialect.make_versions(fact, types))
    else:
        for column in fact.kept:
            if column not in known:
                cursor.execute(f'ALTER TABLE "{fact.versions}" ADD COLUMN "{column}" {types[column]}')
            elif known[column] != types[column] and dialect is postgres:
                cursor.execute(f'ALTER TABLE "{fact.versions}" ALTER COLUMN "{column}" TYPE {types[column]}')
    found = {names for names in dialect.indexes(cursor, fact.table) if set(names) <= set(fact.kept)}
    for names in sorted(found):
        if any(other[: len(names)] == names for other in found - {names}):
            # A longer one begins with it. Every version is written to every index, which takes most of its time.
            cursor.execute(f'DROP INDEX IF EXISTS "{_index(fact, names)}"')
            continue
        listed = ", ".join(f'"{name}"' for name in names)
        cursor.execute(f'CREATE INDEX IF NOT EXISTS "{_index(fact, names)}" ON "{fact.versions}" ({listed})')
    if fact.is_followed:
        index = _index(fact, ["known_by"])
        cursor.execute(f'CREATE INDEX IF NOT EXISTS "{index}" ON "{fact.versions}" (known_by)')


def _index(fact: Fact, names: Sequence[str]) -> str:
    digest = hashlib.sha256(",".join(names).encode()).hexdigest()[:8]
    return f"{fact.versions[:50]}_{digest}"


def _reconcile(cursor: Any, connection: BaseDatabaseWrapper, fact: Fact, change: _Change) -> None:
    """Rows that differ from their current version get a new one; versions of rows that are gone end."""
    is_changed, is_gone = _differences(cursor, connection, fact)
    joined, changed = _joined(connection, fact)
    if is_changed:
        names = ", ".join(f'"{name}"' for name in fact.kept)
        of_row = ", ".join(f't."{name}"' for name in fact.kept)
        cursor.execute(
            f'UPDATE "{fact.versions}" SET ended_by = %s WHERE ended_by IS NULL AND id IN'
            f" (SELECT t.id FROM {joined} WHERE v.id IS NOT NULL AND ({changed}))",
            [change.id],
        )
        cursor.execute(
            f'INSERT INTO "{fact.versions}" ({names}, known_by) SELECT {of_row}, %s FROM {joined} WHERE v.id IS NULL',
            [change.id],
        )
    if is_gone:
        cursor.execute(f'UPDATE "{fact.versions}" SET ended_by = %s WHERE {_gone(fact)}', [change.id])


def _differences(cursor: Any, connection: BaseDatabaseWrapper, fact: Fact) -> tuple[bool, bool]:
    """Whether rows differ from their current version, and whether versions are current whose rows are gone."""
    joined, changed = _joined(connection, fact)
    # Counted, not looked for: for one row of many PostgreSQL compares every row with every other.
    cursor.execute(f"SELECT count(*) FROM {joined} WHERE v.id IS NULL OR {changed}")
    is_changed = bool(cursor.fetchone()[0])
    cursor.execute(f'SELECT count(*) FROM "{fact.versions}" WHERE {_gone(fact)}')
    return is_changed, bool(cursor.fetchone()[0])


def _joined(connection: BaseDatabaseWrapper, fact: Fact) -> tuple[str, str]:
    """Rows beside their current versions, and what tells them apart."""
    differs = "IS DISTINCT FROM" if connection.vendor == "postgresql" else "IS NOT"
    changed = " OR ".join(f't."{name}" {differs} v."{name}"' for name in fact.tracked)
    return f'"{fact.table}" t LEFT JOIN "{fact.versions}" v ON v.id = t.id AND v.ended_by IS NULL', changed


def _gone(fact: Fact) -> str:
    # Not NOT IN: PostgreSQL reads the whole table again for every version once its ids outgrow work_mem.
    return f'ended_by IS NULL AND NOT EXISTS (SELECT 1 FROM "{fact.table}" t WHERE t.id = "{fact.versions}".id)'


def after_migrations(using: str, **_: Any) -> None:
    """Signal door: install after every migrate."""
    from django.db import connections

    install(connections[using])


def before_migrations(using: str, plan: Sequence[tuple[Migration, bool]] = (), **_: Any) -> None:
    """Signal door: what is taken away comes back with `after_migrations`.

    Triggers stay, so that data migrations are recorded as they write, unless the table of changes is itself to change,
    which they write, or a table loses a column that its triggers name: the next write to it would fail.
    """
    from django.db import connections

    drop_views(connections[using])
    steps = [(migration.app_label, step) for migration, _ in plan for step in _flat(migration.operations)]
    touched = {f"{label}_{getattr(step, 'model_name', getattr(step, 'name', ''))}".lower() for label, step in steps}
    if CHANGES in touched:
        drop_triggers(connections[using])
    narrowed = {
        f"{label}_{step.model_name}".lower() for label, step in steps if isinstance(step, RemoveField | RenameField)
    }
    drop_triggers(connections[using], of=narrowed)


def _flat(steps: Iterable[Operation]) -> Iterator[Operation]:
    for step in steps:
        yield step
        if isinstance(step, SeparateDatabaseAndState):
            yield from _flat(step.database_operations)


__all__ = [
    "after_migrations",
    "before_migrations",
    "drop_triggers",
    "drop_views",
    "install",
    "missing",
    "take_away",
    "unrecorded",
]
