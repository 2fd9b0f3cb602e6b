"""The past of the demo: versions written beside the rows they belong to, each known since its own moment.

The triggers would record everything as known since the seeding, so they are away while the company's rows are written.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.models import Max, Min, Model

from config.demo.bulk import Bulk, Versions, converters
from config.demo.timeline import Timeline
from leads.actions.insert_rows import write_values
from leads.models import Change
from leads.past.install import install, take_away
from leads.past.moments import from_micros
from leads.past.registry import Fact, fact_of, facts
from leads.past.snapshot import forget_snapshots

_STAGED = "demo_versions"
_MOVED = "demo_moved"


class PastDiffers(Exception):
    """Rows are not what their newest versions say."""


def lay_aside() -> None:
    """Record nothing from here on: rows come with versions of their own, for `write_past` before the commit."""
    _check_constraints()
    take_away(connections[DEFAULT_DB_ALIAS])


def write_past(bulk: Bulk, timeline: Timeline) -> None:
    """Replace all versions by those that the rows came with, and record again. Raises PastDiffers."""
    _write_versions(bulk, timeline)
    _check_constraints()
    last = last_change()
    install(connections[DEFAULT_DB_ALIAS])
    if last_change() != last:
        raise PastDiffers("Rows are not what their newest versions say.")
    forget_snapshots()


def known_all_along(models: Iterable[type[Model]], *, since: int) -> None:
    """Rows of these tables were there from the beginning, as they are now; changes after ``since`` say nothing more."""
    with transaction.atomic(), connection.cursor() as cursor:
        first = _first_change()
        for model in models:
            for fact in _tables_of(model):
                cursor.execute(f'DELETE FROM "{fact.versions}" WHERE ended_by IS NOT NULL')
                cursor.execute(f'UPDATE "{fact.versions}" SET known_by = %s', [first])
        Change.objects.filter(pk__gt=since).delete()
    forget_snapshots()


def put_in_order(models: Sequence[type[Model]]) -> None:
    """Give changes that were backdated last an id among those of their time, in which alone it is quick to look.

    ``models`` are those that they changed. Changes for which there is no room keep their ids.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        ids: list[int] = []
        moments: list[int] = []
        late: list[tuple[int, int]] = []
        for id, at in Change.objects.filter(is_backdated=True).order_by("pk").values_list("pk", "at"):
            if moments and at < moments[-1]:
                late.append((at, id))
            else:
                ids.append(id)
                moments.append(at)
        gaps: defaultdict[int, list[int]] = defaultdict(list)
        for at, id in sorted(late):
            gaps[bisect_right(moments, at)].append(id)
        # Spread over the room there is, so that later ones find some between them.
        taken = {
            ids[place - 1] + number * (ids[place] - ids[place - 1]) // (len(moved) + 1): id
            for place, moved in gaps.items()
            if len(moved) < ids[place] - ids[place - 1]
            for number, id in enumerate(moved, start=1)
        }
        cursor.execute(f"CREATE TEMPORARY TABLE {_MOVED} (old bigint PRIMARY KEY, new bigint NOT NULL)")
        cursor.executemany(f"INSERT INTO {_MOVED} (new, old) VALUES (%s, %s)", list(taken.items()))
        columns = [(Change._meta.db_table, "id")]
        columns += [
            (fact.versions, column)
            for model in models
            for fact in _tables_of(model)
            for column in ("known_by", "ended_by")
        ]
        for table, column in columns:
            moved = f"(SELECT new FROM {_MOVED} WHERE old = {column})"
            cursor.execute(f'UPDATE "{table}" SET {column} = {moved} WHERE {column} IN (SELECT old FROM {_MOVED})')
        cursor.execute(f"DROP TABLE {_MOVED}")
    forget_snapshots()


def known_since(row: Model) -> datetime:
    """When the row became known as it is now."""
    versions = fact_of(type(row)).versions
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT known_by FROM "{versions}" WHERE id = %s AND ended_by IS NULL', [row.pk])
        (change,) = cursor.fetchone()
    return from_micros(Change.objects.values_list("at", flat=True).get(pk=change))


