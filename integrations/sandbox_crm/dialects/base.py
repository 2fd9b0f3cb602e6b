"""A dialect: one vendor's API over a record store, and what all of them share around a call.

A vendor's file declares `DIALECT`, a subclass of `Dialect` with its prefix, object types, routes and handlers:

    class Acme(Dialect):
        kind, name, prefix = "acme", "Acme", "/acme"
        objects = (ObjectType("person", "People", terms=…, unique=frozenset({"external_id"})),)
        routes = (Route("GET", "/api/persons", "persons"), Route("POST", "/oauth/token", "token", is_open=True))

        def persons(self, call: Call) -> Answer:
            rows = self.records.page("person", …)
            return json_answer({"data": call.page([self.shown(row) for row in rows])})

`answer` finds the route, checks the sign-in and the rate, lets the scenario strike, runs the handler in one transaction
where it writes, shapes `Refused` by `error`, adds `headers`, counts and logs. Handlers ask the call for what the
scenario wants of them: `call.page(rows)` for pages, `call.fails_row(n)` in batches.
"""

import base64
import hashlib
import hmac
import json
import math
import re
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC
from decimal import Decimal
from email.utils import format_datetime
from html import escape
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from urllib.parse import quote, unquote

from ..messages import Answer, Request, json_answer
from ..meters import Bucket, Calls
from ..rules import Refused
from .records import Records
from .scenario import Fault, Scenario, spoiled
from .shapes import Clock, ObjectType, Record

RowT = TypeVar("RowT")
TROUBLES = ("status", "html", "reset", "timeout", "half", "drip")


@dataclass(frozen=True, slots=True)
class Route:
    """A verb, a path below the prefix with `{names}`, and the method that answers. Its name in the counts is
    `VERB path`. `is_open`: no sign-in. A POST that only reads says `is_read`."""

    verb: str
    path: str
    handler: str
    is_open: bool = False
    is_read: bool = False

    @property
    def name(self) -> str:
        """How faults and counts name it: `POST /api/v2/persons`."""
        return f"{self.verb} {self.path}"

    @property
    def writes(self) -> bool:
        """Whether it runs in a transaction."""
        return self.verb != "GET" and not self.is_read


@dataclass(slots=True)
class Call:
    """One request on its way through a dialect. `values` are the path's names; `base_url` is this dialect's own
    address as the caller sees it, for links in answers."""

    request: Request
    route: Route
    values: Mapping[str, str]
    base_url: str
    scenario: Scenario
    faults: list[Fault] = field(default_factory=list)

    def fails_row(self, index: int) -> bool:
        """Whether the scenario wants this row (from 0) of a batch refused."""
        return any(fault.kind == "rows" and index % fault.nth == fault.nth - 1 for fault in self.faults)

    def page(self, rows: Sequence[RowT]) -> list[RowT]:
        """The rows of a page as the scenario wants them shown."""
        shown, kinds = list(rows), {fault.kind for fault in self.faults}
        if "reorder" in kinds:
            shown.reverse()
        if "duplicate" in kinds and shown:
            before = self.scenario.last_rows.get(self.route.name)
            shown = [*([before] if before is not None else []), *shown, shown[0]]
        if rows:
            self.scenario.last_rows[self.route.name] = rows[-1]
        return shown


@dataclass(frozen=True, slots=True)
class Logged:
    """A call as it came, for tests that compare it with the vendor's description."""

    route: str
    request: Request
    status: int


class Tokens:
    """Access and refresh tokens that this CRM gave out. The server's own token never expires and serves as API key,
    client secret or whatever else a vendor's admin would copy by hand."""

    def __init__(self, records: Records, static: str) -> None:
        self.static, self._records = static, records

    def issue(self, kind: str = "access", seconds: float = 3600) -> str:
        """A new token of this kind."""
        token = secrets.token_urlsafe(24)
        self._records.keep_token(token, kind, time.time() + seconds)
        return token

    def is_good(self, token: str, kind: str = "access") -> bool:
        """Whether we gave it out and it has not expired."""
        expires = self._records.token_expiry(token, kind)
        return expires is not None and time.time() < expires

    def is_static(self, token: str) -> bool:
        """Whether it is the server's own."""
        return hmac.compare_digest(token.encode("utf-8", "replace"), self.static.encode())

    def expire(self, kind: str = "access") -> None:
        """All of this kind, now."""
        self._records.end_tokens(kind)


