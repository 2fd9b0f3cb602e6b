"""Many rows into one table: our own ids, batches, and sequences put right afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from django.core.management.color import no_style
from django.db import connection, models
from django.db.models import Max, Model
from django.utils import timezone

from leads.actions.insert_rows import write_values

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
Known = Callable[[dict[str, Any]], Sequence[tuple[Any, ...]]]
"""The versions of a row, oldest first: the change that made each, then the values of the columns that differ."""


@dataclass(slots=True)
class Versions:
    """What was known of a table's rows: (id, change, values of ``columns``) for each, a row's own in their order."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]] = field(default_factory=list)


class Bulk:
    """Numbers rows itself, so that rows can refer to each other before they are written.

    Public ids come from the seed too: a demo is the same on every machine, and nothing here is a secret.
    """

    def __init__(self, seed: int) -> None:
        self._rng = Random(f"{seed} public ids")
        self._last: dict[type[Model], int] = {}
        self._written: dict[type[Model], None] = {}
        self.counts: dict[str, int] = {}
        self.versions: dict[type[Model], Versions] = {}

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

    def put(
        self, model: type[Row], rows: Iterable[Row], *, known: Known | None = None, changing: tuple[str, ...] = ()
    ) -> list[Row]:
        """Write rows that others will refer to, numbering those without an id; returns them. See `stream`."""
        names = [each.attname for each in model._meta.local_concrete_fields]
        kept = list(rows)
        for row in kept:
            if row.pk is None:
                row.pk = self.next_id(model)
        written = ({name: getattr(row, name) for name in names} for row in kept)
        self.stream(model, written, known=known, changing=changing)
        return kept

    def stream(
        self,
        model: type[Model],
        rows: Iterable[dict[str, Any]],
        *,
        known: Known | None = None,
        changing: tuple[str, ...] = (),
    ) -> None:
        """Write rows that nobody needs afterwards, given as columns by name; what is left out gets its default.

        ``known`` tells when each became known and how it stood then; rows without it have been there all along.
        ``changing`` names the columns whose values the versions tell.
        """
        stream = iter(rows)
        key = model._meta.pk.attname
        self._written[model] = None
        versions = self.versions.setdefault(model, Versions(changing)) if known else None
        while batch := list(islice(stream, BATCH)):
            for row in batch:
                if row.get(key) is None:
                    row[key] = self.next_id(model)
                if versions is not None and known is not None:
                    versions.rows += [(row[key], *version) for version in known(row)]
            _insert(model, batch)
            self.counts[model.__name__] = self.counts.get(model.__name__, 0) + len(batch)

    def count(self, *models: type[Model]) -> int:
        """How many rows were written to these tables."""
        return sum(self.counts.get(model.__name__, 0) for model in models)

    def put_sequences_right(self) -> None:
        """Let the database go on numbering after our rows; nothing to do where it looks at the table itself."""
        statements: list[Any] = connection.ops.sequence_reset_sql(no_style(), list(self._written))
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


def _insert(model: type[Model], batch: list[dict[str, Any]]) -> None:
    """One prepared statement on SQLite, COPY on PostgreSQL; the rows name the same columns.

    `bulk_create` makes an object of every row and parses a statement for every fifty (SQLite, twenty columns); the
    demo's touchpoints alone would take most of its minute.
    """
    fields = model._meta.local_concrete_fields
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
    write_values(table=str(model._meta.db_table), columns=[str(each.column) for each in fields], rows=rows)


def converters(model: type[Model], columns: Sequence[str]) -> list[Callable[[Any], Any] | None]:
    """What turns a value of each column into what the driver takes; None where it takes the value as it is."""
    fields = {str(each.column): each for each in model._meta.local_concrete_fields}
    return [None if type(fields[column]) in _PLAIN else _converter(fields[column]) for column in columns]


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
