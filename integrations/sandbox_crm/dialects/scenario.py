"""Faults switched on by tests and by `PUT /_scenario`: each names a route, when it strikes and how often.

    {"dialect": "pipedrive", "faults": [{"kind": "status", "status": 429, "retry_after": 2, "route": "POST */persons",
     "times": 3}], "clock": {"skew": -90}, "rate": 10}

Kinds, and what they read beside `route`, `times`, `skip`, `every` and `chance`:

- `status`: answer `status` (429, 500, …) in the vendor's shape, `retry_after` seconds when given; `after_write` true
  does the work first and then claims to have failed.
- `html`: an HTML page with `status` (200 or 403); `after_write` as above.
- `reset`: the connection is reset; `after_write` as above. `half`: half of the good answer's body.
- `timeout`: the work is done (`after_write` false: it is not) and the answer never comes.
- `drip`: the good answer, one byte each 50 ms for `seconds`.
- `rows`: every `nth` row of a batch is refused in the vendor's shape, the others are done.
- `duplicate`: a page repeats its first row and the last one of the page before. `reorder`: a page is turned round.
- `expire`: every access token is expired before this call.
- `meanwhile`: before this call, `do` happens: {"verb": "delete" | "archive" | "restore" | "merge" | "change" | one of
  the dialect's own such as "convert", "object": …, "id": …, "into": …, "members": {…}}, or in Python a `hook()`.

`times` null is for ever; `skip` lets the first n matching calls pass; `every` n strikes each n-th; `chance` with the
scenario's `seed` strikes at random, alike in every run.
"""

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from ..messages import Answer
from ..rules import Refused
from .shapes import Clock

KINDS = ("status", "html", "reset", "half", "timeout", "drip", "rows", "duplicate", "reorder", "expire", "meanwhile")
PAGE = b"<!DOCTYPE html><html><head><title>Please wait</title></head><body><h1>Please wait</h1></body></html>"


@dataclass
class Fault:
    """One thing that goes wrong; see the module."""

    kind: str
    route: str = "*"
    times: int | None = 1
    skip: int = 0
    every: int = 1
    chance: float = 1.0
    status: int = 500
    retry_after: float | None = None
    after_write: bool | None = None
    seconds: float = 30.0
    nth: int = 2
    code: str = ""
    """The vendor's own word for the error, where the dialect knows several for a status."""
    do: Mapping[str, Any] = field(default_factory=dict)
    hook: Callable[[], None] | None = None
    seen: int = 0
    struck: int = 0

    @property
    def is_after(self) -> bool:
        """Whether the work is done all the same."""
        return self.kind in ("timeout", "drip", "half") if self.after_write is None else self.after_write


class Scenario:
    """The faults of one dialect, in their order; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._random = random.Random(0)
        self.last_rows: dict[str, Any] = {}

    def set(self, *faults: Fault, seed: int = 0) -> None:
        """Replace all faults: `scenario.set(Fault("reset", "POST *", times=2))`; none ends the scenario."""
        with self._lock:
            self._faults, self._random = list(faults), random.Random(seed)
            self.last_rows.clear()

    def due(self, route: str) -> list[Fault]:
        """The faults that strike this call, copied; counts it."""
        struck = []
        with self._lock:
            for fault in self._faults:
                if not fnmatchcase(route, fault.route):
                    continue
                fault.seen += 1
                is_turn = fault.seen > fault.skip and (fault.seen - fault.skip - 1) % fault.every == 0
                is_left = fault.times is None or fault.struck < fault.times
                if is_turn and is_left and (fault.chance >= 1 or self._random.random() < fault.chance):
                    fault.struck += 1
                    struck.append(replace(fault))
        return struck

    def shown(self) -> list[dict[str, Any]]:
        """The faults with how often each was met and struck."""
        with self._lock:
            return [
                {each.name: getattr(fault, each.name) for each in fields(Fault) if each.name != "hook"}
                for fault in self._faults
            ]


def read_faults(rows: Any) -> list[Fault]:
    """Faults from JSON; raises `Refused` 400."""
    known = {each.name for each in fields(Fault)} - {"hook", "seen", "struck"}
    if not isinstance(rows, list) or not all(isinstance(row, dict) and row.get("kind") in KINDS for row in rows):
        raise Refused("invalid_fault", f"faults is a list of objects with a kind of {', '.join(KINDS)}.", "faults", 400)
    if unknown := sorted(set().union(*rows) - known):
        raise Refused("unknown_field", f"A fault has no {unknown[0][:60]!a}.", "faults", 400)
    return [Fault(**row) for row in rows]


def read_clock(clock: Clock, told: Mapping[str, Any]) -> None:
    """Set a clock from {"skew": seconds, "frozen": ISO time or null}."""
    try:
        frozen = told.get("frozen")
        moment = datetime.fromisoformat(frozen) if frozen else None
        clock.skew, clock.frozen = timedelta(seconds=float(told.get("skew", 0))), moment
    except (TypeError, ValueError, OverflowError):
        raise Refused("invalid_clock", "clock holds skew (seconds) and frozen (an ISO time).", "clock", 400) from None


def spoiled(answer: Answer, fault: Fault) -> Answer:
    """What a fault makes of a good answer on its way out."""
    if fault.kind == "html":
        return Answer(fault.status, PAGE, "text/html; charset=utf-8")
    return replace(answer, trouble=fault.kind, seconds=fault.seconds)
