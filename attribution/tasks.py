"""Background work of the attribution app."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from attribution.actions.hold_run import InputsChanged, RunInProgress
from attribution.actions.recompute_when_due import recompute_when_due
from attribution.actions.work_on_runs import work_on_runs as work


@shared_task(name="attribution.tasks.recompute_changed")
def recompute_changed(reason: str = "regular check") -> int | None:
    """Recompute what changed; returns how many opportunities, or None when there was no need or another run is on."""
    try:
        run = recompute_when_due(at=timezone.now(), reason=reason)
    except (RunInProgress, InputsChanged):
        return None
    return run.opportunities_recomputed if run else None


@shared_task(name="attribution.tasks.work_on_runs")
def work_on_runs() -> int:
    """Take up planned runs, compute their free parts and finish them; returns how many parts."""
    return work(clock=timezone.now)
