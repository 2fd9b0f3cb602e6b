"""The way to HubSpot: sign-in and its renewal, what its errors mean, its quota, and the pace of searches.

HubSpot's limits: a day's calls, whole again at midnight in the *account's* time zone; a hundred calls in ten seconds or
as many as its answers tell; and five searches a second, whose answers tell no limits. Both short ones are kept here.
The daily limit's midnight needs the zone of `account-info`, which `details` reads once; a connector that never read it
tries again at the next full hour, when some zone's day begins.
"""

import json
import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..base import (
    Account,
    CrmError,
    Misuse,
    NotConnected,
    Outage,
    Quota,
    QuotaDay,
    ScopeMissing,
    Throttled,
    Token,
)
from ..errors import Reading
from ..http import Answer, Bearer, CrmSession, Hosts, Limits, Renewing

VERSION = "2026-09"
"""The dated version of every path. A version lives 18 months; the next is taken by changing this line."""

HOSTS = ("hubapi.com",)
SEARCHES_APART = 0.2
BURST, BURST_SECONDS = 100, 10.0
WAITS = {"SECONDLY": timedelta(seconds=1), "TEN_SECONDLY_ROLLING": timedelta(seconds=10)}
LOCKED = timedelta(seconds=2)


class Refusal(Misuse):
    """A request that HubSpot refused as a whole, with its body: it may name the rows and properties at fault."""

    def __init__(self, message: str, *, status: int, code: str, field: str, payload: Mapping[str, Any]) -> None:
        super().__init__(message, code=code, field=field)
        self.status, self.payload = status, payload

    @property
    def is_conflict(self) -> bool:
        """Whether some record is there already."""
        return self.status == 409 or self.code in ("CONFLICT", "OBJECT_ALREADY_EXISTS")


