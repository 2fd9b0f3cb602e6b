"""Many rows into one table: our own ids, batches, and sequences put right afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import islice
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from django.core.management.color import no_style
from django.db import connection, models
from django.db.models import Max, Model
from django.utils import timezone

BATCH = 2_000
# Columns whose Python value is what the database driver wants.
_PLAIN = (
    models.AutoField,
    models.BigAutoField,
    models.BigIntegerField,
    models.BooleanField,
    models.CharField,
    models.FloatField,
    models.ForeignKey,
    models.IntegerField,
    models.OneToOneField,
    models.PositiveIntegerField,
    models.PositiveSmallIntegerField,
    models.SlugField,
    models.TextField,
)
Row = TypeVar("Row", bound=Model)


class Bulk:
    """Numbers rows itself, so that rows can refer to each other before they are written.

    Public ids come from the seed too: a demo is the same on every machine, and nothing here is a secret.
    """

    def __init__(self, seed: int) -> None:
        self._rng = Random(f"{seed} public ids")
        self._last: dict[type[Model], int] = {}
        self.counts: dict[str, int] = {}

    def next_id(self, model: type[Model]) -> int:
        """The next free primary key of a table."""
        if model not in self._last:
            found = model._default_manager.aggregate(last=Max("pk"))["last"]
            self._last[model] = int(found or 0)
        self._last[model] += 1
        return self._last[model]

    def public_id(self) -> UUID:
        """A version-4 UUID from the seed."""
        return UUID(int=self._rng.getrandbits(128), version=4)

    def put(self, model: type[Row], rows: Iterable[Row]) -> list[Row]:
        """Write rows that others will refer to, numbering those without an id; returns them."""
        names = [each.attname for each in model._meta.local_concrete_fields]
        kept = list(rows)
        for row in kept:
            if row.pk is None:
                row.pk = self.next_id(model)
        self.stream(model, ({name: getattr(row, name) for name in names} for row in kept))
        return kept

    def stream(self, model: type[Model], rows: Iterable[dict[str, Any]]) -> None:
        """Write rows that nobody needs afterwards, given as columns by name; what is left out gets its default."""
        stream = iter(rows)
        key = model._meta.pk.attname
        while batch := list(islice(stream, BATCH)):
            for row in batch:
                if row.get(key) is None:
                    row[key] = self.next_id(model)
            _insert(model, batch)
            self.counts[model.__name__] = self.counts.get(model.__name__, 0) + len(batch)

    def count(self, *models: type[Model]) -> int:
        """How many rows were written to these tables."""
        return sum(self.counts.get(model.__name__, 0) for model in models)

    def put_sequences_right(self) -> None:
        """Let the database go on numbering after our rows; nothing to do where it looks at the table itself."""
        statements: list[Any] = connection.ops.sequence_reset_sql(no_style(), list(self._last))
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


def _insert(model: type[Model], batch: list[dict[str, Any]]) -> None:
    """One prepared statement on SQLite, COPY on PostgreSQL; the rows name the same columns.

    `bulk_create` makes an object of every row and parses a statement for every fifty (SQLite, twenty columns); the
    demo's touchpoints alone would take most of its minute.
    """
    fields = model._meta.local_concrete_fields
    columns = ", ".join(connection.ops.quote_name(str(each.column)) for each in fields)
    marks = ", ".join(["%s"] * len(fields))
    given = batch[0].keys()
    plain: list[tuple[str, Callable[[], Any]]] = []
    special = []
    for place, each in enumerate(fields):
        plain.append((each.attname, each.get_default))
        if type(each) not in _PLAIN:
            special.append((place, _converter(each)))
    unknown = given - {name for name, _ in plain}
    if unknown:
        raise ValueError(f"{model.__name__} has no column {', '.join(sorted(unknown))}.")
    rows = []
    for row in batch:
        values = [row[name] if name in given else default() for name, default in plain]
        for place, convert in special:
            values[place] = convert(values[place])
        rows.append(values)
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for values in rows:
                    copy.write_row(values)
        else:
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)  # noqa: S608 - our own names


def _converter(field: models.Field[Any, Any]) -> Callable[[Any], Any]:
    """What turns a value into what the driver takes, as saving a row would."""
    if not isinstance(field, models.DateTimeField):
        return lambda value: field.get_db_prep_save(value, connection)
    now = timezone.now() if field.auto_now or field.auto_now_add else None
    if connection.vendor == "postgresql":
        return lambda value: value or now
    zone = connection.timezone

    def text(value: datetime | None) -> str | None:
        value = value or now
        return None if value is None else str(value.astimezone(zone).replace(tzinfo=None))

    return text
