"""What testers steer while the server runs: `/_scenario` switches faults on, `/_calls` counts calls by route.

    PUT /_scenario {"dialect": "pipedrive", "faults": […], "seed": 0, "clock": {…}, "rate": 10}
    GET /_scenario · DELETE /_scenario · GET /_calls · DELETE /_calls

Both need the server's own bearer token. For the faults see `dialects/scenario.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .dialects import dialects
from .dialects.scenario import read_clock, read_faults
from .messages import Answer, Request, json_answer
from .rules import Refused

if TYPE_CHECKING:
    from .server import SandboxServer

PATHS = ("/_scenario", "/_calls")


def answer(server: SandboxServer, request: Request) -> Answer:
    """One of the two; the caller has been let in already."""
    opened = {kind: server.dialect(kind) for kind in dialects()}
    if request.path == "/_calls" and request.method == "DELETE":
        for each in opened.values():
            each.calls.clear()
        server.calls.clear()
    if request.path == "/_calls":
        counts = {kind: each.calls.shown() for kind, each in opened.items()}
        return json_answer({"calls": counts | {"sandbox": server.calls.shown()}})
    if request.method == "PUT":
        _set(server, request.json())
    elif request.method == "DELETE":
        for each in opened.values():
            each.scenario.set()
            each.set_rate(None)
            read_clock(each.clock, {})
    return json_answer({"scenario": {kind: each.scenario.shown() for kind, each in opened.items()}})


def _set(server: SandboxServer, told: dict[str, Any]) -> None:
    kind, rate = told.get("dialect"), told.get("rate")
    if kind not in dialects():
        raise Refused("unknown_dialect", f"dialect is one of {', '.join(dialects())}.", "dialect", 400)
    if rate is not None and (isinstance(rate, bool) or not isinstance(rate, (int, float)) or rate <= 0):
        raise Refused("invalid_rate", "rate is calls a second, above 0, or null.", "rate", 400)
    dialect = server.dialect(str(kind))
    dialect.scenario.set(*read_faults(told.get("faults", [])), seed=int(told.get("seed", 0)))
    read_clock(dialect.clock, told.get("clock") or {})
    dialect.set_rate(rate)
