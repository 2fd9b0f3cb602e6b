"""SQLite: the functions that triggers call, and the moment of each commit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from django.db.backends.sqlite3 import base, operations

from leads.past.acting import Acting, acting
from leads.past.backends.writer import is_write, versions_of
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


class DatabaseWrapper(base.DatabaseWrapper):
    """Knows the change of the transaction under way.

    SQLite has no settings of a transaction that its triggers could read, so they ask these functions. They exist on
    connections of the portal alone: whoever writes a fact through another program is refused.
    """

    ops_class = DatabaseOperations

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._change: int | None = None
        self._opened: list[int] = []
        self._writer: Acting | None = None
        self.execute_wrappers.append(self._before)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection with the functions of the triggers."""
        connection = super().get_new_connection(conn_params)
        self._change, self._opened, self._writer = None, [], None
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
            connection.create_function(name, arguments, function)
        # Without it REPLACE deletes rows and no trigger hears of it.
        connection.execute("PRAGMA recursive_triggers = ON")
        return connection

    def _before(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        if self.connection is not None and not self.connection.in_transaction:
            self._change, self._opened = None, []
        if is_write(sql) and self._writer is not acting():
            # Another writer in the same transaction gets a change of their own.
            self._change, self._writer = None, acting()
        return execute(sql, params, many, context)

    def has_written(self) -> bool:
        """Whether the transaction under way has changed facts."""
        return self.connection is not None and self.connection.in_transaction and bool(self._opened)

    def _open(self, change: int) -> None:
        self._change = change
        self._opened.append(change)

    def _commit(self) -> Any:
        # A transaction belongs to the moment when others can see it, not to the one when it began to write.
        if self.connection is not None and self._opened:
            for change in self._opened:
                self.connection.execute(_STAMP, {"now": time.time_ns() // 1000, "change": change})
            self._change, self._opened = None, []
        return super()._commit()  # type: ignore[misc]  # the stubs leave it out


_STAMP = """
UPDATE leads_change SET at = max(:now, coalesce((SELECT max(at) FROM leads_change WHERE NOT is_backdated), 0))
 WHERE id = :change AND NOT is_backdated
"""
