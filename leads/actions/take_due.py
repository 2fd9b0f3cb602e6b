"""Take what is due in chunks, each in its own transaction; what fails does not stop the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

log = structlog.get_logger(__name__)


def take_due(
    *,
    due: Callable[[int], Sequence[int]],
    take: Callable[[Sequence[int], datetime], int],
    take_alone: Callable[[int, datetime], int],
    at: datetime,
    chunk: int,
    limit: int,
    failure: str,
) -> int:
    """Take up to ``limit`` rows, at most ``chunk`` at a time; returns how many were taken.

    ``due`` gives the keys that come next, at most so many. ``take`` takes those that nobody else holds and returns how
    many; where it fails, that is logged as ``failure`` and ``take_alone`` takes one after the other.
    """
    done = 0
    while done < limit:
        ids = due(min(chunk, limit - done))
        if not ids:
            break
        try:
            taken = take(ids, at)
        except Exception:
            log.exception(failure, rows=len(ids))
            taken = sum(take_alone(pk, at) for pk in ids)
        if not taken:  # somebody else holds them all
            break
        done += taken
    return done
