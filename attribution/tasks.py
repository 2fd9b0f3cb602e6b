"""Background work of the attribution app."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from attribution.actions.recompute_when_due import recompute_when_due
from attribution.actions.run_attribution import RunInProgress


@shared_task(name="attribution.tasks.recompute_changed")
def recompute_changed(reason: str = "regular check") -> int | None:
    """Recompute what changed; returns how many opportunities, or None when there was no need or another run is on."""
    try:
        run = recompute_when_due(at=timezone.now(), reason=reason)
    except RunInProgress:
        return None
    return run.opportunities_recomputed if run else None
