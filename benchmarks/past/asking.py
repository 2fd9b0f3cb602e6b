"""The figures that are asked, with how many rows of a funnel, and how asking is timed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from inspect import signature
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.timing import processor

SIZES = {"demo": (20_000, 1_500), "1m": (1_000_000, 10_000)}
"""Touchpoints and deals."""
LEAST = 0.2
"""Seconds of a turn: the processor time of another process is told in hundredths."""
FIGURES = (
    "leads.captured",
    "leads.inquiries",
    "leads.mqls",
    "leads.conversion.mql_to_sql",
    "leads.speed_to_lead",
    "pipeline.created",
    "pipeline.influenced",
    "pipeline.open",
    "pipeline.won",
    "spend.total",
)
TODAY, VALUE = "pipeline.open, today", ", the value alone"
"""A stock of now instead of one at the end of a past quarter; a figure without its rows."""
LIVE = (*FIGURES, TODAY, *(each + VALUE for each in ("pipeline.created", "pipeline.open", TODAY, "pipeline.won")))
"""What `benchmarks/past/live.py` asks."""


def asking(question: str) -> Callable[[], Any]:
    """Asks for a figure of a quarter with the first rows of each of its parts; see also TODAY and VALUE."""
    from leads.figures.base import Scope, figure
    from leads.pure.week import Period

    tz = ZoneInfo("Europe/Berlin")
    is_value, is_today = question.endswith(VALUE), question.startswith(TODAY)
    key = question.split(",")[0]
    period = Period.of_dates(date(2026, 7, 1), date(2026, 10, 1), tz)
    at = datetime(2026, 10, 1, tzinfo=UTC)
    if is_today:
        period, at = Period.of_dates(date(2026, 10, 1), date(2027, 1, 1), tz), datetime(2026, 12, 15, tzinfo=UTC)
    scope = Scope(period=period, at=at, tz=tz, currency="EUR")

    # The tree of before versions asks every part, whatever its sums told.
    listed = {} if is_value or "with_rows" not in signature(figure).parameters else {"with_rows": True}

    def ask() -> None:
        found = figure(key, scope, **listed)
        if not is_value:
            for part in found.parts.values():
                part.rows(0, 25)

    return ask


def spent(work: Callable[[], Any]) -> float:
    """Seconds of processor time of one go; done again until enough have passed."""
    began, goes = processor(), 0
    while (passed := processor() - began) < LEAST and goes < 1_000:
        work()
        goes += 1
    return passed / goes
