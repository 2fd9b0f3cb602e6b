"""How long to wait after a failure."""

from __future__ import annotations

from datetime import timedelta
from random import Random

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)


def full_jitter(*, attempt: int, rng: Random) -> timedelta:
    """A pause between nothing and twice the last bound, from half a minute to an hour: callers spread out."""
    bound: timedelta = min(FIRST_PAUSE * 2 ** min(attempt, 12), LONGEST_PAUSE)
    return timedelta(seconds=bound.total_seconds() * rng.random())