class Dialect:
    """One vendor's API; see the module. Subclasses fill the class attributes and override what differs."""

    kind: ClassVar[str]
    name: ClassVar[str]
    prefix: ClassVar[str]
    objects: ClassVar[tuple[ObjectType, ...]]
    routes: ClassVar[tuple[Route, ...]]
    people: ClassVar[str] = ""
    """The object whose records are people that a deal can be made with on the pages; empty for none."""
    resolution: ClassVar[str] = "seconds"
    """How fine its stamps are: seconds, milliseconds or microseconds."""

    def __init__(self, path: Path | str, token: str, *, rate: float | None = None) -> None:
        self.clock = Clock()
        self.records = Records(path, self.objects, resolution=self.resolution, clock=self.clock)
        self.tokens = Tokens(self.records, token)
        self.scenario, self.calls = Scenario(), Calls()
        self.log: deque[Logged] = deque(maxlen=2_000)
        self.set_rate(rate)
        self._patterns = [(re.compile(_pattern(route.path), re.ASCII), route) for route in self.routes]
        self.defaults()

    def close(self) -> None:
        """Close the file."""
        self.records.close()

    def set_rate(self, rate: float | None) -> None:
        """Calls a second before 429; None for no limit."""
        self.bucket = Bucket(rate) if rate else None

    # --- what a vendor says ---

    def defaults(self) -> None:
        """Make users, pipelines and stages where the file has none yet."""

    def sign_in(self, call: Call) -> None:
        """Raise `Refused` 401 unless the caller proves who it is. Here: a bearer, given out or the server's own."""
        given = call.request.headers.get("authorization", "").removeprefix("Bearer ")
        if not (self.tokens.is_static(given) or self.tokens.is_good(given)):
            raise Refused("unauthorized", "The access token is missing, wrong or expired.", status=401)

    def error(self, refused: Refused) -> Answer:
        """An error in the vendor's shape."""
        fault = refused.fault
        return json_answer({"error": {"code": fault.code, "message": fault.message}}, refused.status)

    def error_body(self, fault: Fault) -> Answer:
        """The vendor's answer to a fault of kind `status`; `fault.code` may choose between several."""
        words = {429: ("rate_limit", "Too many calls."), 403: ("forbidden", "Not for you.")}
        code, message = words.get(fault.status, ("internal", "Something failed here."))
        return self.error(Refused(fault.code or code, message, status=fault.status))

    # --- people who allow an app ---

    def authorize(self, call: Call) -> Answer:
        """The page on which a person allows an app, or does not. The code is good once, for ten minutes."""
        asked = call.request.one
        back = asked("redirect_uri")
        if (
            not asked("client_id")
            or asked("response_type", "code") != "code"
            or not back.startswith(("http:", "https:"))
        ):
            raise Refused("invalid_request", "client_id and redirect_uri are required.", status=400)
        code = self.tokens.issue("code", 600)
        kept = {name: asked(name) for name in ("client_id", "redirect_uri", "code_challenge")}
        with self.records.write():
            self.records.set_meta(f"code {code}", json.dumps(kept))
        further = "&" if "?" in back else "?"
        state = quote(asked("state"), safe="")
        yes, no = f"{back}{further}code={code}&state={state}", f"{back}{further}error=access_denied&state={state}"
        body = (
            f"<!doctype html><html lang=en><title>{escape(self.name)} sandbox</title><h1>Allow this app?</h1>"
            f"<p>{escape(asked('client_id'))} wants to read and write in this account.</p>"
            f'<p><a id="allow" href="{escape(yes)}">Allow</a> <a id="deny" href="{escape(no)}">Do not allow</a></p>'
        )
        return Answer(200, body.encode(), "text/html; charset=utf-8")

    def redeemed(self, form: Mapping[str, str], client: str) -> bool:
        """Whether the form brings a code that was given out for it; the code is void afterwards."""
        code = form.get("code", "")
        kept = self.records.meta(f"code {code}", "")
        if not kept or not self.tokens.is_good(code, "code"):
            return False
        with self.records.write():
            self.records.set_meta(f"code {code}", "")
        told = json.loads(kept)
        proof = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proven = base64.urlsafe_b64encode(proof).decode().rstrip("=")
        return (
            told["client_id"] == client
            and told["redirect_uri"] == form.get("redirect_uri")
            and told["code_challenge"] in ("", proven)
        )

    def headers(self, call: Call, answer: Answer) -> Mapping[str, str]:
        """Headers of every answer, such as the day's quota."""
        return {}

    def convert(self, do: Mapping[str, Any]) -> None:
        """A verb of `meanwhile` that only this vendor knows."""
        raise Refused("unknown_verb", f"There is no verb {do.get('verb')!a}.", status=400)

    def choices(self, kind: str, member: str) -> Sequence[tuple[str, str]]:
        """(value, label) of a member that people choose from on the pages, such as a deal's stage; else nothing."""
        return ()

    def open_deal(self, person: Record, *, name: str, amount: Decimal) -> tuple[str, str]:
        """Make a deal in euros with this person, as people do on the pages; returns its object and id."""
        raise Refused("not_found", "Nobody makes deals here.", status=404)

    def edited(self, record: Record, members: dict[str, Any]) -> dict[str, Any]:
        """What a person's edit of members sets beside them, such as when a deal moved."""
        return members

    # --- around a call ---

    def answer(self, request: Request) -> Answer:
        """Any request below the prefix (path without it) to its answer."""
        try:
            route, values = self._find(request)
        except Refused as refused:
            return self._dated(self.error(refused))
        base_url = f"http://{request.headers.get('host', '127.0.0.1')}{self.prefix}"
        call = Call(request, route, values, base_url, self.scenario)
        call.faults = self.scenario.due(route.name)
        answer = self._play(call)
        self.calls.add(route.name, answer.status)
        self.log.append(Logged(route.name, request, answer.status))
        return self._dated(replace(answer, headers={**self.headers(call, answer), **answer.headers}))

    def meanwhile(self, do: Mapping[str, Any]) -> None:
        """Something that happens to a record between two calls."""
        verb, kind, record_id = do.get("verb"), str(do.get("object")), str(do.get("id"))
        records = self.records
        verbs: dict[Any, Callable[[], Any]] = {
            "delete": lambda: records.delete(kind, record_id),
            "archive": lambda: records.archive(kind, record_id),
            "restore": lambda: records.restore(kind, record_id),
            "merge": lambda: records.merge(kind, record_id, str(do.get("into"))),
            "change": lambda: records.change(kind, record_id, do.get("members", {}), by="meanwhile"),
        }
        verbs.get(verb, lambda: self.convert(do))()

    def _find(self, request: Request) -> tuple[Route, dict[str, str]]:
        is_known = False
        for pattern, route in self._patterns:
            if found := pattern.fullmatch(request.path):
                if route.verb == request.method:
                    return route, {name: unquote(value) for name, value in found.groupdict().items()}
                is_known = True
        if is_known:
            raise Refused("method_not_allowed", f"{request.method} is not for this address.", status=405)
        raise Refused("not_found", "There is nothing at this address.", status=404)

    def _play(self, call: Call) -> Answer:
        for fault in call.faults:
            if fault.kind == "expire":
                self.tokens.expire()
            elif fault.kind == "meanwhile":
                if fault.hook:
                    fault.hook()
                if fault.do:
                    self.meanwhile(fault.do)
        trouble = next((fault for fault in call.faults if fault.kind in TROUBLES), None)
        answer = Answer(200) if trouble and not trouble.is_after else self._work(call)
        if trouble is None:
            return answer
        if trouble.kind == "status":
            body = self.error_body(trouble)
            wait = {} if trouble.retry_after is None else {"Retry-After": f"{trouble.retry_after:g}"}
            return replace(body, headers={**body.headers, **wait})
        return spoiled(answer, trouble)

    def _work(self, call: Call) -> Answer:
        try:
            if self.bucket and (wait := self.bucket.wait()):
                fault = Fault("status", status=429, retry_after=math.ceil(wait))
                body = self.error_body(fault)
                return replace(body, headers={**body.headers, "Retry-After": str(math.ceil(wait))})
            if not call.route.is_open:
                self.sign_in(call)
            with self.records.write() if call.route.writes else nullcontext():
                done: Answer = getattr(self, call.route.handler)(call, **call.values)
            return done
        except Refused as refused:
            return self.error(refused)

    def _dated(self, answer: Answer) -> Answer:
        date = format_datetime(self.clock().astimezone(UTC), usegmt=True)
        return replace(answer, headers={"Date": date, **answer.headers})

    @contextmanager
    def faults(self, *faults: Fault, seed: int = 0) -> Iterator[Scenario]:
        """For tests: `with dialect.faults(Fault("reset", "POST *")): …`."""
        self.scenario.set(*faults, seed=seed)
        try:
            yield self.scenario
        finally:
            self.scenario.set()


def _pattern(path: str) -> str:
    return re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
