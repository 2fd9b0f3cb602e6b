"""Columns compared from their beginning, whatever the case, by an index that both databases read the same way."""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, Func

LAST = chr(0x10FFFF)


class PrefixKey(Func):
    """A text in lower case, ordered by code points: what begins with "ada" lies from "ada" up to "ada" + LAST.

    A range and not LIKE: SQLite uses no index for LIKE on an expression, and PostgreSQL only one that is ordered so.
    """

    function = "LOWER"
    arity = 1
    output_field = CharField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template='(LOWER(%(expressions)s) COLLATE "C")', **context)
