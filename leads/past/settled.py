"""Moments that nothing can still be added to."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.db import OperationalError, connection

from leads.past import postgres
from leads.past.acting import acting
from leads.past.moments import from_micros

_STEP = 0.005
RECENT = timedelta(seconds=60)
"""A commit takes no longer than this from its stamp to its end on SQLite, where it is one statement."""


class NotSettled(Exception):
    """Transactions that belong to the moment are still under way."""


def settled_now(*, seconds: float = 30.0) -> datetime:
    """The database's moment, once every transaction that belongs to it has ended. Raises NotSettled after ``seconds``.

    Long imports do not hold it up: a transaction belongs to the moment of its commit.
    """
    at = database_now()
    settle(at, seconds=seconds)
    return at


def reading_moment(at: datetime | None = None) -> datetime:
    """The moment as of which something is read and kept: a settled one.

    Seeding and tests choose it: ``at``, else that of the `backdated` block they are in. Raises NotSettled.
    """
    if at is not None:
        return at
    chosen = acting().at
    return settled_now() if chosen is None else from_micros(chosen)


def settled_at_once() -> datetime:
    """A settled moment without waiting for anybody: now, or as long ago as nothing can still belong to."""
    at = database_now()
    if connection.vendor == "postgresql":
        return at if _is_settled_postgres(at) else at - RECENT
    if connection.in_atomic_block:
        return at
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        (usual,) = cursor.fetchone()
        cursor.execute("PRAGMA busy_timeout = 0")
        try:
            return at if _is_settled_sqlite(at) else at - RECENT
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {int(usual)}")


def database_now() -> datetime:
    """The clock by which changes are stamped: never before the last of them, whatever was done to the clock."""
    is_postgres = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        cursor.execute(_LAST + (" UNION ALL SELECT portal_now()" if is_postgres else ""))
        known = [int(at) for (at,) in cursor.fetchall()]
    return from_micros(max(known if is_postgres else [time.time_ns() // 1000, *known]))


_LAST = "SELECT at FROM (SELECT at FROM leads_change WHERE is_backdated = false ORDER BY at DESC LIMIT 1) AS last"


def settle(at: datetime, *, seconds: float = 30.0) -> None:
    """Wait until no transaction stamped by ``at``, a moment that has passed, is still to end. Raises NotSettled."""
    deadline = time.monotonic() + seconds
    is_settled = _is_settled_postgres if connection.vendor == "postgresql" else _is_settled_sqlite
    while not is_settled(at):
        if time.monotonic() > deadline:
            raise NotSettled("Changes are still being saved. Try again in a moment.")
        time.sleep(_STEP)


def _is_settled_postgres(at: datetime) -> bool:
    # Whoever takes the lock after this look is stamped later than it.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            " AND pid <> pg_backend_pid())",
            [postgres.COMMIT_LOCK],
        )
        return bool(cursor.fetchone()[0])


def _is_settled_sqlite(at: datetime) -> bool:
    if connection.in_atomic_block or database_now() - at > RECENT:
        return True
    try:
        # One writer at a time: who can begin to write is alone.
        with connection.cursor() as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("ROLLBACK")
    except OperationalError as error:
        if "locked" not in str(error):
            raise
        return False
    return True
