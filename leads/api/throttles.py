"""One rate per API key, told in ``RateLimit-*`` headers."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from leads.models import ApiKey

if TYPE_CHECKING:
    from rest_framework.views import APIView

# Windows that a process remembers; a flood of addresses must not fill its memory.
MOST = 10_000


@dataclass(slots=True)
class _Lease:
    """Requests that this process may let pass without asking the shared count, which stands at ``up_to`` with them."""

    left: int
    up_to: int


_leases: dict[str, _Lease] = {}
_lock = Lock()


class KeyThrottle(SimpleRateThrottle):
    """Counts per key, or per address for callers without one (never by a header a caller could forge).

    Each span of time has a count that all processes share. A process takes a hundredth of the rate from it at once,
    so that most requests ask nobody; what it has taken and not used is lost to the caller at the end of the span. The
    cache never fails: a form must not lose a lead because nobody can count it (config.cache).
    """

    scope = "key"
    num_requests: int
    duration: int

    def get_cache_key(self, request: Request, view: APIView) -> str:
        who = request.auth.prefix if isinstance(request.auth, ApiKey) else self.get_ident(request)
        return f"throttle:{self.scope}:{who}"

    def allow_request(self, request: Request, view: APIView) -> bool:
        if not self.rate:
            return True
        now = self.timer()
        span = int(now // self.duration)
        used = self._used(f"{self.get_cache_key(request, view)}:{span}")
        self.resets_in = max(1, int((span + 1) * self.duration - now))
        left = max(0, self.num_requests - used)
        request._request.rate_limit = (self.num_requests, left, self.resets_in)  # type: ignore[attr-defined]
        return used <= self.num_requests

    def wait(self) -> float:
        """Seconds until the next span."""
        return float(self.resets_in)

    def _used(self, name: str) -> int:
        """How many requests this one makes in its span."""
        with _lock:
            lease = _leases.get(name)
            if lease is None or lease.left == 0:
                if len(_leases) >= MOST:
                    _leases.clear()
                size = max(1, self.num_requests // 100)
                lease = _leases[name] = _Lease(size, self._take(name, size))
            lease.left -= 1
            return lease.up_to - lease.left

    def _take(self, name: str, size: int) -> int:
        """Take some from the shared count; returns where it stands then."""
        self.cache.add(name, 0, self.duration * 2)
        try:
            return int(self.cache.incr(name, size))
        except ValueError:  # it ended meanwhile
            return size
