"""The one way out to a CRM: a requests session with limits, classified errors, and no will of its own.

It never retries and never follows a redirect; the sync engine decides what an error means for the queue. A
deadline covers the *whole* exchange: the time-outs of requests start anew with every byte, so a dripping
server could hold a worker for ever.
"""

import base64
import email.utils
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from .base import AuthDead, CrmError, Misuse, Outage, ScopeMissing, Throttled, Token, TokenStore

LOOPBACK = ("127.0.0.1", "localhost", "::1")
# For sessions of vendors, which import requests through this door only.
Request = requests.PreparedRequest
Response = requests.Response
_active = threading.local()


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for connecting, for silence between bytes, and for everything together; bytes of a decoded
    body."""

    connect: float = 5.0
    read: float = 20.0
    total: float = 60.0
    body: int = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Hosts:
    """Where a connector may go: https to the vendor's domains, and plain http to this machine only when
    allowed."""

    suffixes: tuple[str, ...] = ()
    allow_loopback: bool = False

    def check(self, url: str) -> None:
        """Raise `Misuse` unless the address is allowed."""
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").rstrip("."), parts.port
        except ValueError:
            raise Misuse("The address cannot be read.", code="host_refused") from None
        is_plain = parts.username is None and parts.password is None and "\\" not in url
        if is_plain and self.allow_loopback and host in LOOPBACK and parts.scheme in ("http", "https"):
            return
        # Names in other scripts or with escapes mean different hosts to different readers.
        is_name = re.fullmatch(r"[a-z0-9.-]+", host) is not None
        is_vendor = is_name and any(host == suffix or host.endswith(f".{suffix}") for suffix in self.suffixes)
        if not (is_plain and is_vendor and parts.scheme == "https" and port in (None, 443)):
            raise Misuse(f"{host or 'This address'} is no host of this CRM.", code="host_refused")


class Bearer(AuthBase):
    """`Authorization: Bearer …`. The token is asked for at each call, so that a refreshed one is picked
    up."""

    def __init__(self, token: str | Callable[[], str]) -> None:
        self._token = token if callable(token) else lambda: token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the header; requests would print a malformed token in its error, so it is checked here."""
        token = self._token()
        if not re.fullmatch(r"[\x21-\x7e]+", token):
            raise AuthDead("The token is empty or holds characters that no token has.", code="token_malformed")
        request.headers["Authorization"] = f"Bearer {token}"
        return request

    def __repr__(self) -> str:
        return "Bearer(…)"


class ApiKey(Bearer):
    """The token in a header of the vendor's own."""

    def __init__(self, header: str, token: str) -> None:
        super().__init__(token)
        self._header = header

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the header."""
        super().__call__(request)
        request.headers[self._header] = request.headers.pop("Authorization").removeprefix("Bearer ")
        return request

    def __repr__(self) -> str:
        return "ApiKey(…)"


class Anonymous(AuthBase):
    """No proof of who we are: a token address takes it in the form."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Leave the request as it is."""
        return request


class Basic(AuthBase):
    """HTTP Basic from a client's id and secret, as some token addresses want it."""

    def __init__(self, user: str, password: str) -> None:
        self._both = base64.b64encode(f"{user}:{password}".encode()).decode()

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the header."""
        request.headers["Authorization"] = f"Basic {self._both}"
        return request

    def __repr__(self) -> str:
        return "Basic(…)"


class Renewing(Bearer):
    """A bearer token kept in the account's store and fetched anew when it is over: by the clock a minute early, or
    once after the CRM refused it. `fetch(kept)` gets a token, through `CrmSession.fetch_token`."""

    def __init__(
        self,
        tokens: TokenStore,
        fetch: Callable[[Token | None], Token],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(lambda: self.current().access)
        self._tokens, self._fetch, self._now = tokens, fetch, now
        self._kept: Token | None = None

    def current(self) -> Token:
        """A token good for the next minute."""
        token = self._kept or self._tokens.read()
        if token is None or (token.expires_at and token.expires_at <= self._now() + timedelta(minutes=1)):
            token = self._tokens.renew(token, self._fetch)
        self._kept = token
        return token

    def replace_refused(self) -> None:
        """The CRM refused the current token: get another, or the one that somebody else got meanwhile."""
        self._kept = self._tokens.renew(self._kept, self._fetch)

    def secrets(self) -> tuple[str, ...]:
        """What no message may show."""
        return (self._kept.access, self._kept.refresh) if self._kept else ()

    def __repr__(self) -> str:
        return "Renewing(…)"


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer: the decoded JSON (None for an empty body) and the server's clock."""

    status: int
    payload: Any
    headers: Mapping[str, str] = field(repr=False)
    date: datetime | None


