"""Temporary views that show tables of SQLite as they were known, each made when the first statement names its table.

Making all of them would take longer than most questions do.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping
from functools import cache, lru_cache

from leads.past import sqlite
from leads.past.registry import computed_tables, dated_tables, facts
from leads.past.snapshot import Snapshot

_Make = Callable[[Snapshot, int, str], str]


class Views:
    """The views of one moment on one connection.

    Called with each statement before it runs. A rollback takes views back that were made since, and the number that
    SQLite gives its temporary schema tells: whenever it is not ours, the schema is read again.
    """

    def __init__(self, raw: sqlite3.Connection, snapshot: Snapshot, *, key: int, as_of: str) -> None:
        self._cursor = raw.cursor(sqlite3.Cursor)  # the driver's own: what it runs is no statement of the page's
        self._asked = (snapshot, key, as_of)
        self._made: set[str] = set()
        self._number = -1

    def __call__(self, sql: str) -> None:
        """Make the views that a statement needs and that are not there yet."""
        wanted = _named(sql)
        if not wanted:
            return
        if self._schema_number() != self._number:
            self._made = self._there()
            self._number = self._schema_number()
        if missing := wanted - self._made:
            makers = _makers()
            for table in sorted(missing):
                self._cursor.execute(makers[table](*self._asked))
            self._made |= missing
            self._number = self._schema_number()

    def drop(self) -> None:
        """Take all views away, whichever span made them."""
        for table in self._there():
            self._cursor.execute(f'DROP VIEW temp."{table}"')

    def _there(self) -> set[str]:
        self._cursor.execute("SELECT name FROM temp.sqlite_master WHERE type = 'view'")
        return {str(name) for (name,) in self._cursor.fetchall()}

    def _schema_number(self) -> int:
        return int(self._cursor.execute("PRAGMA temp.schema_version").fetchone()[0])


_WORD = re.compile(r"[a-z]\w*")


@lru_cache(maxsize=512)
def _named(sql: str) -> frozenset[str]:
    """The tables with a past that a statement names; perhaps more, never fewer."""
    return frozenset(_makers().keys() & set(_WORD.findall(sql.lower())))


@cache
def _makers() -> Mapping[str, _Make]:
    made: dict[str, _Make] = {}
    for fact in facts():
        made[fact.table] = lambda seen, key, as_of, fact=fact: sqlite.view(fact, seen.top, seen.out)  # type: ignore[misc]
    for dated in dated_tables():
        made[dated.table] = lambda seen, key, as_of, dated=dated: sqlite.dated_view(dated, as_of)  # type: ignore[misc]
    for result in computed_tables():
        made[result.table] = lambda seen, key, as_of, result=result: sqlite.computed_view(result, key)  # type: ignore[misc]
    return made


__all__ = ["Views"]
