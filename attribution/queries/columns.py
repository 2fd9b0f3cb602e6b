"""Columns in, columns out: the one module that knows which database is below."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from django.db import connection, transaction
from django.db.models import BigIntegerField, Case, F, Func, JSONField, Model, QuerySet, Sum, TextField, Value, When
from django.db.models.expressions import Combinable, RawSQL
from django.db.models.functions import Cast, Coalesce, Concat

from attribution.pure.columns.columns import STATUSES, UNKNOWN, Columns
from attribution.pure.columns.copy_codec import Field, Kind, Values, decode_packed, encode, from_numbers, rows
from leads.past.span import table_behind

_NEVER = "1969-12-31 23:59:59.999999+00"
"""One microsecond before 1970, which is -1 (UNKNOWN) as a number."""
TURN = 5_000
"""Rows written in one turn on SQLite, where one writes at a time: a tenth of a second's work and more."""


class Moment(Func):
    """A datetime as microseconds since 1970, -1 where there is none."""

    output_field = BigIntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        # It leaves the database as the eight bytes it is; the reader moves the epoch.
        return self.as_sql(compiler, connection, template=f"COALESCE(%(expressions)s, '{_NEVER}')", **context)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        # Without its fraction: strftime rounds to milliseconds and may end up in the next second.
        sql, params = compiler.compile(self.source_expressions[0])
        seconds = f"CAST(strftime('%%s', substr({sql}, 1, 19)) AS INTEGER) * 1000000"
        micros = f"CAST(substr({sql} || '.000000', 21, 6) AS INTEGER)"
        return f"COALESCE({seconds} + {micros}, -1)", (*params, *params)


def known(name: str, otherwise: int = UNKNOWN) -> Coalesce:
    """A number, or another where there is none."""
    return Coalesce(name, Value(otherwise, output_field=BigIntegerField()), output_field=BigIntegerField())


def coded(name: str, codes: Mapping[Any, int], otherwise: int) -> Case:
    """A text or a claim as a number."""
    return Case(
        *(When(**{name: text}, then=Value(code)) for text, code in codes.items()),
        default=Value(otherwise),
        output_field=BigIntegerField(),
    )


def status_code(name: str = "status") -> Case:
    """A deal's status as its place in STATUSES."""
    return coded(name, {status: code for code, status in enumerate(STATUSES)}, UNKNOWN)


def listed(ids: Sequence[int]) -> RawSQL:
    """Ids for ``…__in=``, however many: they travel as one parameter."""
    if connection.vendor == "postgresql":
        return RawSQL("SELECT unnest(%s::bigint[])", [list(ids)])
    return RawSQL("SELECT value FROM json_each(%s)", [json.dumps(list(ids))], output_field=TextField())


def looked_up(told: Mapping[int, Mapping[int, int | None]], first: str, second: str | Value) -> Combinable:
    """A number by two ids of a row (or a constant for the second), None where there is none. However many there are
    travel as one parameter."""
    keys = [Cast(path, TextField()) for path in (first, second)]
    text = Value(json.dumps(told))
    if connection.vendor == "postgresql":
        found = Func(Cast(text, JSONField()), *keys, function="jsonb_extract_path_text", output_field=TextField())
        return Cast(found, BigIntegerField())
    path = Concat(Value('$."'), keys[0], Value('"."'), keys[1], Value('"'), output_field=TextField())
    return Func(text, path, function="json_extract", output_field=BigIntegerField())


