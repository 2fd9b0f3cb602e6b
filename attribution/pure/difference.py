"""What a run changed: opportunities by cause, and the money that moved between campaigns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

TOP = 10
CAUSES = ("new_opportunity", "rules", "amount", "stage", "touches")
"""Why credits were recomputed: a deal not seen before, other settings or method versions, another amount, another
status, opening or close, other touches (new ones, merges, contact roles)."""

Totals = Mapping[tuple[str, int | None], int]
"""(method, campaign id or None) → cents."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is remembered of a deal's inputs beside their hash."""

    status: str
    amount_cents: int
    opened_at: datetime
    closed_at: datetime | None


def causes(before: Facts | None, now: Facts, *, is_other_rules: bool, is_other_hash: bool) -> list[str]:
    """Every cause that applies, in the order of CAUSES; none when the journey is what it was."""
    if before is None:
        return ["new_opportunity"]
    if not is_other_hash:
        return []
    found = ["rules"] if is_other_rules else []
    if before.amount_cents != now.amount_cents:
        found.append("amount")
    if (before.status, before.opened_at, before.closed_at) != (now.status, now.opened_at, now.closed_at):
        found.append("stage")
    return found or ["touches"]


def moved(before: Totals, after: Totals, names: Mapping[int, str]) -> dict[str, Any]:
    """Per method: the sum of what campaigns gained and lost in cents, and the campaigns that changed most."""
    methods = sorted({method for method, _ in (*before, *after)})
    out: dict[str, Any] = {}
    for method in methods:
        places = {place for key, place in (*before, *after) if key == method}
        deltas = {place: after.get((method, place), 0) - before.get((method, place), 0) for place in places}
        changed = sorted(
            ((place, cents) for place, cents in deltas.items() if cents),
            key=lambda entry: (-abs(entry[1]), str(entry[0])),
        )
        out[method] = {
            "gained_cents": sum(cents for _, cents in changed if cents > 0),
            "lost_cents": -sum(cents for _, cents in changed if cents < 0),
            "campaigns": [
                {"campaign": "" if place is None else names.get(place, ""), "cents": cents}
                for place, cents in changed[:TOP]
            ],
        }
    return out
