"""What every process asks before it serves or works."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection

from leads.past.install import missing


def refuse_without_history() -> None:
    """Stop when a table would lose its past. Not a system check: `migrate`, which mends it, runs those, too.

    Raises ImproperlyConfigured in one line. A database that cannot be reached yet stops nobody.
    """
    try:
        lacking = missing(connection)
    except DatabaseError:
        return
    finally:
        # Processes that are forked from here must not inherit it: SQLite's locks and PostgreSQL's protocol break.
        if not connection.in_atomic_block:
            connection.close()
    if lacking:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise ImproperlyConfigured(f"History is not kept: {lacking[0]}{more} missing. Run: python manage.py migrate")
