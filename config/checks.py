"""Checks at start-up: what settings ask of the database must really hold there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from config.start import encoding_problem

# SQLite ignores a misspelt PRAGMA in silence, so the values are read back.
EXPECTED_PRAGMAS: dict[str, set[str | int]] = {
    "journal_mode": {"wal", "memory"},
    "synchronous": {1},
    "foreign_keys": {1},
}


@register(Tags.database)
def sqlite_is_set_up(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Every SQLite database runs in WAL mode with foreign keys, so that several processes can write."""
    problems: list[CheckMessage] = []
    for alias in databases or ():
        connection = connections[alias]
        if connection.vendor != "sqlite":
            continue
        with connection.cursor() as cursor:
            for name, allowed in EXPECTED_PRAGMAS.items():
                value = cursor.execute(f"PRAGMA {name}").fetchone()[0]
                if value not in allowed:
                    problems.append(Error(f"SQLite {name} is {value!r}.", id="config.E001"))
    return problems


@register(Tags.database)
def every_text_can_be_kept(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """A PostgreSQL database is encoded in UTF-8: in SQL_ASCII the first umlaut would fail."""
    found = [encoding_problem(connections[alias]) for alias in databases or ()]
    return [Error(problem, id="config.E002") for problem in found if problem]
