"""Let data-driven methods learn anew once a week."""

from __future__ import annotations

from datetime import datetime, timedelta

from attribution.actions.runs.request_run import request_run
from attribution.models import AttributionRun
from leads.models import Opportunity

EVERY = timedelta(days=7)


def refit_when_due(*, at: datetime) -> AttributionRun | None:
    """Plan a run that refits first, unless one was begun within the week or there is nothing to learn from."""
    begun = AttributionRun.objects.filter(refits=True, started_at__gt=at - EVERY)
    if begun.exclude(state=AttributionRun.State.FAILED).exists() or not Opportunity.objects.won().exists():
        return None
    return request_run(kind="refit", at=at, by=None, reason="weekly refit")
