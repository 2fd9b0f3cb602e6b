"""What happened to rows: each version beside the one before it, in one query per table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Field, Model

from leads.past.moments import from_micros, to_micros
from leads.past.registry import Fact, fact_of
from leads.past.span import moment

Values = Mapping[str, Any]
"""Values of a row by column, as the model's fields give them."""

_FOREVER = 2**62
# Read from where they are, also inside a span that shows the tables as they were known.
_SCHEMAS = {"postgresql": "public", "sqlite": "main"}


@dataclass(frozen=True, slots=True)
class Writer:
    """A change: its moment, and who wrote through which door. See `leads.past.acting.Acting`."""

    change: int
    at: datetime
    door: str
    actor: int | None
    source: str
    because: str


@dataclass(frozen=True, slots=True)
class Step:
    """What a change did to one row: no ``before`` where it made the row, no ``after`` where it deleted it."""

    model: type[Model]
    row: int
    writer: Writer
    before: Values | None
    after: Values | None

    @property
    def verb(self) -> str:
        """created, changed or deleted."""
        if self.before is None:
            return "created"
        return "deleted" if self.after is None else "changed"

    def changed(self) -> list[str]:
        """Columns that differ; of a row made or deleted, those that say something."""
        columns = self.after or self.before or {}
        if self.before is None or self.after is None:
            return [key for key, value in columns.items() if value is not False and value not in (None, "", {}, [])]
        return [column for column in columns if self.before[column] != self.after[column]]


def steps(model: type[Model], owners: Collection[str], owner: int) -> list[Step]:
    """What happened to the rows that belong or belonged to ``owner`` by one of the columns ``owners``, oldest first.

    A row that changed hands tells what happened to it while it was the owner's, the coming and the going included.
    Inside a span only what was known at its moment. Raises LookupError for a model without a past.
    """
    fact = fact_of(model)
    read = _Reader(model, fact)
    with connection.cursor() as cursor:
        cursor.execute(_sql(fact, owners), [*[owner] * len(owners), until := _until(), until])
        found = [step for row in cursor for step in [read(row)] if _is_owned(step, owners, owner)]
    return sorted(found, key=lambda step: (step.writer.at, step.writer.change, step.row))


def last_known(model: type[Model], ids: Collection[int], columns: Sequence[str]) -> dict[int, Values]:
    """The newest version of each row, also of those that are gone; inside a span the newest known then."""
    if not ids:
        return {}
    fact, fields = fact_of(model), _fields(model)
    converters = {column: _converters(fields[column]) for column in columns}
    listed = ", ".join(f'v."{column}"' for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT v.id, {listed} FROM {_table(fact.versions)} v JOIN {_table('leads_change')} c ON c.id = v.known_by"
            f" WHERE v.id IN ({', '.join(['%s'] * len(ids))}) AND c.at <= %s ORDER BY c.at, c.id",
            [*ids, _until()],
        )
        return {
            int(row): {
                column: _converted(value, converters[column]) for column, value in zip(columns, values, strict=True)
            }
            for row, *values in cursor.fetchall()
        }


def row_called(model: type[Model], column: str, value: Any) -> int | None:
    """The id of the row that has, or had when it was last there, this value in a column that never changes."""
    field = _fields(model)[column]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT v.id FROM {_table(fact_of(model).versions)} v JOIN {_table('leads_change')} c ON c.id = v.known_by"
            f' WHERE v."{column}" = %s AND c.at <= %s ORDER BY v.id LIMIT 1',
            [field.get_db_prep_value(value, connection), _until()],
        )
        found = cursor.fetchone()
    return int(found[0]) if found else None


def _until() -> int:
    at = moment()
    return _FOREVER if at is None else to_micros(at)


def _table(name: str) -> str:
    return f'{_SCHEMAS[connection.vendor]}."{name}"'


def _sql(fact: Fact, owners: Collection[str]) -> str:
    """Versions of the rows that were ever the owner's, each with the one before; then the ends that nothing follows.

    In the order of the commits: a change that was begun earlier may have been made later.
    """
    kept = [column for column in fact.kept if column != "id"]
    versions, changes = _table(fact.versions), _table("leads_change")
    columns = ", ".join(f'v."{column}"' for column in kept)
    before = ", ".join(f'lag("{column}") OVER w AS "was {column}"' for column in kept)
    both = ", ".join([*(f'p."{column}"' for column in kept), *(f'p."was {column}"' for column in kept)])
    writer = "c.id, c.at, c.door, c.actor, c.source, c.because"
    owned = " OR ".join(f'"{column}" = %s' for column in owners)
    return f"""
WITH known AS (
  SELECT v.id, {columns}, v.known_by, v.ended_by, c.at AS known_at
    FROM {versions} v JOIN {changes} c ON c.id = v.known_by
   WHERE v.id IN (SELECT id FROM {versions} WHERE {owned}) AND c.at <= %s
), paired AS (
  SELECT known.*, {before}, lag(ended_by) OVER w AS was_ended_by, lead(known_by) OVER w AS then_known_by
    FROM known WINDOW w AS (PARTITION BY id ORDER BY known_at, known_by)
)
SELECT p.id, CASE WHEN p.was_ended_by = p.known_by THEN 'changed' ELSE 'created' END, {writer}, {both}
  FROM paired p JOIN {changes} c ON c.id = p.known_by
UNION ALL
SELECT p.id, 'deleted', {writer}, {both}
  FROM paired p JOIN {changes} c ON c.id = p.ended_by
 WHERE c.at <= %s AND (p.then_known_by IS NULL OR p.then_known_by <> p.ended_by)
"""


class _Reader:
    """Turns rows of the query into steps; each change is made into a writer once."""

    def __init__(self, model: type[Model], fact: Fact) -> None:
        fields = _fields(model)
        self.model = model
        self.columns = [column for column in fact.kept if column != "id"]
        self.converters = [_converters(fields[column]) for column in self.columns]
        self.writers: dict[int, Writer] = {}

    def __call__(self, row: Sequence[Any]) -> Step:
        id, verb, change, at, door, actor, source, because, *values = row
        if change not in self.writers:
            self.writers[change] = Writer(change, from_micros(at), door, actor, source, because)
        count = len(self.columns)
        version = dict(self._values(id, values[:count]))
        before = dict(self._values(id, values[count:])) if verb == "changed" else None
        if verb == "deleted":
            return Step(self.model, id, self.writers[change], version, None)
        return Step(self.model, id, self.writers[change], before, version)

    def _values(self, id: int, values: Sequence[Any]) -> Iterator[tuple[str, Any]]:
        yield "id", id
        for column, value, converters in zip(self.columns, values, self.converters, strict=True):
            yield column, _converted(value, converters)


def _is_owned(step: Step, owners: Collection[str], owner: int) -> bool:
    return any(
        values is not None and values[column] == owner for values in (step.before, step.after) for column in owners
    )


def _fields(model: type[Model]) -> dict[str, Field[Any, Any]]:
    return {str(field.column): field for field in model._meta.local_concrete_fields}


def _converters(field: Field[Any, Any]) -> list[Callable[[Any], Any]]:
    """What Django puts between the driver and a field."""
    column: Any = field.get_col(field.model._meta.db_table)
    found = [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]
    return [lambda value, convert=convert: convert(value, column, connection) for convert in found]  # type: ignore[misc]


def _converted(value: Any, converters: Sequence[Callable[[Any], Any]]) -> Any:
    for convert in converters:
        value = convert(value)
    return value


__all__ = ["Step", "Values", "Writer", "last_known", "row_called", "steps"]
