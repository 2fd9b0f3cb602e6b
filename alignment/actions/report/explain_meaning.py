"""Explain what another definition of a figure makes of a published number."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from alignment.actions.report.call_change import Cause, definition_changed
from alignment.models import WeeklyReport
from alignment.pure import ledger, sealing
from alignment.pure.ledger import Number
from leads.figures.base import definition

INCOMPARABLE = "The two versions have other parts or another unit, so that their rows cannot be compared."


def explain_incomparable(*, report: WeeklyReport, entry: str, current: Number | None, now: datetime) -> dict[str, Any]:
    """The ledger of a figure whose definition changed so much that its rows tell nothing about the difference."""
    about = report.content["figures"][entry]
    meaning = definition_changed(about["version"], definition(about["figure"]).version)
    change = None if None in (about["value"], current) else current - about["value"]
    kept: dict[str, Any] = sealing.plain(
        {
            "known_at": now,
            "unit": about["unit"],
            "name": about["name"],
            "entries": [entry],
            "is_sum": False,
            "change": change,
            "interaction": None if change is None else 0,
            "parts": [],
            "note": INCOMPARABLE,
            "causes": [
                {
                    "key": meaning.key,
                    "words": meaning.words,
                    "is_correction": False,
                    "effect": change,
                    "count": 0,
                    "lines": [],
                    "more": 0,
                    "more_amounts": {},
                }
            ],
        }
    )
    return kept


def by_definition(
    found: ledger.Effects, meaning: Cause, published: Number | None, first: Number | None, last: Number | None
) -> ledger.Effects:
    """The same with what the definition alone makes of the published rows."""
    change = None if published is None or last is None else last - published
    own = None if published is None or first is None else first - published
    alone = dict(found.alone)
    if own is None or alone.get(meaning, 0) is None:
        return ledger.Effects({**alone, meaning: None}, None, change)
    if own or meaning in alone:
        alone[meaning] = (alone.get(meaning) or 0) + own
    return ledger.Effects(alone, found.interaction, change)
