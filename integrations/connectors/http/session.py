"""A requests session to one CRM with limits, classified errors, and no will of its own.

It never retries and never follows a redirect; the sync engine decides what an error means for the queue. A
deadline covers the *whole* exchange: the time-outs of requests start anew with every byte, so a dripping
server could hold a worker for ever.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from ..errors import AuthDead, CrmError, Misuse, Outage, ScopeMissing, Throttled
from .answers import UNREADABLE, Answer, date_of, decoded, read_body, retry_after, told_in, transport_code
from .auth import Anonymous, Renewing
from .deadline import GuardedAdapter, within
from .hosts import Hosts

# For sessions of vendors, which import requests through this door only.
Request = requests.PreparedRequest
Response = requests.Response
Classify = Callable[[int, Mapping[str, str], Any], CrmError | None]
Told = Callable[[Any], tuple[str, str, str]]
Heard = Callable[[Mapping[str, str]], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for connecting, for silence between bytes, and for everything together; bytes of a decoded
    body."""

    connect: float = 5.0
    read: float = 20.0
    total: float = 60.0
    body: int = 20 * 1024 * 1024


class CrmSession(requests.Session):
    """A session bound to one base address. `calls` counts the requests sent.

    `classify(status, headers, payload)` lets a connector name its vendor's special cases before the common
    rules apply; `told(payload)` finds code, message and field in the vendor's shape of an error body. Both see every
    answer; a payload that cannot be read is an object of no use to them. `heard(headers)` sees the headers of every
    answer, good or bad, for the day's quota. With `Renewing` as auth a refused token is replaced and the call repeated,
    once; the token's own base address, where it has one, takes the place of the account's.
    """

    def __init__(
        self,
        base_url: str,
        *,
        auth: AuthBase | None,
        hosts: Hosts,
        limits: Limits | None = None,
        secrets: tuple[str, ...] = (),
        classify: Classify | None = None,
        told: Told | None = None,
        heard: Heard | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__()
        hosts.check(base_url)
        self.base_url, self.hosts, self.limits = base_url.rstrip("/"), hosts, limits or Limits()
        self.auth = auth
        self.calls = 0
        self._secrets, self._classify, self._now = secrets, classify, now
        self._told, self._heard = told or told_in, heard
        # Proxies, .netrc and certificates from the environment could send the token elsewhere.
        self.trust_env = False
        self.headers.update({"User-Agent": "revops-portal/1", "Accept": "application/json"})
        self.mount("https://", GuardedAdapter(max_retries=0))
        self.mount("http://", GuardedAdapter(max_retries=0))

    def hush(self, *secrets: str) -> None:
        """Blot these out of error messages too: tokens that were fetched later."""
        self._secrets += secrets

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        text: str | None = None,
        reads_text: bool = False,
    ) -> Answer:
        """One request, JSON (a form, or `text` as it is) in and JSON out, or the text of the answer. Raises a
        `CrmError`; see each class for what to do then."""
        data = form if text is None else text.encode()
        sent = {"params": params, "json": body, "data": data, "headers": headers, "reads_text": reads_text}
        if not isinstance(self.auth, Renewing):
            return self._call(method, self.base_url + path, **sent)
        try:
            return self._call(method, self._home(self.auth) + path, **sent)
        except AuthDead as refused:
            if refused.code == "token_malformed":
                raise
        # Once only: a fresh token that is refused as well needs a person.
        self.auth.replace_refused()
        return self._call(method, self._home(self.auth) + path, **sent)

    def fetch_token(self, url: str, form: Mapping[str, str], auth: AuthBase | None = None) -> Answer:
        """Ask a token address; any refusal means dead credentials (`AuthDead`)."""
        try:
            return self._call("POST", url, data=form, auth=auth or Anonymous())
        except (Misuse, ScopeMissing) as refused:
            if refused.code in ("host_refused", "redirect_refused"):
                raise
            failed = AuthDead(str(refused), code=refused.code)
        raise failed

    def _home(self, auth: Renewing) -> str:
        return auth.current().base_url.rstrip("/") or self.base_url

    def _call(self, method: str, url: str, *, reads_text: bool = False, **sent: Any) -> Answer:
        self.hosts.check(url)  # before requests takes it apart, and again when it is sent
        response = self.request(method, url, **sent)
        payload = decoded(response)
        if reads_text and response.status_code < 300:
            payload = response.content.decode("utf-8", "replace")
        where = f"{method} {urlsplit(url).path}"
        if self._heard:
            self._heard(response.headers)
        if error := self._error(where, response, payload):
            raise error
        if payload is UNREADABLE:
            raise Outage(f"{where} answered something other than JSON.", code="unreadable", unclear=True)
        return Answer(response.status_code, payload, response.headers, date_of(response.headers.get("Date")))

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Every request passes here: host check, deadline, body limit, classified transport errors."""
        self.hosts.check(request.url or "")
        kwargs |= {
            "timeout": (self.limits.connect, self.limits.read),
            "stream": True,
            "allow_redirects": False,
        }
        where = f"{request.method} {urlsplit(request.url or '').path}"
        failed: Exception | None = None
        with within(self.limits.total, self.hosts.check_peer) as deadline:
            self.calls += 1
            try:
                response = super().send(request, **kwargs)
                read_body(response, self.limits.body, where)
            except (requests.RequestException, HTTPError, OSError) as error:
                failed = error
        # Raised outside the handler: the original carries the request and its Authorization header.
        sent = deadline.has_sent
        if deadline.is_over:
            raise Outage(f"{where} took more than {self.limits.total:g} s.", code="deadline", unclear=sent)
        if failed is not None:
            code = transport_code(failed) if sent else "unreachable"
            raise Outage(f"{where} failed: {code}.", code=code, unclear=sent)
        return response

    def _error(self, where: str, response: requests.Response, payload: Any) -> CrmError | None:
        status, headers = response.status_code, response.headers
        if self._classify and (special := self._classify(status, headers, payload)):
            return special
        if status < 300:
            return None
        code, message, field_name = self._told(payload)
        text = f"{where} answered {status}" + self._scrubbed(f" {code}: {message}" if code else "")
        if status < 400:
            return Misuse(f"{text}: redirects are not followed.", code="redirect_refused")
        if status == 401:
            return AuthDead(text, code=code)
        if status == 403:
            # A wall in front of the CRM answers in HTML; that says nothing about scopes.
            if payload is UNREADABLE:
                return Outage(text, code="blocked", after=retry_after(headers, self._now))
            return ScopeMissing(text, code=code)
        if status in (420, 429):
            return Throttled(text, code=code, after=retry_after(headers, self._now) or timedelta(seconds=10))
        if status in (408, 425) or status >= 500:
            after = retry_after(headers, self._now)
            return Outage(text, code=code or f"http_{status}", after=after, unclear=True)
        return Misuse(text, code=code or f"http_{status}", field=field_name)

    def _scrubbed(self, text: str) -> str:
        later = self.auth.secrets() if isinstance(self.auth, Renewing) else ()
        for secret in (*self._secrets, *later):
            text = text.replace(secret, "…") if secret else text
        return text
