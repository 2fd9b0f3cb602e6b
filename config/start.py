"""What every process asks before it serves or works."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from leads.past.install import missing


def encoding_problem(database: BaseDatabaseWrapper) -> str:
    """What is wrong with a database's encoding, in one sentence; empty where it takes every text."""
    if database.vendor != "postgresql":
        return ""
    with database.cursor() as cursor:
        cursor.execute("SHOW server_encoding")
        encoding = cursor.fetchone()[0]
    if encoding == "UTF8":
        return ""
    return (
        f"The database {database.settings_dict['NAME']} is encoded in {encoding}, which cannot hold every name: make "
        "one with ENCODING 'UTF8' TEMPLATE template0."
    )


def refuse_without_history() -> None:
    """Stop when texts would be lost, or a table's past. The latter is no system check: `migrate`, which mends it, runs
    those, too.

    Raises ImproperlyConfigured in one line. A database that cannot be reached yet stops nobody.
    """
    try:
        wrong = encoding_problem(connection)
        lacking = [] if wrong else missing(connection)
    except DatabaseError:
        return
    finally:
        # Processes that are forked from here must not inherit it: SQLite's locks and PostgreSQL's protocol break.
        if not connection.in_atomic_block:
            connection.close()
    if wrong:
        raise ImproperlyConfigured(wrong)
    if lacking:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise ImproperlyConfigured(f"History is not kept: {lacking[0]}{more} missing. Run: python manage.py migrate")
