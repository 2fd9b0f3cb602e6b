"""Which changes were visible at a moment."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.db import connection

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
    read = _read if connection.in_atomic_block else _remembered
    return read(to_micros(at))


def forget_snapshots() -> None:
    """For whoever writes into the past or empties the database."""
    _remembered.cache_clear()


@lru_cache(maxsize=256)
def _remembered(micros: int) -> Snapshot:
    """What was visible at a settled moment never changes."""
    return _read(micros)


def _read(micros: int) -> Snapshot:
    with connection.cursor() as cursor:
        cursor.execute("SELECT at FROM leads_change ORDER BY id LIMIT 1")
        first = cursor.fetchone()
        if first and micros < first[0]:
            raise BeforeMemory(from_micros(int(first[0])))
        # Backwards from the newest: as many steps as there were changes since.
        cursor.execute("SELECT id FROM leads_change WHERE at <= %s ORDER BY id DESC LIMIT 1", [micros])
        row = cursor.fetchone()
        top = int(row[0]) if row else 0
        cursor.execute("SELECT id FROM leads_change WHERE at > %s AND id <= %s ORDER BY id", [micros, top])
        out = tuple(int(id) for (id,) in cursor.fetchall())
    return Snapshot(from_micros(micros), top, out)
