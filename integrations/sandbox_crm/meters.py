"""What the server measures and limits: calls by route, and calls a second."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any


class Bucket:
    """A token bucket: `rate` calls a second on the long run, twice as many in a burst."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._clock = rate, clock
        self._room = self._most = max(1.0, rate * 2)
        self._seen = clock()
        self._lock = threading.Lock()

    def wait(self) -> float:
        """Take a token and return 0, or return the seconds until there is one."""
        with self._lock:
            now = self._clock()
            self._room = min(self._most, self._room + (now - self._seen) * self._rate)
            self._seen = now
            if self._room < 1:
                return (1 - self._room) / self._rate
            self._room -= 1
            return 0.0


class Calls:
    """How often each API route was called since the start, for benchmarks that count calls."""

    def __init__(self) -> None:
        self._routes: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, route: str, status: int) -> None:
        """Count one answered call."""
        with self._lock:
            self._routes[route] += 1
            self._statuses[str(status)] += 1

    def clear(self) -> None:
        """Count from zero again."""
        with self._lock:
            self._routes.clear()
            self._statuses.clear()

    def shown(self) -> dict[str, Any]:
        """Total, by route, by status."""
        with self._lock:
            return {
                "total": sum(self._routes.values()),
                "by_route": dict(self._routes),
                "by_status": dict(self._statuses),
            }
