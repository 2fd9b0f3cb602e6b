"""Who writes, through which door, and why that was allowed. The database copies it into every change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from leads.past.moments import to_micros
from leads.past.snapshot import forget_snapshots


class Door(StrEnum):
    """Where a change came in."""

    PAGE = "page"
    ADMIN = "admin"
    API = "api"
    IMPORT = "import"
    CRM = "crm"
    RULE = "rule"
    JOB = "job"
    COMMAND = "command"
    MIGRATION = "migration"
    DIRECT = "direct"


@dataclass(frozen=True, slots=True)
class Acting:
    """The writer of what follows.

    ``actor`` is a user's id; ``source`` names what wrote in their place or on their behalf (an API key, an import's
    file, a CRM run, a job); ``because`` says why it was allowed (a role, a key's scope, a rule). ``at`` backdates
    changes, which only seeding and tests do.
    """

    door: str = Door.DIRECT
    actor: int | None = None
    source: str = ""
    because: str = ""
    at: int | None = None


COMMAND_LINE = "Access to the server"
"""Why commands may write: whoever can run them can do everything."""
_NOBODY = Acting()
_acting: ContextVar[Acting] = ContextVar("acting", default=_NOBODY)


def acting() -> Acting:
    """Whoever writes now; the door is "direct" where no door has said anything."""
    return _acting.get()


@contextmanager
def act(door: str, *, actor: int | None = None, source: str = "", because: str = "") -> Iterator[None]:
    """Record changes of this block under a door. An outer person stays the actor unless another is named."""
    outer = _acting.get()
    inner = Acting(door, outer.actor if actor is None else actor, source[:120], because[:200], outer.at)
    token = _acting.set(inner)
    try:
        yield
    finally:
        _acting.reset(token)


def act_on(door: str, *, actor: int | None = None, source: str = "", because: str = "") -> None:
    """Name the writer for the rest of the block that `act` opened: a door often learns only inside who came through it.

    Outside such a block nobody is named, for the name would stay with whatever the thread does next.
    """
    outer = _acting.get()
    if outer.door != Door.DIRECT:
        _acting.set(replace(outer, door=door, actor=actor, source=source[:120], because=because[:200]))


@contextmanager
def backdated(at: datetime) -> Iterator[None]:
    """Record changes of this block as of ``at``. For seeding and tests alone."""
    token = _acting.set(replace(_acting.get(), at=to_micros(at)))
    forget_snapshots()
    try:
        yield
    finally:
        _acting.reset(token)
        forget_snapshots()
