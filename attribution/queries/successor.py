"""A table filled anew beside an old one, to take its name at once: how PostgreSQL replaces millions of rows quickly.

Rows that come into a table without indexes are written several times as fast, and an index over rows that are there
is sorted, not grown entry by entry. Everything happens in the caller's transaction: until it commits readers see the
old table and wait for nobody, and if it dies nothing was there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import Model

_WAIT = "2s"
"""How long the exchange may hold up readers who come after one that is still reading."""
_MEMORY = "256MB"

_IS_PLAIN = """
SELECT pg_get_userbyid(t.relowner) = current_user
   AND n.nspname = current_schema() AND has_schema_privilege(n.oid, 'CREATE')
   AND t.relkind = 'r' AND t.relacl IS NULL AND t.reloptions IS NULL AND NOT t.relrowsecurity
   AND t.reltablespace = 0 AND t.relreplident = 'd'
   AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attacl IS NOT NULL)
   AND NOT EXISTS (SELECT FROM pg_inherits i WHERE t.oid IN (i.inhrelid, i.inhparent))
   AND NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = t.oid)
   AND NOT EXISTS (SELECT FROM pg_publication_tables p WHERE p.schemaname = n.nspname AND p.tablename = t.relname)
   AND NOT EXISTS (SELECT FROM pg_constraint c WHERE t.oid IN (c.conrelid, c.confrelid) AND c.contype = 'f')
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.refobjid IN (t.oid, t.reltype)
                      AND d.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass))
  FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace WHERE t.oid = %s::regclass
"""
_INDEXES = """
SELECT quote_ident(i.relname), pg_get_indexdef(i.oid), x.indisunique, c.contype
  FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
  LEFT JOIN pg_constraint c ON c.conindid = i.oid AND c.contype IN ('p', 'u')
 WHERE x.indrelid = %s::regclass ORDER BY i.relname
"""


@dataclass(frozen=True, slots=True)
class _Index:
    """An index of the old table and the name of its like; ``constraint``: "p" or "u" where it upholds one."""

    successor: str
    name: str
    definition: str
    is_unique: bool
    constraint: str | None


@contextmanager
def successors(*models: type[Model]) -> Iterator[Mapping[type[Model], str]]:
    """Yield, by model, the names of empty tables to be filled; then they take the place of the models' own, which go.

    Yields nothing where tables cannot be exchanged: on another database, or when they are not ours alone (what an
    administrator granted, published or built upon a table would be lost with it). Call it inside a transaction, which
    holds the tables to itself from the exchange to its end.
    """
    if not _may_exchange(models):
        yield {}
        return
    names = {model: f"{model._meta.db_table}_next" for model in models}
    with connection.cursor() as cursor:
        for model, name in names.items():
            cursor.execute(f"CREATE TABLE {name} (LIKE {model._meta.db_table} INCLUDING ALL EXCLUDING INDEXES)")
        yield names
        cursor.execute(f"SET LOCAL maintenance_work_mem = '{_MEMORY}'")
        indexes = {model: _build_indexes(cursor, model._meta.db_table, name) for model, name in names.items()}
        try:
            with transaction.atomic():
                cursor.execute(f"SET LOCAL lock_timeout = '{_WAIT}'")
                tables = ", ".join(model._meta.db_table for model in models)
                cursor.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
                cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
        except OperationalError:
            # Somebody reads for long, a backup say. It must not keep everybody else waiting, so rows are moved instead.
            for model, name in names.items():
                _move(cursor, model, name)
            return
        for model, name in names.items():
            _exchange(cursor, model._meta.db_table, name, indexes[model])


def _may_exchange(models: tuple[type[Model], ...]) -> bool:
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        for model in models:
            cursor.execute(_IS_PLAIN, [model._meta.db_table])
            if not cursor.fetchone()[0]:
                return False
    return True


def _build_indexes(cursor: Any, table: str, successor: str) -> list[_Index]:
    cursor.execute(_INDEXES, [table])
    indexes = [_Index(f"{successor}_{place}", *row) for place, row in enumerate(cursor.fetchall())]
    for index in indexes:
        how = index.definition[index.definition.index(" USING ") :]
        cursor.execute(f"CREATE {'UNIQUE ' if index.is_unique else ''}INDEX {index.successor} ON {successor}{how}")
    # Without figures about its rows the first pages would be planned blindly.
    cursor.execute(f"ANALYZE {successor}")
    return indexes


def _exchange(cursor: Any, table: str, successor: str, indexes: Sequence[_Index]) -> None:
    sequence, own = _sequence(cursor, table), _sequence(cursor, successor)
    cursor.execute(f"DROP TABLE {table}")
    cursor.execute(f"ALTER TABLE {successor} RENAME TO {table}")
    cursor.execute(f"ALTER SEQUENCE {own} RENAME TO {sequence}")
    for index in indexes:
        if index.constraint is None:
            cursor.execute(f"ALTER INDEX {index.successor} RENAME TO {index.name}")
        else:
            kind = "PRIMARY KEY" if index.constraint == "p" else "UNIQUE"
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {index.name} {kind} USING INDEX {index.successor}")


def _move(cursor: Any, model: type[Model], successor: str) -> None:
    table = model._meta.db_table
    names = ", ".join(str(field.column) for field in model._meta.concrete_fields if not field.primary_key)
    cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own, here and below
    cursor.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM {successor}")  # noqa: S608
    cursor.execute(f"DROP TABLE {successor}")


def _sequence(cursor: Any, table: str) -> str:
    """The name of the sequence behind a table's ids, without its schema."""
    cursor.execute("SELECT relname FROM pg_class WHERE oid = pg_get_serial_sequence(%s, 'id')::regclass", [table])
    return str(cursor.fetchone()[0])
