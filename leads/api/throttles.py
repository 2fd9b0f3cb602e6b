"""One rate per API key, told in ``RateLimit-*`` headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from leads.models import ApiKey

if TYPE_CHECKING:
    from rest_framework.views import APIView


class KeyThrottle(SimpleRateThrottle):
    """Counts per key, or per address for callers without one (never by a header a caller could forge).

    The cache never fails: a form must not lose a lead because nobody can count it (config.cache).
    """

    scope = "key"
    num_requests: int
    duration: int

    def get_cache_key(self, request: Request, view: APIView) -> str:
        who = request.auth.prefix if isinstance(request.auth, ApiKey) else self.get_ident(request)
        return f"throttle:{self.scope}:{who}"

    def allow_request(self, request: Request, view: APIView) -> bool:
        is_allowed = super().allow_request(request, view)
        if self.rate:
            left = max(0, self.num_requests - len(self.history))
            reset = int(self.duration - (self.now - self.history[-1])) if self.history else int(self.duration)
            request._request.rate_limit = (self.num_requests, left, max(0, reset))  # type: ignore[attr-defined]
        return is_allowed
