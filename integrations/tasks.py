"""Background work of the integrations app. Messages are hints: the rows say what is to be done."""

from __future__ import annotations

import secrets

import structlog
from celery import shared_task
from django.utils import timezone

from integrations.actions.plan_syncs import follow_changes, run_due_syncs, run_job

log = structlog.get_logger(__name__)


@shared_task
def enqueue_changes() -> int:
    """Owe the CRMs what changed about leads."""
    return follow_changes(at=timezone.now())


@shared_task
def sync_due_connections() -> int:
    """The day's syncs, those that people asked for, and due retries."""
    return run_due_syncs(clock=timezone.now, seed=secrets.randbits(32))


@shared_task
def sync_connection(job_id: int) -> bool:
    """One planned sync, now."""
    return run_job(job_id=job_id, clock=timezone.now, seed=secrets.randbits(32))


def nudge_sync(job_id: int) -> None:
    """Ask a worker to begin now. Only a hint: without a broker the next sweep finds the planned sync."""
    try:
        sync_connection.apply_async((job_id,), retry=False, expires=300)
    except Exception as error:
        log.warning("nudge_failed", error=type(error).__name__)
