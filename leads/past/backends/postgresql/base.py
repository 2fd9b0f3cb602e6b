"""PostgreSQL: who writes is told to the session before they do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db.backends.postgresql import base, features, operations
from django.db.models import Model

from leads.past.acting import Acting, acting
from leads.past.backends.writer import is_write, versions_of
from leads.past.snapshot import forget_snapshots
from leads.past.span import moment

_TELL = """
SELECT set_config('portal.door', %s, false), set_config('portal.actor', %s, false),
       set_config('portal.source', %s, false), set_config('portal.because', %s, false),
       set_config('portal.chosen', %s, false), set_config('portal.change', '', true)
"""


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
    """Tells the session who writes, once per writer and connection."""

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
        """Tell the session who writes; for whoever writes past Django's cursors (COPY)."""
        writer = acting()
        if writer is self._told or self.connection is None:
            return
        actor = "" if writer.actor is None else str(writer.actor)
        chosen = "" if writer.at is None else str(writer.at)
        # On the driver's own connection: it is no query of the page's, and must not be told itself.
        with self.wrap_database_errors:
            self.connection.execute(_TELL, [str(writer.door), actor, writer.source, writer.because, chosen])
        self._told = writer

    def _before(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        if is_write(sql):
            self.tell()
        return execute(sql, params, many, context)

    # What was told inside a transaction is forgotten with it.
    def _rollback(self) -> Any:
        self._told = None
        return super()._rollback()  # type: ignore[misc]  # the stubs leave it out

    def _savepoint_rollback(self, sid: str) -> None:
        self._told = None
        super()._savepoint_rollback(sid)  # type: ignore[misc]
