"""SQLite: the functions that triggers call, and the moment of each commit."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import Any, Self

from django.db.backends.sqlite3 import base, operations
from django.db.utils import OperationalError

from leads.past.acting import Acting, acting
from leads.past.backends.sqlite3.turn import NoTurn, Turn
from leads.past.backends.writer import is_write, verb, versions_of
from leads.past.snapshot import forget_snapshots


class DatabaseOperations(operations.DatabaseOperations):
    """Flushing empties the versions, too."""

    def execute_sql_flush(self, sql_list: Iterable[str]) -> None:
        """Forget what was visible when, too."""
        forget_snapshots()
        super().execute_sql_flush(sql_list)

    def sql_flush(self, style: Any, tables: Iterable[str], **options: Any) -> list[str]:
        """The usual statements, then those for the versions that deleting the rows has just ended, and its change."""
        names = list(tables)
        deletions = [f"DELETE FROM {self.quote_name(name)}" for name in versions_of(names)]
        return [*super().sql_flush(style, names, **options), *deletions]


class Cursor(sqlite3.Cursor):
    """The driver's own cursor, whose connection hears of every statement, too."""

    connection: Connection

    def execute(self, sql: str, parameters: Any = (), /) -> Self:
        """As the driver's."""
        self.connection.hear(sql)
        super().execute(sql, parameters)
        return self

    def executemany(self, sql: str, parameters: Any, /) -> Self:
        """As the driver's."""
        self.connection.hear(sql)
        super().executemany(sql, parameters)
        return self

    def executescript(self, script: str, /) -> Self:
        """One statement after the other, each a transaction of its own unless the script begins one."""
        statement = ""
        for piece in script.split(";"):
            statement += f"{piece};"
            if sqlite3.complete_statement(statement):
                if statement.strip(" \n\t;"):
                    self.execute(statement)
                statement = ""
        if statement.strip(" \n\t;"):
            self.execute(statement)
        return self


_TRUNCATING = ("django_date_trunc", "django_datetime_trunc")
_MOMENTS = 2**15


@cache
def _remembered(func: Callable[..., Any]) -> Callable[..., Any]:
    """One memory for all connections, of a function that always answers alike."""
    return lru_cache(maxsize=_MOMENTS)(func)


class Connection(sqlite3.Connection):
    """Knows the changes of the transaction under way, and stamps them as it commits.

    Triggers cannot tell one transaction from the next, so whatever goes through the driver is heard here.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._change: int | None = None
        self._opened: list[int] = []
        self._writer: Acting | None = None
        self.before_statements: Callable[[str], None] | None = None
        functions: dict[str, tuple[int, Callable[..., Any]]] = {
            "portal_change": (0, lambda: self._change),
            "portal_opened": (1, self._open),
            "portal_now": (0, lambda: time.time_ns() // 1000),
            "portal_chosen": (0, lambda: acting().at),
            "portal_door": (0, lambda: str(acting().door)),
            "portal_actor": (0, lambda: acting().actor),
            "portal_source": (0, lambda: acting().source),
            "portal_because": (0, lambda: acting().because),
        }
        for name, (arguments, function) in functions.items():
            self.create_function(name, arguments, function)

    def create_function(
        self, name: str, narg: int, func: Callable[..., Any] | None, /, *, deterministic: bool = False
    ) -> None:
        """As the driver's. Weeks and months are told in Python, row by row: each moment's only once."""
        known = _remembered(func) if func is not None and name in _TRUNCATING else func
        super().create_function(name, narg, known, deterministic=deterministic)

    def cursor(self, factory: Any = Cursor) -> Any:
        """As the driver's; Django asks for cursors of its own, whose statements the backend hears of."""
        return super().cursor(factory)

    def execute(self, sql: str, parameters: Any = (), /) -> Cursor:
        """As the driver's, by a cursor of ours."""
        made: Cursor = self.cursor()
        return made.execute(sql, parameters)

    def executemany(self, sql: str, parameters: Any, /) -> Cursor:
        """As the driver's, by a cursor of ours."""
        made: Cursor = self.cursor()
        return made.executemany(sql, parameters)

    def executescript(self, script: str, /) -> Cursor:
        """As the driver's, by a cursor of ours."""
        made: Cursor = self.cursor()
        return made.executescript(script)

    def hear(self, sql: str) -> None:
        """A statement comes."""
        if self.before_statements is not None:
            self.before_statements(sql)
        if not self.in_transaction:
            self._change, self._opened = None, []
        elif self._opened and verb(sql) in ("COMMIT", "END"):
            self._stamp()
        writer = acting()
        if self._change is not None and self._writer is not writer and self._writer != writer and is_write(sql):
            # Another writer in the same transaction gets a change of their own.
            self._change = None

    def commit(self) -> None:
        """A transaction belongs to the moment when others can see it, not to the one when it began to write."""
        if self._opened and self.in_transaction:
            self._stamp()
        super().commit()

    def has_written(self) -> bool:
        """Whether the transaction under way has changed facts."""
        return self.in_transaction and bool(self._opened)

    def _open(self, change: int) -> None:
        self._change, self._writer = change, acting()
        self._opened.append(change)

    def _stamp(self) -> None:
        now, opened = time.time_ns() // 1000, self._opened
        self._change, self._opened = None, []
        super().execute(_STAMP.format(", ".join(map(str, opened))), {"now": now})


class DatabaseWrapper(base.DatabaseWrapper):
    """Connects so that triggers learn who writes, and in which transaction.

    SQLite has no settings of a transaction that its triggers could read, so they ask functions. These exist on
    connections of the portal alone: whoever writes a fact through another program is refused.
    """

    ops_class = DatabaseOperations

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(self._before)
        self._turn = Turn(None, patience=0)

    def get_connection_params(self) -> dict[str, Any]:
        """Django's, for connections of ours."""
        parameters = super().get_connection_params()
        self._turn.close()
        path = None if self.is_in_memory_db() else str(parameters["database"])
        self._turn = Turn(path, patience=float(parameters.get("timeout", 5.0)))
        return {**parameters, "factory": Connection}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection on which no write goes unheard."""
        connection = super().get_new_connection(conn_params)
        # Without it REPLACE deletes rows and no trigger hears of it.
        connection.execute("PRAGMA recursive_triggers = ON")
        return connection

    def _before(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        if self.connection is not None:
            self.connection.hear(sql)
            if not self.connection.in_transaction and is_write(sql):
                self._take_turn()
                try:
                    return execute(sql, params, many, context)
                finally:
                    self._end_turn()
        return execute(sql, params, many, context)

    def _take_turn(self) -> None:
        try:
            self._turn.take()
        except NoTurn:
            raise OperationalError("database is locked") from None

    def _end_turn(self) -> None:
        if self.connection is None or not self.connection.in_transaction:
            self._turn.give_back()

    def _start_transaction_under_autocommit(self) -> None:
        self._take_turn()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # the stubs lack it
        finally:
            self._end_turn()

    def _commit(self) -> None:
        try:
            super()._commit()  # type: ignore[misc]  # the stubs lack it
        finally:
            self._end_turn()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]  # the stubs lack it
        finally:
            self._end_turn()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]  # the stubs lack it
        finally:
            self._turn.close()

    def has_written(self) -> bool:
        """Whether the transaction under way has changed facts."""
        return self.connection is not None and self.connection.has_written()


# Later than whatever was stamped before, also when the clock was set back; all changes of a transaction at once.
_STAMP = """
UPDATE leads_change SET at = max(:now, coalesce((SELECT max(at) FROM leads_change WHERE is_backdated = false), 0))
 WHERE id IN ({}) AND NOT is_backdated
"""
