"""Ask for rows of several models in one statement.

Each question that is not put alone saves a round trip, and none is composed anew: a statement's text depends on what
is asked about, not on the values.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Field, ForeignKey, Model

_Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """Rows of a model, in the order of their keys, of which one of some columns has one of its values.

    ``locks`` them until the end of the transaction, in that order. ``more`` are further expressions by the name of the
    attribute that takes them; ``r`` is the row, and each of them gives a moment.
    """

    model: type[Model]
    among: dict[str, Collection[Any]]
    locks: bool = False
    more: dict[str, str] = field(default_factory=dict)


def look_up(*asked: Asked) -> list[list[Any]]:
    """The rows of each question; nothing is asked where no question has a value."""
    if not any(values for each in asked for values in each.among.values()):
        return [[] for _ in asked]
    vendor = connection.vendor
    parts = [_part(vendor, each.model, tuple(each.among), each.locks, tuple(each.more.values())) for each in asked]
    given = [list(values) for each in asked for values in each.among.values()]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(parts)}", given if vendor == "postgresql" else [json.dumps(each) for each in given]
        )
        found = cursor.fetchone()
    return [_rows(each, vendor, text) for each, text in zip(asked, found, strict=True)]


def _rows(asked: Asked, vendor: str, text: str | None) -> list[Any]:
    model = asked.model
    names, converted = _reading(model, vendor)
    width, rows = len(names), []
    for values in json.loads(text or "[]"):
        for index, convert in converted:
            if values[index] is not None:
                values[index] = convert(values[index])
        row = model.from_db("default", names, values[:width])
        for name, value in zip(asked.more, values[width:], strict=True):
            setattr(row, name, value and _moment(value))
        rows.append(row)
    return rows


@cache
def _part(vendor: str, model: type[Model], among: Sequence[str], locks: bool, more: Sequence[str]) -> str:
    """A subquery for the rows as one text."""
    columns = ", ".join([f'r."{each.column}"' for each in model._meta.concrete_fields] + list(more))
    is_postgres = vendor == "postgresql"
    one_of = "= ANY(%s)" if is_postgres else "IN (SELECT value FROM json_each(%s))"
    where = " OR ".join(f'"{name}" {one_of}' for name in among)
    lock = " FOR UPDATE" if locks and is_postgres else ""
    source = f'(SELECT * FROM "{model._meta.db_table}" WHERE {where} ORDER BY id{lock}) r'  # noqa: S608
    if is_postgres:
        return f"(SELECT json_agg(json_build_array({columns}))::text FROM {source})"  # noqa: S608
    return f"(SELECT json_group_array(json_array({columns})) FROM {source})"  # noqa: S608  # names of models alone


@cache
def _reading(model: type[Model], vendor: str) -> tuple[list[str], list[tuple[int, _Convert]]]:
    """Names of the attributes, and what makes their values of those of JSON, by position."""
    fields: Sequence[Field[Any, Any]] = model._meta.concrete_fields
    kinds = [each.target_field if isinstance(each, ForeignKey) else each for each in fields]
    known = {**_CONVERT, **({} if vendor == "postgresql" else _OF_SQLITE)}
    converted = [
        (index, known[kind.get_internal_type()])
        for index, kind in enumerate(kinds)
        if kind.get_internal_type() in known
    ]
    return [each.attname for each in fields], converted


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_CONVERT: dict[str, _Convert] = {"DateTimeField": _moment, "DateField": date.fromisoformat, "UUIDField": UUID}
_OF_SQLITE: dict[str, _Convert] = {"BooleanField": bool, "JSONField": json.loads}
