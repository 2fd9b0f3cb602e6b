"""Which tables keep their past.

A model says so itself, with a decorator, so that whoever adds a fact sees it where the fact is written. Tables that a
figure reads and that are neither `versioned`, `dated` nor `computed` fail in the past instead of answering from today.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from django.db.models import Model

AnyModel = TypeVar("AnyModel", bound=type[Model])
SUFFIX = "_past"


@dataclass(frozen=True, slots=True)
class Fact:
    """A versioned table. ``untracked`` columns are kept in a version but make none by themselves (bookkeeping);
    ``hidden`` ones are never copied and read as empty in the past (secrets): NULL where ``nullable``, else ''.
    ``told_by``: columns whose past another versioned table holds, as (column, table, its key to this one, its column);
    before that table has a version of a row, this one's own tells. ``is_followed``: somebody asks what changed since a
    moment, so that versions have an index by the change that made them."""

    table: str
    columns: tuple[str, ...]
    untracked: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    nullable: frozenset[str] = frozenset()
    told_by: tuple[tuple[str, str, str, str], ...] = ()
    is_followed: bool = False

    @property
    def versions(self) -> str:
        """The table of its versions, the current one among them."""
        return self.table + SUFFIX

    @property
    def kept(self) -> tuple[str, ...]:
        """Columns that versions hold."""
        return tuple(column for column in self.columns if column not in self.hidden)

    @property
    def tracked(self) -> tuple[str, ...]:
        """Columns whose change makes a version."""
        return tuple(column for column in self.kept if column not in self.untracked and column != "id")


@dataclass(frozen=True, slots=True)
class Dated:
    """A table whose rows never change: in the past it shows those that were there, by ``column``; all without one."""

    table: str
    column: str


@dataclass(frozen=True, slots=True)
class Computed:
    """A table of results that can be computed again: in the past its rows are those that ``kept`` holds under the key
    of the moment (see `leads.past.span.moment_key`). Columns that ``kept`` lacks read as NULL there."""

    table: str
    columns: tuple[str, ...]
    kept: str
    kept_columns: frozenset[str]
    key: str


_versioned: dict[type[Model], tuple[frozenset[str], frozenset[str], tuple[tuple[str, str, str, str], ...]]] = {}
_dated: dict[type[Model], str] = {}
_computed: dict[type[Model], tuple[type[Model], str]] = {}
_followed: set[type[Model]] = set()


def versioned(
    *,
    untracked: Sequence[str] = (),
    hidden: Sequence[str] = (),
    told_by: Mapping[str, tuple[str, str, str]] | None = None,
    is_followed: bool = False,
) -> Callable[[AnyModel], AnyModel]:
    """Keep every version of the model's rows, and of the rows that join it many to many. Fields are named as columns.

    ``told_by``: columns whose past is in another versioned table, as (table, its key to this one, its column).
    ``is_followed``: `leads.past.news` is asked about them often.

    Raises ValueError at the first use of `facts` when a named column does not exist.
    """

    def keep(model: AnyModel) -> AnyModel:
        told = tuple((column, *where) for column, where in (told_by or {}).items())
        _versioned[model] = (frozenset(untracked), frozenset(hidden), told)
        if is_followed:
            _followed.add(model)
        return model

    return keep


def dated(column: str = "") -> Callable[[AnyModel], AnyModel]:
    """Rows of this model are written once: they are there from ``column`` (a moment) on, or always without one."""

    def keep(model: AnyModel) -> AnyModel:
        _dated[model] = column
        return model

    return keep


def computed(model: type[Model], *, key: str) -> Callable[[AnyModel], AnyModel]:
    """Rows of the model so marked are read in place of ``model``'s in the past: those whose ``key`` (a bigint) is the
    moment's. Nothing is read from the table of ``model`` itself, which may be exchanged for another at any time."""

    def keep(kept: AnyModel) -> AnyModel:
        _computed[model] = (kept, key)
        return kept

    return keep


def facts() -> list[Fact]:
    """Every versioned table, by name."""
    return list(_read_facts())


@cache
def _read_facts() -> tuple[Fact, ...]:
    return tuple(sorted(_facts(), key=lambda fact: fact.table))


def dated_tables() -> list[Dated]:
    """Every table of rows that are written once, by name."""
    found = [Dated(model._meta.db_table, column) for model, column in _dated.items()]
    return sorted(found, key=lambda each: each.table)


def computed_tables() -> list[Computed]:
    """Every table whose past is computed when it is asked for, by name."""
    found = [
        Computed(model._meta.db_table, _columns(model), kept._meta.db_table, frozenset(_columns(kept)), key)
        for model, (kept, key) in _computed.items()
    ]
    return sorted(found, key=lambda each: each.table)


def fact_of(model: type[Model]) -> Fact:
    """The versioned table of a model. Raises LookupError for a model without a past."""
    table = model._meta.db_table
    for fact in _read_facts():
        if fact.table == table:
            return fact
    raise LookupError(f"{model.__name__} keeps no past.")


def _facts() -> Iterator[Fact]:
    for model, (untracked, hidden, told) in _versioned.items():
        columns = _columns(model)
        if unknown := (untracked | hidden | {column for column, *_ in told}) - set(columns):
            raise ValueError(f"{model.__name__} has no column {', '.join(sorted(unknown))}.")
        nullable = frozenset(str(field.column) for field in model._meta.local_concrete_fields if field.null)
        followed = model in _followed
        yield Fact(model._meta.db_table, columns, untracked, hidden, nullable, told, followed)
        for field in model._meta.local_many_to_many:
            through = field.remote_field.through
            if through is not None and through._meta.auto_created:
                yield Fact(through._meta.db_table, _columns(through))


def _columns(model: type[Model]) -> tuple[str, ...]:
    return tuple(str(field.column) for field in model._meta.local_concrete_fields)
