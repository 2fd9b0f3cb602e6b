"""Which changes were visible at a moment."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.db import connection

from leads.past import postgres
from leads.past.moments import from_micros, to_micros


class NotKnown(Exception):
    """The past cannot answer; the text tells a person why."""


class BeforeMemory(NotKnown):
    """The moment lies before facts kept their past; ``since`` is the first one that can be asked."""

    def __init__(self, since: datetime) -> None:
        super().__init__(f"History is available since {since:%Y-%m-%d %H:%M} UTC.")
        self.since = since


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Which changes were visible at a moment: those up to ``top`` but for ``out``, which were still under way."""

    at: datetime
    top: int
    out: tuple[int, ...]

    @property
    def key(self) -> int:
        """One number of 64 bits for what was visible: moments between which nothing changed share it."""
        if not self.out:
            return self.top
        digest = hashlib.blake2b(repr((self.top, self.out)).encode(), digest_size=8).digest()
        return -1 - (int.from_bytes(digest) >> 1)

    def sees(self, change: int) -> bool:
        """Whether a change had been made by then."""
        return change <= self.top and change not in self.out


def snapshot_at(at: datetime) -> Snapshot:
    """The changes visible at a settled moment. Raises BeforeMemory."""
    micros = to_micros(at)
    # A moment that is hardly over, or to come, may not have been settled, and must not be remembered.
    is_old = time.time_ns() // 1000 - micros > _FRESH
    return _remembered(micros) if is_old and not connection.in_atomic_block else _read(micros)


def memory_begins() -> datetime | None:
    """Since when facts keep their past; None where nothing was ever changed.

    With the first change: that of the upgrade which found facts, else, as what an installation was made with has no
    moment, the first that anybody made.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT at FROM leads_change ORDER BY id LIMIT 1")
        found = [int(at) for (at,) in cursor.fetchall() if at]
        if not found:
            cursor.execute(_FIRST)
            found = [int(at) for (at,) in cursor.fetchall()]
    return from_micros(min(found)) if found else None


_FIRST = """
SELECT at FROM (SELECT at FROM leads_change WHERE is_backdated = true AND at > 0 ORDER BY at LIMIT 1) AS chosen
UNION ALL
SELECT at FROM (SELECT at FROM leads_change WHERE is_backdated = false AND at > 0 ORDER BY at LIMIT 1) AS stamped
"""


def refuse_before_memory(at: datetime) -> None:
    """Raises BeforeMemory for a moment of which nothing is known."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT at FROM leads_change ORDER BY id LIMIT 1")
        first = cursor.fetchone()
    if first and to_micros(at) < first[0]:
        raise BeforeMemory(from_micros(int(first[0])))


def forget_snapshots() -> None:
    """For whoever writes into the past or empties the database."""
    _remembered.cache_clear()


@lru_cache(maxsize=256)
def _remembered(micros: int) -> Snapshot:
    """What was visible at a settled moment never changes."""
    return _read(micros)


_FRESH = 60_000_000
LONG = 10_000_000
"""Microseconds from first write to commit beyond which a change is looked for by an index of its own."""

# A change that others overtook has a lower id and a later moment than they. Few do, so none of these reads many rows,
# however many changes came since: live changes get ids in the order of their first write, which is between the first
# write and the commit of whatever was committed last. (`+ 0` keeps PostgreSQL from walking the primary key.)
_TOP = f"""
SELECT max(id + 0), (
    SELECT id FROM leads_change WHERE is_backdated AND at <= %(at)s ORDER BY id DESC LIMIT 1)
  FROM leads_change
 WHERE is_backdated = false AND at <= %(at)s AND at >= (
    SELECT began_at FROM leads_change WHERE is_backdated = false AND at <= %(at)s ORDER BY at DESC LIMIT 1) - {LONG}
"""
_OUT = f"""
SELECT id FROM leads_change WHERE is_backdated = false AND at > %(at)s AND at <= %(until)s AND id <= %(top)s
UNION SELECT id FROM leads_change WHERE at > began_at + {LONG} AND at > %(at)s AND id <= %(top)s
UNION SELECT id FROM leads_change WHERE is_backdated = true AND at > %(at)s AND id <= %(top)s
"""
# Of changes under way nothing can be seen but that their ids are taken. One statement, so that each is seen either so
# or with its moment.
_UNDER_WAY = """
UNION SELECT taken FROM generate_series(%(open)s::bigint, %(top)s::bigint) AS taken
 WHERE NOT EXISTS (SELECT FROM leads_change WHERE id = taken)
"""
_FIRST_OPEN = f"""
SELECT min(key) - ({postgres.OPEN_LOCK}::bigint << 44) + 1
  FROM (SELECT (classid::bigint << 32) | objid::bigint AS key FROM pg_locks
         WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND pid <> pg_backend_pid()
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS held
 WHERE key >> 44 = {postgres.OPEN_LOCK}
"""


def _read(micros: int) -> Snapshot:
    refuse_before_memory(from_micros(micros))
    with connection.cursor() as cursor:
        opened = None
        if connection.vendor == "postgresql":
            # First of all: whatever begins after this look gets an id above all that were visible at the moment.
            cursor.execute(_FIRST_OPEN)
            opened = cursor.fetchone()[0]
        cursor.execute(_TOP, {"at": micros})
        live, backdated = (int(id or 0) for id in cursor.fetchone())
        top = max(live, backdated)
        until = micros + 2 * LONG if live == top else _NEVER
        asked = {"at": micros, "until": until, "top": top, "open": opened}
        cursor.execute(_OUT if opened is None else _OUT + _UNDER_WAY, asked)
        out = tuple(sorted(int(id) for (id,) in cursor.fetchall()))
    return Snapshot(from_micros(micros), top, out)


_NEVER = (1 << 63) - 1
