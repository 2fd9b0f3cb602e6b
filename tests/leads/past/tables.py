"""What all tables of facts hold, to compare moments; and databases that several connections share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from leads.past.registry import Fact, facts
from leads.past.snapshot import forget_snapshots

Rows = dict[str, list[str]]


def rows(fact: Fact, of: str = "") -> list[str]:
    """Every row of a table, as whoever reads now sees it; ``of`` names another to read the same columns from."""
    names = ", ".join(f'"{name}"' for name in ("id", *fact.tracked))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {names} FROM {of or chr(34) + fact.table + chr(34)} ORDER BY id")
        return list(map(repr, cursor.fetchall()))


def everything() -> Rows:
    """All rows of all facts."""
    return {fact.table: rows(fact) for fact in facts()}


def unkept() -> list[str]:
    """Tables whose current versions are not their rows, or that have two current versions of one row."""
    return [fact.table for fact in facts() if rows(fact) != rows(fact, f'"{fact.versions}" WHERE ended_by IS NULL')]


def only_on(vendor: str) -> Callable[[Any], Any]:
    """A test of what one database alone can do; on the other there is none (a skipped one would fail the suite)."""
    return lambda test: test if connection.vendor == vendor else None


@contextmanager
def here(address: str) -> Iterator[None]:
    """Read from the shared file, too, where the test's own database is in memory."""
    if connection.vendor == "postgresql":
        yield
        return
    known, name = connection.connection, connection.settings_dict["NAME"]
    connection.settings_dict["NAME"], connection.connection = address.removeprefix("sqlite:///"), None
    forget_snapshots()
    try:
        yield
    finally:
        connection.connection.close()
        connection.settings_dict["NAME"], connection.connection = name, known
        forget_snapshots()
