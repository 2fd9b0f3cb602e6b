"""Pipedrive's side of the session: signing in, error shape, rate limits and the pace that keeps them.

Pipedrive allows so many requests in two seconds, as its answers tell, and ten searches. A sandbox on this machine
takes as many as come, unless `PACE_ON_LOOPBACK` is set.
"""

import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from ..base import Account, CrmError, NotConnected, Outage, Quota, QuotaDay, Throttled, Token
from ..http import LOOPBACK, ApiKey, Basic, CrmSession, Heard, Hosts, Limits, Renewing, Request, Response

TOKEN_URL = "https://oauth.pipedrive.com/oauth/token"  # noqa: S105  # an address
BLOCKED = timedelta(minutes=10)
SPAN, SEARCHES, LEAST_BURST = 2.0, 10, 8
PACE_ON_LOOPBACK = False


class PacedSession(CrmSession):
    """Waits before a request that would be one too many."""

    def __init__(self, base_url: str, **options: Any) -> None:
        super().__init__(base_url, **options)
        self._is_paced = PACE_ON_LOOPBACK or urlsplit(base_url).hostname not in LOOPBACK
        self._burst, self._began = LEAST_BURST, time.monotonic()
        self._sent, self._searched = deque[float](maxlen=1000), deque[float](maxlen=SEARCHES)

    def send(self, request: Request, **kwargs: Any) -> Response:
        """One request, as soon as its turn comes; the wait is no part of its deadline."""
        is_search = (urlsplit(request.url or "").path).endswith("/search")
        if self._is_paced:
            # Whoever was here just before may have used up the span.
            is_early = time.monotonic() - self._began < SPAN
            _await_turn(self._sent, min(self._burst, LEAST_BURST) if is_early else self._burst)
            if is_search:
                _await_turn(self._searched, SEARCHES)
        now = time.monotonic()
        self._sent.append(now)
        if is_search:
            self._searched.append(now)
        response = super().send(request, **kwargs)
        told = response.headers.get("x-ratelimit-limit", "")
        if not is_search and told.isdigit():
            # A tenth is left to others: a sync that has just ended, a page that checks the connection.
            self._burst = min(max(int(told) * 9 // 10, 1), 1000)
        return response


def _await_turn(sent: deque[float], most: int) -> None:
    wait = sent[-most] + SPAN - time.monotonic() if len(sent) >= most else 0
    if wait > 0:
        time.sleep(wait)


def open_session(account: Account, limits: Limits | None, heard: Heard) -> CrmSession:
    """A session that signs in by API token or, where the account holds a refresh token, by OAuth."""
    secrets = account.secrets
    session = PacedSession(
        account.base_url,
        auth=ApiKey("x-api-token", secrets.get("token", "")),
        hosts=Hosts(("pipedrive.com",), allow_loopback=account.allow_loopback),
        limits=limits,
        secrets=tuple(secrets.values()),
        classify=_classify,
        told=_told,
        heard=heard,
    )
    if secrets.get("refresh_token") or account.settings.get("sign_in") == "oauth":
        session.auth = Renewing(account.tokens, lambda kept: _fetch(session, account, kept))
    return session


def quota_of(headers: Mapping[str, str]) -> Quota | None:
    """The day's tokens left, as every answer tells them."""
    left, limit = headers.get("x-daily-ratelimit-token-remaining", ""), headers.get("x-daily-ratelimit-token-limit", "")
    if not left.isdigit():
        return None
    return Quota(int(left), int(limit) if limit.isdigit() else None, _midnight())


def _fetch(session: CrmSession, account: Account, kept: Token | None) -> Token:
    refresh = (kept.refresh if kept else "") or account.secrets.get("refresh_token", "")
    if not refresh:
        raise NotConnected
    is_sandbox = session.base_url.startswith(tuple(f"http://{host}" for host in LOOPBACK))
    url = f"{session.base_url}/oauth/token" if is_sandbox else TOKEN_URL
    client = Basic(str(account.settings.get("client_id", "")), account.secrets.get("client_secret", ""))
    answer = session.fetch_token(url, {"grant_type": "refresh_token", "refresh_token": refresh}, client)
    try:
        access, seconds = str(answer.payload["access_token"]), int(answer.payload["expires_in"])
        base_url = str(answer.payload.get("api_domain") or "")
        refresh = str(answer.payload.get("refresh_token") or refresh)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Outage("The token address answered in an unknown shape.", code="unreadable") from None
    session.hush(access, refresh)
    return Token(access, datetime.now(UTC) + timedelta(seconds=seconds), base_url, refresh)


def _told(payload: Any) -> tuple[str, str, str]:
    """`{"success": false, "error", "error_info", "code"}`; v1 gives the status as `errorCode`, OAuth the code as
    `error`."""
    if not isinstance(payload, dict):
        return "", "", ""
    code = payload.get("code") or ("" if "success" in payload else payload.get("error"))
    message = (
        payload.get("error_description") or payload.get("error") or payload.get("error_info") or payload.get("message")
    )
    return str(code or "")[:80], str(message or "")[:300], ""


def _classify(status: int, headers: Mapping[str, str], payload: Any) -> CrmError | None:
    if status == 429:
        if headers.get("x-daily-ratelimit-token-remaining") == "0":
            return QuotaDay("The day's tokens are spent.", code="daily_tokens", resume_at=_midnight())
        wait = headers.get("x-ratelimit-reset", "")
        if "Retry-After" not in headers and wait.isdigit():
            return Throttled("Too many calls.", code="rate_limit", after=timedelta(seconds=max(1, int(wait))))
    # Whoever ignores 429 for long meets a wall in front of the API, which answers in HTML.
    if status == 403 and "html" in headers.get("Content-Type", "").lower():
        return Outage("Pipedrive's wall refused the call.", code="blocked", after=BLOCKED)
    if status < 300 and isinstance(payload, dict) and payload.get("success") is False:
        return Outage("The answer says that the call failed.", code="unreadable", unclear=True)
    return None


def _midnight() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
