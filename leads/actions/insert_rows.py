"""Insert many or few rows as fast as the database takes them, in place of `bulk_create` where capture writes.

Django composes and compiles an insert anew each time, asks every field about every value, and on PostgreSQL sends each
column as the text of an array. Here a model's statement is made once, and many rows go by COPY; on SQLite by a
hundred in a statement, because there each statement within a savepoint takes the longer, the more pages the savepoint
has touched so far: at its end SQLite walks all of its journal in memory.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache, partial
from itertools import islice
from operator import attrgetter
from sqlite3 import SQLITE_LIMIT_VARIABLE_NUMBER
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection, transaction
from django.db.models import DateTimeField, Field, ForeignKey, Model
from django.utils import timezone

# So many rows at most in a statement that names every value.
FEW = 16
# So many at most on SQLite.
AT_ONCE = 100

_Convert = Callable[[Any], Any]
M = TypeVar("M", bound=Model)
_PLAIN = frozenset(
    ["CharField", "TextField", "BooleanField", "IntegerField", "BigIntegerField", "SmallIntegerField",
     "PositiveIntegerField", "PositiveSmallIntegerField", "PositiveBigIntegerField", "FloatField"]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Plan:
    """How rows of a model are written on one database: everything that does not depend on the rows.

    ``converted`` are the columns whose values are not written as Python has them, ``related`` those of rows that may
    have got their keys after the row at hand was made. Both by position. ``stamped`` fields note when a row was made.
    """

    table: str
    columns: tuple[str, ...]
    read: Callable[[Model], Sequence[Any]]
    converted: Sequence[tuple[int, _Convert]]
    related: Sequence[tuple[int, str, str]]
    stamped: Sequence[str]

    def values(self, row: Model) -> list[Any]:
        """The row as the driver takes it."""
        for name in self.stamped:
            setattr(row, name, timezone.now())
        found = list(self.read(row))
        for index, name, attribute in self.related:
            if found[index] is None and (parent := row._state.fields_cache.get(name)) is not None:
                found[index] = parent.pk
                setattr(row, attribute, parent.pk)
        for index, convert in self.converted:
            if found[index] is not None:
                found[index] = convert(found[index])
        return found


def insert_rows(rows: Iterable[M], *, are_keyed: bool = True) -> None:
    """Insert rows of one model, none of them stored yet, in their order. Many belong into a transaction.

    They get their keys, unless they have them from `give_keys`, or nobody asks: ``are_keyed``. Rows that they belong to
    are stored, or have got their keys since they were made. Raises IntegrityError as `bulk_create` does, and TypeError
    for a column that nobody prepared here.
    """
    listed = list(rows)
    if not listed:
        return
    plan = _plan(type(listed[0]), connection.vendor)
    has_keys = listed[0].pk is not None
    if len(listed) <= FEW:
        values = [plan.values(row) for row in listed]
        keys = [row.pk for row in listed] if has_keys else []
        given = _insert_few(_Insert(plan, values, keys), returns=are_keyed and not has_keys)
    else:
        if are_keyed and not has_keys:
            give_keys(listed)
        values, given = [plan.values(row) for row in listed], []
        keys = [row.pk for row in listed] if are_keyed else []
        with transaction.atomic(savepoint=False):
            insert = _Insert(plan, values, keys)
            write_values(table=plan.table, columns=insert.columns, rows=insert.rows)
    for row, key in zip(listed, given, strict=False):
        row.pk = key
    if are_keyed:
        for row in listed:
            row._state.adding, row._state.db = False, "default"


def insert_together(*kinds: Sequence[Model]) -> None:
    """Insert a few rows of several models, where the database allows that in one statement. Nobody asks for keys.

    Of none of these models rows are unique in a way that two writers may both claim: nothing says in which order the
    kinds are written.
    """
    few = [rows for rows in kinds if 0 < len(rows) <= FEW] if connection.vendor == "postgresql" else []
    for rows in kinds:
        if rows not in few or len(few) == 1:
            insert_rows(rows, are_keyed=False)
    if len(few) > 1:
        plans = [_plan(type(rows[0]), connection.vendor) for rows in few]
        inserts = [_Insert(plan, [plan.values(row) for row in rows]) for plan, rows in zip(plans, few, strict=True)]
        *parts, last = [each.statement for each in inserts]
        named = ", ".join(f"i{number} AS ({part})" for number, part in enumerate(parts))
        with connection.cursor() as cursor:
            cursor.execute(f"WITH {named} {last}", [value for each in inserts for value in each.flat])


def give_keys(*kinds: Sequence[Model]) -> None:
    """Give rows that will be inserted in this transaction keys that nobody has and nobody will get; one statement."""
    asked = [rows for rows in kinds if rows]
    if not asked:
        return
    tables = [rows[0]._meta.db_table for rows in asked]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            one = "ARRAY(SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s))"
            wanted = [each for table, rows in zip(tables, asked, strict=True) for each in (table, len(rows))]
            cursor.execute(f"SELECT {', '.join([one] * len(asked))}", wanted)
            found: list[Sequence[int]] = [sorted(keys) for keys in cursor.fetchone()]
        else:
            # Whoever is in a transaction that writes is alone here until its end.
            one = "coalesce((SELECT seq FROM sqlite_sequence WHERE name = %s), 0)"
            cursor.execute(f"SELECT {', '.join([one] * len(asked))}", tables)
            found = [range(last + 1, last + 1 + len(rows)) for last, rows in zip(cursor.fetchone(), asked, strict=True)]
    for rows, keys in zip(asked, found, strict=True):
        for row, key in zip(rows, keys, strict=True):
            row.pk = key


@dataclass(frozen=True, slots=True)
class _Insert:
    """Values for a table, with keys or without."""

    plan: _Plan
    values: Sequence[Sequence[Any]]
    keys: Sequence[int] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return ("id", *self.plan.columns) if self.keys else self.plan.columns

    @property
    def rows(self) -> Iterable[Sequence[Any]]:
        if not self.keys:
            return self.values
        return ([key, *row] for key, row in zip(self.keys, self.values, strict=True))

    @property
    def flat(self) -> list[Any]:
        return [each for row in self.rows for each in row]

    @property
    def statement(self) -> str:
        return _statement(self.plan.table, self.columns, len(self.values))


def _insert_few(insert: _Insert, *, returns: bool) -> Sequence[int]:
    with connection.cursor() as cursor:
        cursor.execute(f"{insert.statement}{' RETURNING id' if returns else ''}", insert.flat)
        return [int(key) for (key,) in cursor.fetchall()] if returns else []


def write_values(*, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write many rows, of values as the database driver takes them."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            listed = ", ".join(f'"{column}"' for column in columns)
            connection.tell()  # type: ignore[attr-defined]  # COPY is no statement that the backend hears of
            with connection.wrap_database_errors, cursor.cursor.copy(f'COPY "{table}" ({listed}) FROM STDIN') as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            # Django reckons with 999 parameters, SQLite has long taken more.
            most = min(AT_ONCE, connection.connection.getlimit(SQLITE_LIMIT_VARIABLE_NUMBER) // len(columns))
            rest = iter(rows)
            while some := list(islice(rest, most)):
                cursor.execute(_statement(table, tuple(columns), len(some)), [value for row in some for value in row])


@lru_cache(maxsize=256)
def _statement(table: str, columns: tuple[str, ...], number: int) -> str:
    listed = ", ".join(f'"{column}"' for column in columns)
    row = f"({', '.join(['%s'] * len(columns))})"
    return f'INSERT INTO "{table}" ({listed}) VALUES {", ".join([row] * number)}'  # noqa: S608  # names of models


@cache
def _plan(model: type[Model], vendor: str) -> _Plan:
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    converted = [(index, convert) for index, field in enumerate(fields) if (convert := _convert(field, vendor))]
    related = [
        (index, field.name, field.attname) for index, field in enumerate(fields) if isinstance(field, ForeignKey)
    ]
    return _Plan(
        table=model._meta.db_table,
        columns=tuple(str(field.column) for field in fields),
        read=attrgetter(*(field.attname for field in fields)),
        converted=converted,
        related=related,
        stamped=[
            each.attname for each in fields if isinstance(each, DateTimeField) and (each.auto_now or each.auto_now_add)
        ],
    )


def _convert(field: Field[Any, Any], vendor: str) -> _Convert | None:
    """What makes a value of a field into one of the driver's; None where it is that already."""
    kind = (field.target_field if isinstance(field, ForeignKey) else field).get_internal_type()
    if kind == "JSONField":
        return partial(_json, encoder=getattr(field, "encoder", None))
    if kind in ("UUIDField", "DateTimeField", "DateField"):
        return None if vendor == "postgresql" else _OF_SQLITE[kind]
    if isinstance(field, ForeignKey):
        return None
    if kind not in _PLAIN:
        raise TypeError(f"{field} is a {kind}, which nobody prepared here.")
    # A choice is a text of a class of its own, at which drivers look twice.
    return str.__str__ if field.choices and kind == "CharField" else None


def _json(value: Any, *, encoder: type[json.JSONEncoder] | None) -> str:
    # Most are empty, and each call of the library makes an encoder anew.
    if value == {} or value == []:
        return "{}" if isinstance(value, dict) else "[]"
    return json.dumps(value, cls=encoder)


def _hex(value: UUID) -> str:
    return value.hex


def _moment(value: datetime) -> str:
    return str(value.astimezone(UTC).replace(tzinfo=None))


_OF_SQLITE: dict[str, _Convert] = {"UUIDField": _hex, "DateTimeField": _moment, "DateField": str}
