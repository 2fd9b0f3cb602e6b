"""What happened to a lead of the demo company, before it is written to the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from leads.pure.scoring.score import Score


@dataclass(slots=True)
class Passage:
    """A step between stages; `by` is the id of a person, None for the system. What a deal brings comes with the CRM."""

    at: datetime
    from_stage: str
    to_stage: str
    is_inferred: bool
    because: str
    reason: str = ""
    by: int | None = None
    is_from_deal: bool = False


@dataclass(slots=True)
class Promise:
    """A follow-up, done when `done_at` is set."""

    kind: str
    because: str
    planned_at: datetime
    due_at: datetime
    done_at: datetime | None = None
    outcome: str = ""


@dataclass(slots=True)
class Given:
    """A score a lead was given at a moment."""

    at: datetime
    score: Score


@dataclass(slots=True)
class Story:
    """One lead's way through the portal. `territory` and `owner` are ids as given to `Intake`."""

    territory: int | None = None
    owner: int | None = None
    rule: int | None = None
    because: str = ""
    passed_over: list[dict[str, str]] = field(default_factory=list)
    rotation: dict[str, int] = field(default_factory=dict)
    stage: str = ""
    passages: list[Passage] = field(default_factory=list)
    assigned_at: datetime | None = None
    promises: list[Promise] = field(default_factory=list)
    scores: list[Given] = field(default_factory=list)
    now: Score | None = None
    """What is shown at the end, when the last one has decayed."""
