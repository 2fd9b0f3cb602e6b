"""Background work of the attribution app."""

from __future__ import annotations

import secrets

import structlog
from celery import shared_task
from django.utils import timezone

from attribution.actions.accuracy.check_accuracy_when_due import check_accuracy_when_due
from attribution.actions.accuracy.measure_accuracy import measure_accuracy
from attribution.actions.accuracy.run_simulation import run_simulations
from attribution.actions.runs.hold_run import InputsChanged, RunInProgress
from attribution.actions.runs.recompute_when_due import recompute_when_due
from attribution.actions.runs.refit_when_due import refit_when_due
from attribution.actions.runs.work_on_runs import work_on_runs as work

log = structlog.get_logger(__name__)


@shared_task(name="attribution.tasks.recompute_changed")
def recompute_changed(reason: str = "regular check") -> int | None:
    """Recompute what changed; returns how many opportunities, or None when there was no need or another run is on."""
    try:
        run = recompute_when_due(at=timezone.now(), reason=reason)
    except (RunInProgress, InputsChanged):
        return None
    if run is not None and run.state == run.State.WAITING:
        nudge_runs()
    return run.opportunities_recomputed if run else None


@shared_task(name="attribution.tasks.refit_methods")
def refit_methods() -> str | None:
    """Once a week, plan a run that lets data-driven methods learn anew; returns its public id."""
    run = refit_when_due(at=timezone.now())
    return str(run.public_id) if run else None


@shared_task(name="attribution.tasks.work_on_runs")
def work_on_runs() -> int:
    """Take up planned runs, compute their free parts and finish them; returns how many parts."""
    return work(clock=timezone.now)


@shared_task(name="attribution.tasks.check_accuracy")
def check_accuracy() -> bool:
    """Once a month, measure the three accuracies; says whether it did."""
    return check_accuracy_when_due(at=timezone.now(), seed=secrets.randbits(31))


@shared_task(name="attribution.tasks.measure")
def measure() -> int:
    """Measure accuracies and run simulations that somebody asked for; returns how many."""
    return run_simulations(clock=timezone.now) + measure_accuracy(clock=timezone.now, seed=secrets.randbits(31))


def nudge_measure() -> None:
    """Ask a worker to look after requested measurings now. Only a hint, as below."""
    try:
        measure.apply_async(retry=False, expires=60)
    except Exception as error:
        log.warning("nudge_failed", error=type(error).__name__)


def nudge_runs() -> None:
    """Ask a worker to look after planned runs now. Only a hint: without a broker the next sweep finds them."""
    try:
        work_on_runs.apply_async(retry=False, expires=60)
    except Exception as error:
        log.warning("nudge_failed", error=type(error).__name__)
