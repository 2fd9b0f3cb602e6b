"""Writers of one SQLite database take turns, whatever process they are in.

SQLite lets a waiting writer try again every 100 ms at most and keeps no order: whoever writes one transaction after
the other finds the lock free each time, and all others wait until their patience ends. Here a writer holds two locks
to begin and one to go on: the first in the queue holds the door, so that whoever has just written comes behind it.
"""

from __future__ import annotations

import fcntl
import os
import time
from typing import Self

import structlog

log = structlog.get_logger(__name__)
_LOOK_AGAIN = 0.002
"""Seconds between two looks at a lock. A blocking call would be woken at once, but could not be given up."""
LONG = 0.5
"""Seconds of one transaction from which the log names it: meanwhile nobody else can write."""


_REST_FROM = 0.02
_REST_AT_MOST = 1.0
_gives_way = False


def give_way() -> None:
    """From now on writers of this process leave as much time to others as they took: background work can wait."""
    global _gives_way  # of the process, whichever thread asks
    _gives_way = True


class NoTurn(Exception):
    """Others wrote for longer than a writer waits."""


class Turn:
    """One connection's place among the writers of a database file; ``patience`` in seconds.

    The locks belong to files beside the database, and end with their process. ``None`` as the path: nobody else can
    write there, as in a database in memory.
    """

    def __init__(self, path: str | None, *, patience: float) -> None:
        self._path, self._patience = path, patience
        self._files: tuple[int, int] | None = None
        self._since: float | None = None
        self._rest_until = 0.0

    def take(self) -> None:
        """Wait until it is ours. Raises NoTurn."""
        if self._path is None or self._since is not None:
            return
        queue, writer = self._files = self._files or (self._open("queue"), self._open("writer"))
        time.sleep(max(0.0, self._rest_until - time.monotonic()))
        give_up = time.monotonic() + self._patience
        _lock(queue, give_up)
        try:
            _lock(writer, give_up)
        finally:
            fcntl.flock(queue, fcntl.LOCK_UN)
        self._since = time.monotonic()

    def give_back(self) -> None:
        """Let the next one write; nothing where it is not ours."""
        if self._since is None or self._files is None:
            return
        now = time.monotonic()
        held, self._since = now - self._since, None
        fcntl.flock(self._files[1], fcntl.LOCK_UN)
        if _gives_way and held >= _REST_FROM:
            self._rest_until = now + min(held, _REST_AT_MOST)
        if held >= LONG:
            log.warning("database_held", seconds=round(held, 3))

    def close(self) -> None:
        """Give it back and forget the files."""
        self.give_back()
        files, self._files = self._files or (), None
        for descriptor in files:
            os.close(descriptor)

    def __enter__(self) -> Self:
        self.take()
        return self

    def __exit__(self, *error: object) -> None:
        self.give_back()

    def _open(self, name: str) -> int:
        return os.open(f"{self._path}-{name}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)


def _lock(descriptor: int, give_up: float) -> None:
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= give_up:
                raise NoTurn from None
            time.sleep(_LOOK_AGAIN)
