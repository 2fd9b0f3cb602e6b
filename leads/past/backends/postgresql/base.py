"""PostgreSQL: who writes is told to the transaction before they do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db.backends.postgresql import base, features, operations
from django.db.models import Model

from leads.past.acting import Acting, acting
from leads.past.backends.writer import is_untold, is_write, versions_of
from leads.past.snapshot import forget_snapshots
from leads.past.span import moment

# Whoever wrote before in this transaction goes on under their change, also after a savepoint was rolled back.
_TELL = """
SELECT set_config('portal.change', CASE WHEN current_setting('portal.writer', true) = %(writer)s
                                        THEN current_setting('portal.change', true) ELSE '' END, true),
       set_config('portal.writer', %(writer)s, %(is_local)s), set_config('portal.door', %(door)s, %(is_local)s),
       set_config('portal.actor', %(actor)s, %(is_local)s), set_config('portal.source', %(source)s, %(is_local)s),
       set_config('portal.because', %(because)s, %(is_local)s), set_config('portal.chosen', %(chosen)s, %(is_local)s)
"""
_NOBODY = dict.fromkeys(("writer", "door", "actor", "source", "because", "chosen"), "")


class DatabaseOperations(operations.DatabaseOperations):
    """Flushing empties the versions, too, and is the one TRUNCATE that is let through."""

    def execute_sql_flush(self, sql_list: Iterable[str]) -> None:
        """Forget what was visible when, too."""
        forget_snapshots()
        super().execute_sql_flush(sql_list)

    def sql_flush(self, style: Any, tables: Iterable[str], **options: Any) -> list[str]:
        """The usual statements, with the versions of the tables among them."""
        names = list(tables)
        if not names:
            return []
        names += [name for name in versions_of(names) if name not in names]
        return ["SET LOCAL portal.truncate = 'on';", *super().sql_flush(style, names, **options)]


class DatabaseFeatures(features.DatabaseFeatures):
    """What views cannot do is not asked of them."""

    def allows_group_by_selected_pks_on_model(self, model: type[Model]) -> bool:
        """Views have no primary key that the other columns would follow from."""
        return moment() is None and bool(super().allows_group_by_selected_pks_on_model(model))


class DatabaseWrapper(base.DatabaseWrapper):
    """Tells the session who writes, once per writer and transaction.

    What is told ends with the transaction, so that a statement which nobody announces (on the driver's own cursor, by a
    function) is recorded as nobody's instead of as that of whoever used the connection before.
    """

    ops_class = DatabaseOperations
    features_class = DatabaseFeatures

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._told: Acting | None = None
        self.execute_wrappers.append(self._before)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection that has been told nothing yet."""
        self._told = None
        return super().get_new_connection(conn_params)

    def tell(self) -> None:
        """Tell the session who writes; for whoever writes past Django's cursors (COPY) in a transaction."""
        writer = acting()
        if writer is self._told or self.connection is None:
            return
        said = {
            "door": str(writer.door),
            "actor": "" if writer.actor is None else str(writer.actor),
            "source": writer.source,
            "because": writer.because,
            "chosen": "" if writer.at is None else str(writer.at),
        }
        self._say({"writer": "\n".join(said.values()), **said})
        self._told = writer

    def _say(self, said: dict[str, str]) -> None:
        # On the driver's own connection: it is no query of the page's, and must not be told itself.
        with self.wrap_database_errors:
            self.connection.execute(_TELL, {**said, "is_local": not self.get_autocommit()})

    def _before(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        if not is_write(sql) or (isinstance(sql, str) and is_untold(sql)):
            return execute(sql, params, many, context)
        self.tell()
        try:
            return execute(sql, params, many, context)
        finally:
            if self.connection is not None and not self.connection.closed and self.get_autocommit():
                self._forget()

    def _forget(self) -> None:
        """A statement outside transactions is one of its own; what was told for it would stay."""
        self._told = None
        self._say(_NOBODY)

    # What was told inside a transaction ends with it, or with the savepoint in which it was told.
    def _commit(self) -> Any:
        self._told = None
        return super()._commit()  # type: ignore[misc]  # the stubs leave it out

    def _rollback(self) -> Any:
        self._told = None
        return super()._rollback()  # type: ignore[misc]

    def _savepoint_rollback(self, sid: str) -> None:
        self._told = None
        super()._savepoint_rollback(sid)  # type: ignore[misc]