def last_change() -> int:
    """The id of the newest change."""
    return int(Change.objects.aggregate(last=Max("pk"))["last"] or 0)


def _first_change() -> int:
    """The change that holds what was there from the beginning."""
    return int(Change.objects.aggregate(first=Min("pk"))["first"])


def _write_versions(bulk: Bulk, timeline: Timeline) -> None:
    ids, changes = timeline.changes(last_change())
    bulk.put(Change, changes)
    first = _first_change()
    models = {str(model._meta.db_table): model for model in bulk.versions}
    with connection.cursor() as cursor:
        for fact in facts():
            cursor.execute(f'DELETE FROM "{fact.versions}"')
            model = models.get(fact.table)
            if model is not None:
                _write_known(cursor, fact, model, bulk.versions[model], ids)
                continue
            names = ", ".join(f'"{name}"' for name in fact.kept)
            cursor.execute(
                f'INSERT INTO "{fact.versions}" ({names}, known_by) SELECT {names}, %s FROM "{fact.table}"', [first]
            )


def _write_known(cursor: Any, fact: Fact, model: type[Model], versions: Versions, ids: dict[int, int]) -> None:
    """Ids, changes and the columns that differ come from here, everything else from the table itself."""
    columns = [f'"{name}"' for name in versions.columns]
    staged = ", ".join(["id", "id AS known_by", "id AS ended_by", *columns])
    cursor.execute(f'CREATE TEMPORARY TABLE {_STAGED} AS SELECT {staged} FROM "{fact.table}" WHERE 1 = 0')
    names = ["id", "known_by", "ended_by", *versions.columns]
    write_values(table=_STAGED, columns=names, rows=_converted(model, versions, spans(versions.rows, ids)))
    kept = ", ".join(f'"{name}"' for name in fact.kept)
    values = ", ".join(f'{"s" if name in versions.columns else "t"}."{name}"' for name in fact.kept)
    cursor.execute(
        f'INSERT INTO "{fact.versions}" ({kept}, known_by, ended_by) SELECT {values}, s.known_by, s.ended_by'
        f' FROM {_STAGED} s JOIN "{fact.table}" t ON t.id = s.id'
    )
    cursor.execute(f"DROP TABLE {_STAGED}")


def spans(rows: Iterable[tuple[Any, ...]], ids: dict[int, int]) -> Iterator[tuple[Any, ...]]:
    """(id, known_by, ended_by, values) of each version; the last of a row has not ended.

    As the triggers do it: what one change wrote of a row is one version, and what changed nothing is none. A version
    never begins before the one it follows.
    """
    last: tuple[Any, ...] | None = None
    for id, number, *values in rows:
        change = ids[number]
        if last is None or last[0] != id:
            if last is not None:
                yield last
        elif change <= last[1]:
            change = last[1]
        elif values == list(last[3:]):
            continue
        else:
            yield (id, last[1], change, *last[3:])
        last = (id, change, None, *values)
    if last is not None:
        yield last


def _converted(model: type[Model], versions: Versions, rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    converts = converters(model, versions.columns)
    if not any(converts):
        yield from rows
        return
    for id, known_by, ended_by, *values in rows:
        told = (value if convert is None else convert(value) for convert, value in zip(converts, values, strict=True))
        yield (id, known_by, ended_by, *told)


def _tables_of(model: type[Model]) -> list[Fact]:
    """The model's table and those that join it many to many."""
    through = {
        str(field.remote_field.through._meta.db_table)
        for field in model._meta.local_many_to_many
        if field.remote_field.through is not None
    }
    return [fact_of(model), *(fact for fact in facts() if fact.table in through)]


def _check_constraints() -> None:
    """PostgreSQL changes no table while keys of rows of it are still to be checked."""
    if connection.vendor == "postgresql":
        connection.check_constraints()


__all__ = ["PastDiffers", "known_all_along", "last_change", "lay_aside", "put_in_order", "spans", "write_past"]
