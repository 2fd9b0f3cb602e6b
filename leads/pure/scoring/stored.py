"""Scores as they are stored, and what they are worth on a later company day without another look at the lead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, cast

from leads.pure.scoring.rules import RuleSet, Side
from leads.pure.scoring.score import Reason, Score, aged, score_of

Stored = Mapping[str, Any]


def to_stored(score: Score) -> list[dict[str, Any]]:
    """The reasons as JSON: what is shown of each, and from what it decays.

    Reasons that caps cut to nothing are kept: once others have decayed, they count again.
    """
    return [
        {
            "rule": shown.rule,
            "points": shown.points,
            "because": shown.because,
            "rule_id": counted.rule_id,
            "side": counted.side,
            "each": counted.each,
            "said": counted.said or counted.because,
            **({"days": [day.isoformat() for day in counted.days]} if counted.days else {}),
            **({"half_life": counted.half_life} if counted.half_life is not None else {}),
        }
        for shown, counted in zip(score.reasons, score.counted, strict=True)
    ]


def from_stored(reasons: Iterable[Stored], on: date) -> list[Reason]:
    """The reasons before caps, as old as they are on a company day; those that have decayed to nothing are left out."""
    return [reason for each in reasons if (reason := _reason(each, on)).points]


def is_aging(reasons: Sequence[Stored]) -> bool:
    """Whether the stored form says from what it decays: scores of before decay by company day do not."""
    return all("each" in each for each in reasons)


def score_on(reasons: Sequence[Stored], rule_set: RuleSet, on: date, turns_on: date | None) -> Score:
    """A stored score on a later company day, before the day on which the facts must be looked at again."""
    return score_of(from_stored(reasons, on), rule_set, on, turns_on)


def told(reasons: Iterable[Reason]) -> list[dict[str, Any]]:
    """Reasons as the API and other systems are told them."""
    return [{"rule": each.rule, "points": each.points, "because": each.because} for each in reasons]


def _reason(stored: Stored, on: date) -> Reason:
    side = cast(Side, stored.get("side", "fit"))
    days = tuple(date.fromisoformat(day) for day in stored.get("days", ()))
    each = int(stored["each"])
    if side == "fit":
        because = stored["because"].partition(" (cut from ")[0]
        return Reason(stored["rule"], each, because, stored.get("rule_id", 0), side, each=each)
    reason = Reason(
        stored["rule"],
        0,
        "",
        stored.get("rule_id", 0),
        side,
        stored.get("said", ""),
        each,
        days,
        stored.get("half_life"),
    )
    return aged(reason, on)
