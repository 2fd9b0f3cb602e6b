"""Which changes a history is made of: their numbers alone, told by the database without reading what they did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import BooleanField, CharField, Field, JSONField, Model, TextField

from leads.past.moments import from_micros
from leads.past.registry import fact_of
from leads.past.steps import known_until, stored


@dataclass(frozen=True, slots=True)
class Watched:
    """Rows of a model that belong to somebody by one of ``owners``, and the ``columns`` that are told of them.

    A change of other columns alone is no event. A row that is made or deleted is one anyway where ``is_whole_told``,
    never where ``is_whole_silent``, else where one of the columns says something.
    """

    model: type[Model]
    owners: tuple[str, ...]
    columns: tuple[str, ...]
    is_whole_told: bool
    is_whole_silent: bool = False


@dataclass(slots=True)
class Event:
    """A change: its moment, door and person, and the names of those watched to which it did something."""

    change: int
    at: datetime
    door: str
    actor: int | None
    parts: set[str] = field(default_factory=set)


def events(watched: Mapping[str, Watched], owner: int) -> list[Event]:
    """The changes of what belongs or belonged to ``owner``, the newest first, in one query.

    Inside a span those known at its moment.
    """
    if not watched:
        return []
    until, changes = known_until(), stored("leads_change")
    known = ", ".join(f"p{place} AS ({_paired(each, owner, until)})" for place, each in enumerate(watched.values()))
    lines = " UNION ALL ".join(_lines(place, each, owner) for place, each in enumerate(watched.values()))
    names, found = list(watched), dict[int, Event]()
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH {known} SELECT DISTINCT e.place, c.id, c.at, c.door, c.actor FROM ({lines}) AS e"
            f" JOIN {changes} c ON c.id = e.change WHERE c.at <= {until} ORDER BY c.at DESC, c.id DESC"
        )
        for place, change, at, door, actor in cursor.fetchall():
            event = found.get(change) or found.setdefault(change, Event(change, from_micros(at), door, actor))
            event.parts.add(names[place])
    return list(found.values())


def _paired(watched: Watched, owner: int, until: int) -> str:
    """Versions of the rows that were ever the owner's, each with what is watched of the one before."""
    versions, changes = stored(fact_of(watched.model).versions), stored("leads_change")
    kept = [column for column in dict.fromkeys([*watched.columns, *watched.owners]) if column != "id"]
    columns = "".join(f', v."{column}"' for column in kept)
    before = "".join(f', lag("{column}") OVER w AS "was {column}"' for column in kept)
    return (
        f"SELECT known.*{before}, lag(ended_by) OVER w AS was_ended_by, lead(known_by) OVER w AS then_known_by"
        f" FROM (SELECT v.id, v.known_by, v.ended_by, c.at AS known_at{columns}"
        f" FROM {versions} v JOIN {changes} c ON c.id = v.known_by"
        f" WHERE v.id IN (SELECT id FROM {versions} WHERE {_owned(watched, owner)}) AND c.at <= {until}) AS known"
        " WINDOW w AS (PARTITION BY id ORDER BY known_at, known_by)"
    )


def _lines(place: int, watched: Watched, owner: int) -> str:
    """What made each version, and what ended those that nothing followed."""
    fields = {str(each.column): each for each in watched.model._meta.local_concrete_fields}
    differs = "IS DISTINCT FROM" if connection.vendor == "postgresql" else "IS NOT"
    told = [column for column in watched.columns if column != "id"]
    changed = " OR ".join(f'"{column}" {differs} "was {column}"' for column in told) or "false"
    says = "" if watched.is_whole_silent else " OR ".join(_says(fields[column]) for column in told)
    whole = "true" if watched.is_whole_told else says or "false"
    is_change, owned = "coalesce(was_ended_by = known_by, false)", _owned(watched, owner)
    was_owned = _owned(watched, owner, "was ")
    return (
        f"SELECT {place} AS place, known_by AS change FROM p{place}"
        f" WHERE CASE WHEN {is_change} THEN ({owned} OR {was_owned}) AND ({changed}) ELSE ({owned}) AND ({whole}) END"
        f" UNION ALL SELECT {place}, ended_by FROM p{place} WHERE ended_by IS NOT NULL"
        f" AND (then_known_by IS NULL OR then_known_by <> ended_by) AND ({owned}) AND ({whole})"
    )


def _owned(watched: Watched, owner: int, before: str = "") -> str:
    return " OR ".join(f'"{column if column == "id" else before + column}" = {int(owner)}' for column in watched.owners)


def _says(each: Field[Any, Any]) -> str:
    """Whether a column says anything, as `leads.past.steps.Step.changed` tells of rows made or deleted."""
    column = f'"{each.column}"'
    if isinstance(each, BooleanField):
        return f"({column} IS NOT NULL AND {column} <> false)"
    if isinstance(each, JSONField):
        return f"({column} IS NOT NULL AND CAST({column} AS text) NOT IN ('{{}}', '[]', '\"\"', 'null', 'false'))"
    if isinstance(each, (CharField, TextField)):
        return f"({column} IS NOT NULL AND {column} <> '')"
    return f"{column} IS NOT NULL"


__all__ = ["Event", "Watched", "events"]
