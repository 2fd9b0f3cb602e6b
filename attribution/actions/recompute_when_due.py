"""Ask cheaply whether credits could have changed, and recompute only then."""

from __future__ import annotations

from datetime import datetime, timedelta

from attribution.actions.run_attribution import run_attribution
from attribution.models import AttributionRun
from leads.models import Opportunity, Touchpoint

# Rows of transactions that were still open at the last look carry earlier times than it.
OVERLAP = timedelta(minutes=1)
# Changes that leave no time of their own (settings, channel rules, merges) wait for a look at everything.
AT_LEAST_EVERY = timedelta(minutes=15)


def recompute_when_due(*, at: datetime, reason: str) -> AttributionRun | None:
    """Run incrementally after news of a deal or of a touch of its people, else every quarter of an hour.

    Returns None when there was no need. Raises RunInProgress.
    """
    last = AttributionRun.objects.filter(state=AttributionRun.State.DONE).order_by("-started_at").first()
    if last is not None and at - last.started_at < AT_LEAST_EVERY and not _has_news(last.started_at - OVERLAP):
        return None
    return run_attribution(at=at, reason=reason)


def _has_news(since: datetime) -> bool:
    return (
        Opportunity.objects.filter(changed_at__gt=since).exists()
        or Touchpoint.objects.filter(recorded_at__gt=since, lead__deal_roles__isnull=False).exists()
    )
