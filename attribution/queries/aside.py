"""A table filled beside an old one turn by turn, to take its name in one short transaction: how SQLite, where one
writes at a time, replaces many rows and lets everybody else write meanwhile.

Readers see the old rows or the new ones. Whoever dies before the exchange leaves the old ones in place, and tables
that the next to come drops.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import Exists, Max, Min, Model, OuterRef, Q, QuerySet

from attribution.models import Credit, JourneyState
from attribution.pure.columns.copy_codec import Field
from attribution.pure.runs.stored import CREDIT_FIELDS, STATE_FIELDS
from attribution.queries.columns import TURN, listed, move_rows, takes_turns
from leads.models import Opportunity, Touchpoint

ASIDE_FROM = 100
"""Opportunities, each scope counted, from which credits are written aside: some 20,000 rows, half a second's work."""
Tables = Mapping[type[Model], str]
_MODELS: tuple[type[Model], ...] = (Credit, JourneyState)
_NEXT, _OLD = "_next", "_old"


@contextmanager
def aside(opportunities: int) -> Iterator[Tables]:
    """Yield, by model, the names of empty tables for credits and states; none on another database, or for so few.

    Only for a run that holds the lease. What is left of the tables in the end is dropped turn by turn.
    """
    if not takes_turns() or opportunities < ASIDE_FROM:
        yield {}
        return
    _drop_left_over()
    with transaction.atomic(), connection.cursor() as cursor:
        for model in _MODELS:
            _create(cursor, model._meta.db_table)
    try:
        yield {model: f"{model._meta.db_table}{_NEXT}" for model in _MODELS}
    finally:
        # What cannot be dropped now is dropped by the next to come; the run stands as it is.
        with suppress(OperationalError):
            _drop_left_over()


def copy_in_turns(source: QuerySet[Any], target: type[Model], fields: tuple[Field, ...], tables: Tables) -> None:
    """Insert the rows of a query into the table beside the target."""
    ends = source.order_by().aggregate(first=Min("pk"), last=Max("pk"))
    for start in range(ends["first"] or 0, (ends["last"] or -1) + 1, TURN):
        with transaction.atomic():
            some = source.filter(pk__gte=start, pk__lt=start + TURN)
            move_rows(some, target, fields, successor=tables[target])


def keep_credits(*, replaced: Mapping[str, Collection[int]], scopes: Collection[str], tables: Tables) -> None:
    """Copy, turn by turn, the credits of these scopes but for the opportunities replaced, and but for those of deals
    and touches that are gone."""
    there = Exists(Opportunity.objects.filter(pk=OuterRef("opportunity_id")))
    touched = Exists(Touchpoint.objects.filter(pk=OuterRef("touchpoint_id")))
    for scope in scopes:
        rows = Credit.objects.filter(there, Q(touchpoint__isnull=True) | touched, scope=scope)
        rest = rows.exclude(opportunity_id__in=listed(sorted(replaced.get(scope, ()))))
        if rest.exists():
            copy_in_turns(rest, Credit, CREDIT_FIELDS, tables)


def exchange(*, replaced: Mapping[str, Collection[int]], scopes: Collection[str], tables: Tables) -> None:
    """Let the tables take the names of the models' own. Call it in the transaction that makes the run visible.

    States of other opportunities are copied here: a deletion notes in them what was lost in the meantime.
    """
    there = Exists(Opportunity.objects.filter(pk=OuterRef("opportunity_id")))
    for scope in scopes:
        rest = JourneyState.objects.filter(there, scope=scope)
        rest = rest.exclude(opportunity_id__in=listed(sorted(replaced.get(scope, ()))))
        move_rows(rest, JourneyState, STATE_FIELDS, successor=tables[JourneyState])
    with connection.cursor() as cursor:
        # Who built a view upon a table means its name, whichever table bears it.
        cursor.execute("PRAGMA legacy_alter_table = ON")
        try:
            for model in _MODELS:
                _exchange(cursor, model._meta.db_table)
        finally:
            cursor.execute("PRAGMA legacy_alter_table = OFF")


def _create(cursor: Any, table: str) -> None:
    for kind, name, sql in _objects(cursor, table):
        made = sql.replace(f'"{table}"', f'"{table}{_NEXT}"', 1) if kind == "table" else _index(sql, name, table)
        cursor.execute(made)


def _index(sql: str, name: str, table: str) -> str:
    return sql.replace(f'"{name}"', f'"{name}{_NEXT}"', 1).replace(f' ON "{table}"', f' ON "{table}{_NEXT}"', 1)


def _exchange(cursor: Any, table: str) -> None:
    # SQLite cannot rename an index, and to build them anew takes seconds; only their names are written here.
    cursor.execute("PRAGMA writable_schema = ON")
    try:
        for kind, name, sql in _objects(cursor, table):
            if kind == "index":
                _rename_index(cursor, name, f"{name}{_OLD}", sql)
        for kind, name, sql in _objects(cursor, f"{table}{_NEXT}"):
            if kind == "index":
                _rename_index(cursor, name, name.removesuffix(_NEXT), sql)
    finally:
        cursor.execute("PRAGMA writable_schema = RESET")
    cursor.execute(f'ALTER TABLE "{table}" RENAME TO "{table}{_OLD}"')
    cursor.execute(f'ALTER TABLE "{table}{_NEXT}" RENAME TO "{table}"')


def _rename_index(cursor: Any, name: str, to: str, sql: str) -> None:
    made = sql.replace(f'"{name}"', f'"{to}"', 1)
    cursor.execute("UPDATE sqlite_master SET name = %s, sql = %s WHERE type = 'index' AND name = %s", [to, made, name])


def _objects(cursor: Any, table: str) -> list[tuple[str, str, str]]:
    """The table and its indexes: kind, name, statement; those of constraints come with the table."""
    cursor.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE tbl_name = %s AND type IN ('table', 'index')"
        " AND sql IS NOT NULL ORDER BY type DESC, name",
        [table],
    )
    return list(cursor.fetchall())


def _drop_left_over() -> None:
    for model in _MODELS:
        for ending in (_NEXT, _OLD):
            _drop(f"{model._meta.db_table}{ending}")


def _drop(table: str) -> None:
    """Bit by bit: a table of many rows takes long to drop at once."""
    with connection.cursor() as cursor:
        for kind, name, _ in _objects(cursor, table):
            if kind == "index":
                with transaction.atomic():
                    cursor.execute(f'DROP INDEX IF EXISTS "{name}"')
        if not _objects(cursor, table):
            return
        while True:
            with transaction.atomic():
                cursor.execute(
                    f'DELETE FROM "{table}" WHERE id <= (SELECT min(id) FROM "{table}") + {TURN}'  # noqa: S608
                )
                if not cursor.rowcount:
                    break
        with transaction.atomic():
            cursor.execute(f'DROP TABLE IF EXISTS "{table}"')
