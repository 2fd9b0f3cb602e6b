"""Whose a visit was, where several people used one browser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Known:
    """At a moment the visitor said who they are."""

    at: datetime
    lead_id: int


def owner_at(known: Sequence[Known], at: datetime) -> int | None:
    """The lead a visit belongs to: whoever said so last before it, else whoever was the first to say so."""
    told = sorted(known, key=lambda each: (each.at, each.lead_id))
    before = [each for each in told if each.at <= at]
    chosen = before[-1] if before else told[0] if told else None
    return chosen.lead_id if chosen else None
