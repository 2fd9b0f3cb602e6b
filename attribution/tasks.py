"""Background work of the attribution app."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from attribution.actions.run_attribution import RunInProgress, run_attribution


@shared_task(name="attribution.tasks.recompute_changed")
def recompute_changed(reason: str = "regular check") -> int | None:
    """Recompute what changed; returns how many opportunities, or None while another run is under way."""
    try:
        return run_attribution(at=timezone.now(), reason=reason).opportunities_recomputed
    except RunInProgress:
        return None
