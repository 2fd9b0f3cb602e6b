"""What happened to rows: each version beside the one before it, in one query per table.

Which changes there are, without what they did, is told by `leads.past.events`.
"""

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


def steps(
    model: type[Model], owners: Collection[str], owner: int, changes: Collection[int] | None = None
) -> list[Step]:
    """What happened to the rows that belong or belonged to ``owner`` by one of the columns ``owners``, oldest first.

    A row that changed hands tells what happened to it while it was the owner's, the coming and the going included.
    Inside a span only what was known at its moment. ``changes``: only what these did. Raises LookupError for a model
    without a past.
    """
    if changes is not None and not changes:
        return []
    fact = fact_of(model)
    read = _Reader(model, fact, known_until())
    only = [] if changes is None else sorted(changes)
    with connection.cursor() as cursor:
        cursor.execute(_sql(fact, owners, len(only)), [*[owner] * len(owners), read.until, *only, *only])
        for row in cursor:
            read(row)
    found = [
        step
        for step in read.steps()
        if (changes is None or step.writer.change in changes) and _is_owned(step, owners, owner)
    ]
    # In the order of the commits: a change that was begun earlier may have been made later.
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
            f"SELECT v.id, {listed} FROM {stored(fact.versions)} v JOIN {stored('leads_change')} c ON c.id = v.known_by"
            f" WHERE v.id IN ({', '.join(['%s'] * len(ids))}) AND c.at <= %s ORDER BY c.at, c.id",
            [*ids, known_until()],
        )
        return {
            int(row): {
                column: _converted(value, converters[column]) for column, value in zip(columns, values, strict=True)
            }
            for row, *values in cursor.fetchall()
        }


def versions(
    model: type[Model], ids: Collection[int], columns: Sequence[str]
) -> dict[int, list[tuple[datetime, Values]]]:
    """Since when each row stood how, in these columns, oldest first; versions that differ in others are left out."""
    if not ids:
        return {}
    fact, fields = fact_of(model), _fields(model)
    converters = {column: _converters(fields[column]) for column in columns}
    listed = ", ".join(f'v."{column}"' for column in columns)
    found: dict[int, list[tuple[datetime, Values]]] = {}
    raw: dict[int, Sequence[Any]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT v.id, c.at, {listed} FROM {stored(fact.versions)} v JOIN {stored('leads_change')} c"
            f" ON c.id = v.known_by WHERE v.id IN ({', '.join(['%s'] * len(ids))}) AND c.at <= %s"
            " ORDER BY v.id, c.at, c.id",
            [*ids, known_until()],
        )
        for row, at, *values in cursor:
            if raw.get(row) == values:
                continue
            raw[row] = values
            told = {name: _converted(value, converters[name]) for name, value in zip(columns, values, strict=True)}
            found.setdefault(int(row), []).append((from_micros(at), told))
    return found


def row_called(model: type[Model], column: str, value: Any) -> int | None:
    """The id of the row that has, or had when it was last there, this value in a column that never changes."""
    field = _fields(model)[column]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT v.id FROM {stored(fact_of(model).versions)} v JOIN {stored('leads_change')} c ON c.id = v.known_by"
            f' WHERE v."{column}" = %s AND c.at <= %s ORDER BY v.id LIMIT 1',
            [field.get_db_prep_value(value, connection), known_until()],
        )
        found = cursor.fetchone()
    return int(found[0]) if found else None


def known_until() -> int:
    """The last moment, in microseconds, that a history tells of: that of the span; in the present none."""
    at = moment()
    return _FOREVER if at is None else to_micros(at)


def stored(name: str) -> str:
    """A table by the name that a span leaves alone."""
    return f'{_SCHEMAS[connection.vendor]}."{name}"'


def _sql(fact: Fact, owners: Collection[str], number: int) -> str:
    """Versions of the rows that were ever the owner's, with who made them and who ended them; all, or of ``number``
    changes those that they made or ended."""
    columns = ", ".join(f'v."{column}"' for column in fact.kept if column != "id")
    versions, changes = stored(fact.versions), stored("leads_change")
    owned = " OR ".join(f'"{column}" = %s' for column in owners)
    marks = ", ".join(["%s"] * number)
    writers = ", ".join(
        f"{each}.{name}" for each in "ke" for name in ("id", "at", "door", "actor", "source", "because")
    )
    narrowed = f"AND (v.known_by IN ({marks}) OR v.ended_by IN ({marks}))" if number else ""
    return f"""
SELECT v.id, {writers}, {columns}
  FROM {versions} v JOIN {changes} k ON k.id = v.known_by LEFT JOIN {changes} e ON e.id = v.ended_by
 WHERE v.id IN (SELECT id FROM {versions} WHERE {owned}) AND k.at <= %s {narrowed}
"""


class _Reader:
    """Turns versions into steps; each change is made into a writer once."""

    def __init__(self, model: type[Model], fact: Fact, until: int) -> None:
        fields = _fields(model)
        self.model, self.until = model, until
        self.columns = [column for column in fact.kept if column != "id"]
        self.converters = [_converters(fields[column]) for column in self.columns]
        self.writers: dict[int, Writer] = {}
        self.made: dict[tuple[int, int], Values] = {}
        self.ended: dict[tuple[int, int], Values] = {}

    def __call__(self, row: Sequence[Any]) -> None:
        """Keep a version under the change that made it and the one that ended it by then."""
        id, version = row[0], dict(self._values(row[0], row[13:]))
        for (change, at, *more), kept in ((row[1:7], self.made), (row[7:13], self.ended)):
            if change is not None and at <= self.until:
                kept[id, change] = version
                if change not in self.writers:
                    self.writers[change] = Writer(change, from_micros(at), *more)

    def steps(self) -> Iterator[Step]:
        """A version that was made where another of the row ended is a change of it."""
        for (row, change), after in self.made.items():
            yield Step(self.model, row, self.writers[change], self.ended.get((row, change)), after)
        for (row, change), before in self.ended.items():
            if (row, change) not in self.made:
                yield Step(self.model, row, self.writers[change], before, None)

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


__all__ = ["Step", "Values", "Writer", "known_until", "last_known", "row_called", "steps", "stored", "versions"]