Classify = Callable[[int, Mapping[str, str], Any], CrmError | None]
Told = Callable[[Any], tuple[str, str, str]]
Heard = Callable[[Mapping[str, str]], None]


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
        self._told, self._heard = told or _told, heard
        # Proxies, .netrc and certificates from the environment could send the token elsewhere.
        self.trust_env = False
        self.headers.update({"User-Agent": "revops-portal/1", "Accept": "application/json"})
        self.mount("https://", _GuardedAdapter(max_retries=0))
        self.mount("http://", _GuardedAdapter(max_retries=0))

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
    ) -> Answer:
        """One request, JSON (or a form) in and JSON out. Raises a `CrmError`; see each class for what to do then."""
        sent = {"params": params, "json": body, "data": form, "headers": headers}
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

    def _call(self, method: str, url: str, **sent: Any) -> Answer:
        self.hosts.check(url)  # before requests takes it apart, and again when it is sent
        response = self.request(method, url, **sent)
        payload = _decoded(response)
        where = f"{method} {urlsplit(url).path}"
        if self._heard:
            self._heard(response.headers)
        if error := self._error(where, response, payload):
            raise error
        if payload is _UNREADABLE:
            raise Outage(f"{where} answered something other than JSON.", code="unreadable", unclear=True)
        return Answer(response.status_code, payload, response.headers, _date(response.headers.get("Date")))

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
        with _deadline(self.limits.total) as deadline:
            self.calls += 1
            try:
                response = super().send(request, **kwargs)
                _read_body(response, self.limits.body, where)
            except (requests.RequestException, HTTPError, OSError) as error:
                failed = error
        # Raised outside the handler: the original carries the request and its Authorization header.
        sent = deadline.has_sent
        if deadline.is_over:
            raise Outage(f"{where} took more than {self.limits.total:g} s.", code="deadline", unclear=sent)
        if failed is not None:
            code = _transport_code(failed) if sent else "unreachable"
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
            if payload is _UNREADABLE:
                return Outage(text, code="blocked", after=_retry_after(headers, self._now))
            return ScopeMissing(text, code=code)
        if status in (420, 429):
            return Throttled(text, code=code, after=_retry_after(headers, self._now) or timedelta(seconds=10))
        if status in (408, 425) or status >= 500:
            after = _retry_after(headers, self._now)
            return Outage(text, code=code or f"http_{status}", after=after, unclear=True)
        return Misuse(text, code=code or f"http_{status}", field=field_name)

    def _scrubbed(self, text: str) -> str:
        later = self.auth.secrets() if isinstance(self.auth, Renewing) else ()
        for secret in (*self._secrets, *later):
            text = text.replace(secret, "…") if secret else text
        return text


# --- the total deadline ----------------------------------------------------------------------------------


class _Deadline:
    """Cuts every socket it watches when its time is over. A cut wakes a blocked read, whatever it was waiting for.

    It also knows whether any byte of the request left: before that, a failure is clearly not a write.
    """

    def __init__(self) -> None:
        self.is_over = False
        self.has_sent = False
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()

    def watch(self, sock: socket.socket) -> None:
        """Hold a duplicate: the original is replaced by TLS and may be closed before the body is read."""
        twin = socket.fromfd(sock.fileno(), sock.family, sock.type)
        with self._lock:
            self._sockets.append(twin)
            if self.is_over:
                _cut(twin)

    def expire(self) -> None:
        """Called by the timer's thread."""
        with self._lock:
            self.is_over = True
            for sock in self._sockets:
                _cut(sock)

    def release(self) -> None:
        """Close the duplicates."""
        with self._lock:
            for sock in self._sockets:
                sock.close()
            self._sockets.clear()


