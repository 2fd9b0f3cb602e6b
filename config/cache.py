"""The shared cache while its server answers, this process's memory while it does not.

Only counts of rate limits live here. Without the fallback a stopped server would turn every sign-in into a 500, or, the
error swallowed, leave passwords to be guessed without limit. While it is away each web process counts by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar

import structlog
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)
AWAY_SECONDS = 5.0
"""How long a server that failed is left alone: asking a frozen one costs each request its time-out."""
OWN_ENTRIES = 20_000
"""Callers counted in memory; with Django's 300 a flood of addresses would soon make it forget the others."""
Answer = TypeVar("Answer")


@dataclass(slots=True)
class _Outage:
    """What this process knows about one server; every thread has its own cache object, but they share this."""

    is_on: bool = False
    ask_again_at: float = 0.0


_outages: dict[str, _Outage] = {}
_lock = Lock()


class SharedOrOwn(BaseCache):
    """Django's Redis cache with one process's memory behind it. ``LOCATION`` is the server's address."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._shared = RedisCache(location, params)
        self._own = LocMemCache("own", {**params, "OPTIONS": {"MAX_ENTRIES": OWN_ENTRIES}})
        with _lock:
            self._outage = _outages.setdefault(location, _Outage())

    def is_away(self) -> bool:
        """Whether the server does not answer; asks it, unless it failed in the last seconds."""
        self.get("is_away")
        return self._outage.is_on

    def ping(self) -> None:
        """Ask the server itself. Raises what the client raises."""
        self._shared.get("ping")

    def add(self, key: Any, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return self._ask(lambda cache: cache.add(key, value, timeout=timeout, version=version))

    def get(self, key: Any, default: Any | None = None, version: int | None = None) -> Any:
        return self._ask(lambda cache: cache.get(key, default, version=version))

    def set(self, key: Any, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        self._ask(lambda cache: cache.set(key, value, timeout=timeout, version=version))

    def touch(self, key: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return self._ask(lambda cache: cache.touch(key, timeout=timeout, version=version))

    def delete(self, key: Any, version: int | None = None) -> bool:
        return self._ask(lambda cache: cache.delete(key, version=version))

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        return self._ask(lambda cache: cache.incr(key, delta, version=version))

    def clear(self) -> None:
        self._own.clear()
        self._ask(lambda cache: cache.clear())

    def _ask(self, work: Callable[[BaseCache], Answer]) -> Answer:
        outage = self._outage
        if outage.is_on and time.monotonic() < outage.ask_again_at:
            return work(self._own)
        try:
            answer = work(self._shared)
        except (RedisError, OSError) as error:
            # Also a server that is full or still loading: it counts nothing, either.
            with _lock:
                is_news, outage.is_on = not outage.is_on, True
                outage.ask_again_at = time.monotonic() + AWAY_SECONDS
            if is_news:
                log.warning("shared_cache_away", error=type(error).__name__, instead="memory of this process")
            return work(self._own)
        if outage.is_on:
            outage.is_on = False
            log.warning("shared_cache_back")
        return answer


__all__ = ["SharedOrOwn"]
