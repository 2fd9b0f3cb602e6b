"""Signing in to Salesforce, calling its REST API, and reading what its errors mean.

A token comes from the org's My Domain and holds at the `instance_url` that comes with it. Sessions end without notice,
so a 401 renews the token, once; a second 401 is the admin's business.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import jwt

from ..base import (
    Account,
    AuthDead,
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
from ..http import Answer, CrmSession, Hosts, Limits, Renewing, date_of

VERSION = "v68.0"
DATA = f"/services/data/{VERSION}"
DOMAINS = ("salesforce.com",)
TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 - an address
# Longer than any clock is off, shorter than the five minutes that Salesforce allows.
ASSERTION_LIFE = timedelta(minutes=3)
# Calls are counted over the *last* 24 hours: room comes back bit by bit, nobody tells when. So look again by the hour.
QUOTA_PAUSE = timedelta(hours=1)
CONCURRENCY_PAUSE = timedelta(seconds=30)
MOST_QUERIES = 5
"""Queries in one composite request, which counts as one call; a /composite/batch counts each of its parts."""
LOCATOR = re.compile(r"/services/data/v\d{2,3}\.0/query(All)?/[A-Za-z0-9-]{1,80}")
PASSING = frozenset({"SERVER_UNAVAILABLE", "UNABLE_TO_LOCK_ROW", "QUERY_TIMEOUT", "REQUEST_RUNNING_TOO_LONG"})
# `=`, `,`, quotes and the like are legal in a query string; left alone, twice as many ids fit below the URL's limit.
_PLAIN = "',=()<>:!*"


@dataclass(frozen=True, slots=True)
class Select:
    """A SOQL query; `everything` includes deleted and merged records. `may_fail` gives no rows instead of an error
    where the org has no such object."""

    soql: str
    everything: bool = False
    may_fail: bool = False

    @property
    def path(self) -> str:
        """Path and query string."""
        return f"{DATA}/query{'All' if self.everything else ''}/?q={quote(self.soql, safe=_PLAIN)}"


@dataclass(frozen=True, slots=True)
class Rows:
    """What a query gave: rows and the locator of the rest. `failed` is the code of an error that was allowed for."""

    rows: list[Mapping[str, Any]]
    more: str | None = None
    failed: str = ""


class SalesforceSession:
    """Calls with a valid token. `account.secrets` holds `client_id` and `client_secret`, or `private_key` beside the
    setting `username` for a signed assertion."""

    def __init__(
        self, account: Account, *, limits: Limits | None = None, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._account, self._now = account, now
        self._auth, self._identity = Renewing(account.tokens, self._fetch_token, now), ""
        self.quota: Quota | None = None
        self._http = CrmSession(
            account.base_url,
            auth=self._auth,
            hosts=Hosts(suffixes=DOMAINS, allow_loopback=account.allow_loopback),
            limits=limits,
            secrets=tuple(account.secrets.get(name, "") for name in ("client_secret", "private_key")),
            classify=self._classify,
            told=told,
            heard=self._hear,
            now=now,
        )

    @property
    def calls(self) -> int:
        """Requests sent, sign-ins included."""
        return self._http.calls

    @property
    def identity(self) -> str:
        """`…/id/<org>/<user>` where this session signed in itself, which it does now if it must; else empty."""
        self._auth.current()
        return self._identity

    def close(self) -> None:
        """Let go of the sockets."""
        self._http.close()

    # --- tokens ---

    def _fetch_token(self, kept: Token | None) -> Token:
        try:
            answer = self._http.fetch_token(self._http.base_url + TOKEN_PATH, self._grant(kept))
        except Outage as outage:
            # Nothing of the caller's was sent: a write that waits for a token is clearly not done.
            raise Outage(str(outage), code=outage.code, after=outage.after) from None
        given = answer.payload if isinstance(answer.payload, dict) else {}
        access, instance = given.get("access_token"), given.get("instance_url")
        if not (isinstance(access, str) and access and isinstance(instance, str) and instance):
            raise Outage(f"POST {TOKEN_PATH} answered in an unknown shape.", code="unreadable")
        self._http.hosts.check(instance)
        self._identity = str(given.get("id") or "")
        return Token(access, base_url=instance, refresh=str(given.get("refresh_token") or ""))

    def _grant(self, kept: Token | None) -> dict[str, str]:
        secrets = self._account.secrets
        if self._account.settings.get("sign_in") == "oauth":
            if kept is None or not kept.refresh:
                raise NotConnected
            form = {"grant_type": "refresh_token", "refresh_token": kept.refresh}
            form |= {name: secrets[name] for name in ("client_id", "client_secret") if secrets.get(name)}
            return form
        if not secrets.get("private_key"):
            return {
                "grant_type": "client_credentials",
                "client_id": secrets.get("client_id", ""),
                "client_secret": secrets.get("client_secret", ""),
            }
        claims = {
            "iss": secrets.get("client_id", ""),
            "sub": str(self._account.settings.get("username") or ""),
            "aud": audience(self._account.base_url),
            "exp": int((self._now() + ASSERTION_LIFE).timestamp()),
        }
        try:
            assertion = jwt.encode(claims, secrets["private_key"], algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            raise AuthDead(
                "The private key cannot be read: it must be an RSA key in PEM.", code="key_malformed"
            ) from None
        return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}

    # --- calls ---

    def call(self, method: str, path: str, *, body: Any = None) -> Answer:
        """One call below the instance's address; signs in first where need be and anew after a 401, once."""
        return self._http.call(method, path, body=body)

    def send_text(self, method: str, path: str, text: str) -> None:
        """Upload a file; the answer says nothing."""
        headers = {"Content-Type": "text/csv; charset=UTF-8"}
        self._http.call(method, path, text=text, headers=headers, reads_text=True)

    def read_text(self, path: str) -> str:
        """Download a file."""
        return str(self._http.call("GET", path, headers={"Accept": "text/csv"}, reads_text=True).payload)

    def query(self, select: Select) -> tuple[Rows, Answer]:
        """One page of a query."""
        answer = self.call("GET", select.path)
        return _rows(answer.payload), answer

    def more(self, locator: str) -> Rows:
        """The next page. `Misuse` with INVALID_QUERY_LOCATOR when it is gone: locators live two days at most."""
        if not LOCATOR.fullmatch(locator):
            raise Misuse("This is no place in a list of Salesforce.", code="INVALID_QUERY_LOCATOR")
        return _rows(self.call("GET", locator).payload)

    def rest(self, rows: Rows) -> list[Mapping[str, Any]]:
        """All rows of a query whose first page this is."""
        found, place, places = list(rows.rows), rows.more, {rows.more}
        while place:
            page = self.more(place)
            found += page.rows
            if page.more in places and page.more:
                raise repeated()
            place = page.more
            places.add(place)
        return found

    def first_pages(self, selects: Sequence[Select]) -> tuple[list[Rows], Answer]:
        """The first page of each query, in order, in one call for five. Asks at least once."""
        found: list[Rows] = []
        for start in range(0, len(selects), MOST_QUERIES):
            part = selects[start : start + MOST_QUERIES]
            if len(part) == 1 and not part[0].may_fail:
                rows, answer = self.query(part[0])
                found.append(rows)
                continue
            bodies, answer = self.composite([select.path for select in part], [select.may_fail for select in part])
            found += [body if isinstance(body, Rows) else _rows(body) for body in bodies]
        return found, answer

    def all_rows(self, selects: Sequence[Select]) -> list[list[Mapping[str, Any]]]:
        """All rows of each query, in order."""
        return [self.rest(rows) for rows in self.first_pages(selects)[0]] if selects else []

    def composite(self, paths: Sequence[str], may_fail: Sequence[bool] = ()) -> tuple[list[Any], Answer]:
        """Several reads in one call; their bodies in order. The first failed one raises, unless it may fail."""
        parts = [{"method": "GET", "url": path, "referenceId": f"part{n}"} for n, path in enumerate(paths)]
        answer = self.call("POST", f"{DATA}/composite", body={"allOrNone": False, "compositeRequest": parts})
        results = answer.payload.get("compositeResponse") if isinstance(answer.payload, dict) else None
        if not isinstance(results, list) or len(results) != len(paths):
            raise Outage(f"POST {DATA}/composite answered in an unknown shape.", code="unreadable")
        bodies: list[Any] = []
        for n, result in enumerate(results):
            if not isinstance(result, dict) or result.get("referenceId") != f"part{n}":
                raise Outage(f"POST {DATA}/composite answered in an unknown shape.", code="unreadable")
            status, body = result.get("httpStatusCode"), result.get("body")
            if isinstance(status, int) and status < 300:
                bodies.append(body)
                continue
            error = self._part_error(urlsplit(paths[n]).path, status, body, answer)
            if not (may_fail and may_fail[n] and error.code == "INVALID_TYPE"):
                raise error
            bodies.append(Rows([], failed=error.code))
        return bodies, answer

    def _part_error(self, where: str, status: Any, body: Any, answer: Answer) -> CrmError:
        """The error of one part of a composite answer, by the rules of whole answers."""
        code, message, field = told(body)
        if special := self._special(code, message, answer.headers, answer.date):
            return special
        text = self._http._scrubbed(f"{where} answered {status} {code}: {message}")
        if status == 401:
            return AuthDead(text, code=code)
        if status == 403:
            return ScopeMissing(text, code=code)
        return Misuse(text, code=code or f"http_{status}", field=field)

    # --- errors and limits ---

    def _hear(self, headers: Mapping[str, str]) -> None:
        used = re.search(r"api-usage=(\d{1,12})/(\d{1,12})", headers.get("Sforce-Limit-Info", ""))
        if used:
            spent, limit = int(used[1]), int(used[2])
            self.quota = Quota(max(0, limit - spent), limit)

    def _classify(self, status: int, headers: Mapping[str, str], payload: Any) -> CrmError | None:
        if status < 300:
            return None
        code, message, _ = told(payload)
        if status in (400, 401) and isinstance(payload, dict) and code:
            return _refused(code, message)
        if status == 406:
            return Outage("Salesforce answered 406.", code=code or "http_406", unclear=True)
        return self._special(code, message, headers, date_of(headers.get("Date")))

    def _special(self, code: str, message: str, headers: Mapping[str, str], date: datetime | None) -> CrmError | None:
        if code == "REQUEST_LIMIT_EXCEEDED":
            # One code for two limits: too many long calls at once, and the day's calls.
            if "concurrent" in message.lower():
                return Throttled("Too many calls at once.", code=code, after=CONCURRENCY_PAUSE)
            if self.quota is not None:
                self.quota = Quota(0, self.quota.limit)
            moment = (date or self._now()) + QUOTA_PAUSE
            return QuotaDay("The org's calls of the last 24 hours are spent.", code=code, resume_at=moment)
        if code in PASSING:
            return Outage(f"Salesforce is busy: {code}.", code=code, unclear=code != "UNABLE_TO_LOCK_ROW")
        return None