def _cut(sock: socket.socket) -> None:
    with suppress(OSError):  # the other side was faster
        sock.shutdown(socket.SHUT_RDWR)


@contextmanager
def _deadline(seconds: float) -> Iterator[_Deadline]:
    deadline = _Deadline()
    timer = threading.Timer(seconds, deadline.expire)
    timer.daemon = True
    timer.start()
    _active.deadline = deadline
    try:
        yield deadline
    finally:
        timer.cancel()
        _active.deadline = None
        deadline.release()


class _Watched(urllib3.connection.HTTPConnection):
    """Shows its socket to the deadline of the current call: a new one while connecting, a kept one when
    reused."""

    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        _watch(sock)
        return sock

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request on this connection."""
        if self.sock is not None:
            _watch(self.sock)
        super().request(*args, **kwargs)

    def send(self, data: Any) -> None:
        """Send bytes, connecting first where need be, as http.client does; from here on the outcome may be unclear."""
        if self.sock is None:
            self.connect()
        deadline: _Deadline | None = getattr(_active, "deadline", None)
        if deadline is not None:
            deadline.has_sent = True
        super().send(data)


class _WatchedTls(_Watched, urllib3.connection.HTTPSConnection):
    """The same over TLS; the duplicate taken before the handshake stays valid for it."""


def _watch(sock: Any) -> None:
    deadline: _Deadline | None = getattr(_active, "deadline", None)
    if deadline is not None:
        deadline.watch(sock)


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Watched


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


class _GuardedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


# --- reading answers -------------------------------------------------------------------------------------

_ESCAPED = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_UNREADABLE: Any = object()


def _read_body(response: requests.Response, most: int, where: str) -> None:
    parts, size = [], 0
    try:
        for chunk in response.iter_content(65536):
            size += len(chunk)
            if size > most:
                raise Outage(f"{where} answered more than {most} bytes.", code="too_large", unclear=True)
            parts.append(chunk)
    except BaseException:
        response.close()
        raise
    response._content = b"".join(parts)


def _decoded(response: requests.Response) -> Any:
    """The JSON value, None for an empty body that claims nothing, or the mark for what cannot be read."""
    if not response.content:
        return None if response.status_code == 204 else _UNREADABLE
    if "html" in response.headers.get("Content-Type", "").lower():
        return _UNREADABLE
    try:
        return read_json(response.content)
    except (ValueError, RecursionError):
        return _UNREADABLE


def read_json(content: bytes) -> Any:
    """The value without characters that no database stores: NUL and lone surrogates, which JSON can spell.

    Raises ValueError and RecursionError.
    """
    value = json.loads(content)
    return _storable(value) if _ESCAPED.search(content) else value


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(each) for name, each in value.items()}
    return value


def _told(payload: Any) -> tuple[str, str, str]:
    """Code, message and field in the CRM's words, if it used the shape `{"error": {…}}`; cut to a sane
    length."""
    error = payload.get("error") if isinstance(payload, dict) else None
    if not isinstance(error, dict):
        return "", "", ""
    return (
        str(error.get("code", ""))[:80],
        str(error.get("message", ""))[:300],
        str(error.get("field") or "")[:80],
    )


def _transport_code(failed: Exception) -> str:
    text = repr(failed)
    if isinstance(failed, requests.Timeout) or "ReadTimeout" in text or "timed out" in text:
        return "timeout"
    return "broken" if "IncompleteRead" in text or "ContentDecoding" in text else "reset"


def _retry_after(headers: Mapping[str, str], now: Callable[[], datetime]) -> timedelta | None:
    """Retry-After as seconds or as a date (against the server's own Date), at least a second, at most a day."""
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        wait = timedelta(seconds=float(text))
    elif moment := _date(text):
        wait = moment - (_date(headers.get("Date")) or now())
    else:
        return None
    return min(max(wait, timedelta(seconds=1)), timedelta(days=1))


def _date(text: str | None) -> datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(text or "")
    except (ValueError, TypeError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
