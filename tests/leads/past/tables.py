"""What all tables of facts hold, for comparing one moment with another."""

from __future__ import annotations

from django.db import connection

from leads.past.registry import Fact, facts

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