def told(payload: Any) -> tuple[str, str, str]:
    """Code, message and field of `[{"errorCode", "message", "fields"}]`, the first of several; of OAuth's
    `{"error", "error_description"}` at the token address."""
    if isinstance(payload, dict) and isinstance(payload.get("error"), str):
        return payload["error"][:80], str(payload.get("error_description") or "")[:300], ""
    first = payload[0] if isinstance(payload, list) and payload else None
    if not isinstance(first, dict):
        return "", "", ""
    fields = first.get("fields")
    field = str(fields[0]) if isinstance(fields, list) and fields else ""
    return str(first.get("errorCode") or "")[:80], str(first.get("message") or "")[:300], field[:80]


def audience(base_url: str) -> str:
    """Who a signed assertion is meant for: the sign-in server of sandboxes or of all other orgs."""
    host = (urlsplit(base_url).hostname or "").lower()
    is_sandbox = host == "test.salesforce.com" or host.endswith(".sandbox.my.salesforce.com")
    return f"https://{'test' if is_sandbox else 'login'}.salesforce.com"


def _refused(code: str, message: str) -> CrmError:
    """What OAuth's word at the token address means. The description may quote what we sent, so it stays out."""
    if code == "rate_limit_exceeded" or "rate exceeded" in message:
        return Throttled("Too many sign-ins.", code=code, after=timedelta(minutes=5))
    if code in ("server_error", "temporarily_unavailable", "unknown_error"):
        return Outage(f"Signing in failed: {code}.", code=code)
    hint = " The app needs a user to run as, or must be pre-authorized for ours." if code == "invalid_grant" else ""
    return AuthDead(f"Salesforce refuses to sign us in: {code}.{hint}", code=code)


def _rows(payload: Any) -> Rows:
    rows = payload.get("records") if isinstance(payload, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Outage(f"{DATA}/query answered in an unknown shape.", code="unreadable")
    done, more = payload.get("done"), payload.get("nextRecordsUrl")
    if done is not True and not (done is False and isinstance(more, str) and LOCATOR.fullmatch(more)):
        raise Outage(f"{DATA}/query answered in an unknown shape.", code="unreadable")
    return Rows(rows, None if done else more)


def repeated() -> Outage:
    """Its pages go round in a circle."""
    return Outage("Salesforce returned the same page twice.", code="unreadable")