def read_columns(queryset: QuerySet[Any], **wanted: str | Combinable) -> Columns:
    """Whole numbers and moments of rows as int64 columns, in no particular order.

    Up to 16 million rows of eight columns: PostgreSQL packs each column into one value, and a row of values may take
    one gigabyte.
    """
    expressions = {
        f"c{place}": F(what) if isinstance(what, str) else what for place, what in enumerate(wanted.values())
    }
    kinds: dict[str, Kind] = {name: "moment" if isinstance(what, Moment) else "int8" for name, what in wanted.items()}
    chosen = queryset.order_by().annotate(**expressions).values_list(*expressions)
    sql, params = chosen.query.sql_with_params()
    if connection.vendor != "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            return from_numbers(chain.from_iterable(cursor), list(wanted))
    send = {"moment": "timestamptz_send", "int8": "int8send"}
    packed = ", ".join(
        f"string_agg({send[kind]}({column}), '')" for column, kind in zip(expressions, kinds.values(), strict=True)
    )
    statement = f"COPY (SELECT {packed} FROM ({sql}) AS found) TO STDOUT (FORMAT BINARY)"  # noqa: S608
    # The driver's own cursor: Django's, when it keeps a log of queries, copies without parameters only.
    with connection.cursor() as cursor, cursor.cursor.copy(statement, params) as copy:
        return decode_packed(b"".join(copy), kinds)


def totals(queryset: QuerySet[Any], *names: str) -> list[int]:
    """The sums of columns of whole numbers modulo 2**64, from 0 up."""
    if connection.vendor == "postgresql":
        sums = queryset.order_by().aggregate(**{name: Sum(name) for name in names})
    else:
        # SQLite refuses a sum that is too large for it; here it wraps around.
        sums = {
            name: column.sum()
            for name, column in read_columns(queryset, **dict(zip(names, names, strict=True))).items()
        }
    return [int(sums[name] or 0) % 2**64 for name in names]


def write_columns(
    model: type[Model],
    fields: Sequence[Field],
    values: Values,
    size: int,
    *,
    successor: str | None = None,
    behind: bool = False,
    still: Callable[[], None] | None = None,
) -> int:
    """Insert ``size`` rows, into a successor of the table where one is named; returns how many.

    Call it inside a transaction: that which made the successor; outside of one SQLite takes a turn for each chunk.
    ``behind``: the past is read, and the table is the one behind it (`leads.past.span.writing_aside`). ``still`` is
    asked before each chunk, in its transaction: it raises where the rows must not be written any more.
    """
    if size == 0:
        return 0
    quote = connection.ops.quote_name
    table = table_behind(model) if behind else quote(successor or model._meta.db_table)
    names = ", ".join(quote(field.name) for field in fields)
    # Nobody can have seen the table: its rows need not be looked at again to learn that everybody may see them.
    frozen = ", FREEZE" if successor else ""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY{frozen})") as copy:
                for block in encode(fields, values, size):
                    copy.write(block)
            return size
        marks = ", ".join(["%s"] * len(fields))
        source = rows(fields, values, size)
        while chunk := list(islice(source, TURN)):
            # Where the caller has no transaction, others may write between two chunks.
            with transaction.atomic():
                if still is not None:
                    still()
                cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", chunk)  # noqa: S608
    return size


def move_rows(
    source: QuerySet[Any], target: type[Model], fields: Sequence[Field], *, successor: str | None = None
) -> None:
    """Insert the rows of a query into a table, or into its successor."""
    quote = connection.ops.quote_name
    names = ", ".join(quote(field.name) for field in fields)
    sql, params = source.order_by().values_list(*(field.name for field in fields)).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {quote(successor or target._meta.db_table)} ({names}) {sql}", params)


def delete_in_turns(queryset: QuerySet[Any], still: Callable[[], None] | None = None) -> None:
    """Delete rows that nothing points to: at once, or on SQLite so that others may write in between.

    ``still``: as that of `write_columns`.
    """
    if not takes_turns():
        queryset._raw_delete("default")
        return
    model, deleted = queryset.model, 1
    while deleted:
        with transaction.atomic():
            if still is not None:
                still()
            ids = list(queryset.order_by().values_list("pk", flat=True)[:TURN])
            deleted = model._default_manager.filter(pk__in=listed(ids))._raw_delete("default") if ids else 0


def takes_turns() -> bool:
    """Whether one writes at a time in this database, so that much is written bit by bit."""
    return connection.vendor == "sqlite"