class HubSpotSession:
    """Calls for one account. `quota` is the day's, as told last; `zone` the account's time zone, once known."""

    def __init__(
        self,
        account: Account,
        *,
        limits: Limits | None = None,
        pause: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._account, self._pause, self._now = account, pause, now
        self._searched = 0.0
        self._burst, self._sent = BURST, deque[float](maxlen=1000)
        self.quota: Quota | None = None
        self.zone = _zone(account.settings.get("time_zone"))
        self._details: Mapping[str, Any] | None = None
        secrets = account.secrets
        self.is_oauth = bool(secrets.get("refresh_token")) or account.settings.get("sign_in") == "oauth"
        self._http = CrmSession(
            account.base_url,
            auth=Renewing(account.tokens, self._fetch, now) if self.is_oauth else Bearer(secrets.get("token", "")),
            hosts=Hosts(HOSTS, account.allow_loopback),
            limits=limits,
            secrets=tuple(secrets.values()),
            classify=self._classify,
            told=_told,
            heard=self._note_quota,
        )

    @property
    def calls(self) -> int:
        """Requests sent so far, renewals of the token included."""
        return self._http.calls

    def close(self) -> None:
        """Let go of the sockets."""
        self._http.close()

    def call(self, method: str, path: str, *, params: Mapping[str, Any] | None = None, body: Any = None) -> Answer:
        """One request, as soon as the burst allows; a refused OAuth token is renewed and the request repeated, once."""
        if len(self._sent) >= self._burst:
            wait = self._sent[-self._burst] + BURST_SECONDS - time.monotonic()
            if wait > 0:
                self._pause(wait)
        self._sent.append(time.monotonic())
        return self._http.call(method, path, params=params, body=body)

    def search(self, path: str, body: Any) -> Answer:
        """A search, no sooner than a fifth of a second after the one before."""
        wait = self._searched + SEARCHES_APART - time.monotonic()
        if self._searched and wait > 0:
            self._pause(wait)
        self._searched = time.monotonic()
        return self.call("POST", path, body=body)

    def details(self) -> Mapping[str, Any]:
        """The account's own facts (`portalId`, `timeZone`, `companyCurrency`, …), asked for once."""
        if self._details is None:
            self.read_details()
        return self._details or {}

    def read_details(self) -> Answer:
        """The same, asked for now."""
        path = f"/account-info/{VERSION}/details"
        answer = self.call("GET", path)
        with Reading(path):
            self._details = {**answer.payload, "portalId": answer.payload["portalId"]}
            self.zone = _zone(answer.payload.get("timeZone")) or self.zone
        return answer

    def _fetch(self, kept: Token | None) -> Token:
        """A new access token for the refresh token, which HubSpot gives back as it was."""
        secrets, path = self._account.secrets, f"/oauth/{VERSION}/token"
        refresh = (kept.refresh if kept else "") or secrets.get("refresh_token", "")
        if not refresh:
            raise NotConnected
        form = {
            "grant_type": "refresh_token",
            "client_id": str(self._account.settings.get("client_id", "")),
            "client_secret": secrets.get("client_secret", ""),
            "refresh_token": refresh,
        }
        answer = self._http.fetch_token(self._http.base_url + path, form)
        with Reading(path):
            access, seconds = str(answer.payload["access_token"]), int(answer.payload["expires_in"])
            refresh = str(answer.payload.get("refresh_token") or form["refresh_token"])
            return Token(access, self._now() + timedelta(seconds=seconds), refresh=refresh)

    # --- limits and errors ---

    def _note_quota(self, headers: Mapping[str, str]) -> None:
        left, limit = headers.get("X-HubSpot-RateLimit-Daily-Remaining", ""), headers.get("X-HubSpot-RateLimit-Daily")
        if left.isdigit():
            most = int(limit) if limit and limit.isdigit() else None
            self.quota = Quota(int(left), most, self._midnight() if self.zone else None)
        burst, spell = (
            headers.get("X-HubSpot-RateLimit-Max", ""),
            headers.get("X-HubSpot-RateLimit-Interval-Milliseconds"),
        )
        if burst.isdigit() and spell == "10000":
            self._burst = min(max(int(burst), 1), 1000)

    def _midnight(self) -> datetime:
        """When the day's calls are whole again: the account's next midnight, or the next full hour if nobody knows."""
        now = self._now()
        if self.zone is None:
            return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        tomorrow = now.astimezone(self.zone).date() + timedelta(days=1)
        return datetime.combine(tomorrow, clock_time(), self.zone).astimezone(UTC)

    def _classify(self, status: int, headers: Mapping[str, str], payload: Any) -> CrmError | None:
        if status < 400 or status >= 500 or not isinstance(payload, dict):
            return None
        code, message, field = _told(payload)
        text = f"HubSpot answered {status} {code}: {message}".rstrip(": ")
        asked = headers.get("Retry-After", "")
        after = timedelta(seconds=min(int(asked), 86_400)) if re.fullmatch("[0-9]{1,9}", asked) else timedelta()
        if status == 429 and (policy := _policy(payload)):
            if policy == "DAILY":
                return QuotaDay(text, code=policy, resume_at=self._midnight())
            return Throttled(text, code=policy, after=max(WAITS[policy], after))
        if status == 423:
            return Throttled(text, code=code or "LOCKED", after=max(LOCKED, after))
        if status == 477:
            return Outage(text, code="MIGRATION", after=after)
        if status == 403 and (scopes := _scopes(payload)):
            return ScopeMissing(f"HubSpot wants one of the scopes {', '.join(scopes)}.", code=code)
        if status in (401, 403, 408, 425, 429):
            return None
        return Refusal(text, status=status, code=code or f"http_{status}", field=field, payload=payload)


def told(error: Mapping[str, Any]) -> tuple[str, str, str]:
    """Code, message and property of an error, as a body or a row of `errors` tells it.

    The finest code is kept (`INVALID_EMAIL`, not `VALIDATION_ERROR`): HubSpot puts it in `errors`, or as JSON into the
    message itself.
    """
    code, message = str(error.get("category") or error.get("errorType") or ""), str(error.get("message") or "")
    field = ""
    inner = _inner(error, message)
    if inner:
        context = inner.get("context")
        named = context.get("propertyName") if isinstance(context, dict) else None
        code = str(inner.get("error") or inner.get("code") or code)
        field = str(inner.get("name") or (named[0] if isinstance(named, list) and named else "") or inner.get("in", ""))
        message = str(inner.get("localizedErrorMessage") or inner.get("message") or message)
    return code[:80], message[:300], field[:80]


def _inner(error: Mapping[str, Any], message: str) -> Mapping[str, Any]:
    if (start := message.find("[{")) >= 0:
        try:
            rows = json.loads(message[start:])
            if rows and isinstance(rows[0], dict):
                return dict(rows[0])
        except (ValueError, TypeError, LookupError, RecursionError):
            pass
    rows = error.get("errors")
    return rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}


def _told(payload: Any) -> tuple[str, str, str]:
    if not isinstance(payload, dict):
        return "", "", ""
    error = payload.get("error")
    if isinstance(error, dict):
        return str(error.get("code", ""))[:80], str(error.get("message", ""))[:300], str(error.get("field") or "")[:80]
    if isinstance(error, str) and "category" not in payload:  # the token's door speaks OAuth
        return str(payload.get("status") or error)[:80], str(payload.get("error_description") or "")[:300], ""
    return told(payload)


def _policy(payload: Mapping[str, Any]) -> str:
    """DAILY, SECONDLY or TEN_SECONDLY_ROLLING; some answers name it in their message only."""
    words = f"{payload.get('policyName') or ''} {payload.get('message') or ''}".upper()
    return next((name for name in ("TEN_SECONDLY_ROLLING", "SECONDLY", "DAILY") if name in words), "")


def _scopes(payload: Mapping[str, Any]) -> list[str]:
    rows = payload.get("errors")
    for row in rows if isinstance(rows, list) else []:
        context = row.get("context") if isinstance(row, dict) else None
        for name in ("requiredGranularScopes", "requiredScopes", "missingScopes"):
            scopes = context.get(name) if isinstance(context, dict) else None
            if isinstance(scopes, list) and scopes:
                return sorted(str(each)[:80] for each in scopes[:20])
    return []


def _zone(name: Any) -> ZoneInfo | None:
    try:
        return ZoneInfo(str(name)) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        return None
