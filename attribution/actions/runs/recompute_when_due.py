"""Ask cheaply whether credits could have changed, and recompute only what could."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from attribution.actions.runs.request_run import request_run
from attribution.actions.runs.run_attribution import run_attribution, run_for
from attribution.models import AttributionRun, JourneyState
from attribution.queries.changes import changed_opportunities, robbed_opportunities, short_opportunities
from attribution.queries.columns import listed
from attribution.queries.rules import rules_in_force
from attribution.queries.runs import last_run
from leads.models import Opportunity

# Rows of transactions that were still open at the last look carry earlier times than it.
OVERLAP = timedelta(minutes=1)
# What is changed without a word waits for a comparison of everything.
COMPARE_EVERY = timedelta(hours=1)
SHARED_ABOVE = 20_000
"""More opportunities than this are split over workers."""


def recompute_when_due(*, at: datetime, reason: str) -> AttributionRun | None:
    """Recompute opportunities with news since the last look; everything after other rules, and once an hour.

    Returns the run, which waits for workers where there is much to do, or None when nothing had changed. Raises
    RunInProgress and InputsChanged.
    """
    last, force = last_run(), rules_in_force()
    compared = last.compared_at if last else None
    is_other = last is None or (last.settings, last.methods) != (force.settings, force.methods)
    # A run of the future: the clock was set back, and the times of rows say nothing until it has caught up.
    is_ahead = last is not None and last.started_at > at
    if last is None or is_other or is_ahead or compared is None or at - compared >= COMPARE_EVERY:
        _note_short(force.scopes)
        return _everything(last, is_other, at, reason)
    since = max(last.checked_at or last.started_at, last.started_at) - OVERLAP
    changed = changed_opportunities(since=since, scopes=force.scopes, needs_points=force.rules.needs_points)
    found = sorted({*changed, *robbed_opportunities(scopes=force.scopes)})
    if len(found) > SHARED_ABOVE:
        return request_run(kind="incremental", at=at, by=None, reason=reason)
    run = run_for(opportunities=found, at=at, reason=reason) if found else None
    if run is None:
        _note(last, at, compared)
    return run


def _everything(last: AttributionRun | None, is_other: bool, at: datetime, reason: str) -> AttributionRun | None:
    if is_other and Opportunity.objects.count() > SHARED_ABOVE:
        return request_run(kind="incremental", at=at, by=None, reason=reason)
    if is_other and last is not None:
        # Even if no credit changes, the settings they stand under do.
        return run_attribution(at=at, reason=reason)
    run = run_for(opportunities=None, at=at, reason=reason)
    if run is None and last is not None:
        _note(last, at, at)
    return run


def _note_short(scopes: Sequence[str]) -> None:
    """Opportunities that lack credits although nothing they were computed from changed; their hashes will differ."""
    if short := short_opportunities(scopes=scopes):
        JourneyState.objects.filter(opportunity__in=listed(short)).update(hash_high=0)


def _note(last: AttributionRun, at: datetime, compared: datetime | None) -> None:
    """Nothing had changed: the last run's credits are the present ones as of now."""
    AttributionRun.objects.filter(pk=last.pk).update(checked_at=at, compared_at=compared)
