"""Background work of the integrations app. Messages are hints: the rows say what is to be done."""

from __future__ import annotations

import secrets
from typing import Any

import structlog
from celery import shared_task
from django.utils import timezone

from integrations.actions.hear_webhook import look_at_hints
from integrations.actions.jobs.follow_changes import follow_changes
from integrations.actions.jobs.plan_reconciles import run_due_reconciles
from integrations.actions.jobs.plan_syncs import run_due_syncs, run_job
from integrations.actions.jobs.plan_trials import run_trials
from integrations.actions.notifications.post_notifications import post_notifications as post
from integrations.actions.notifications.watch_connections import watch_connections
from integrations.actions.outgoing.deliver_webhooks import deliver_webhooks as deliver
from integrations.actions.outgoing.watch_endpoints import watch_endpoints
from integrations.actions.push.back_fill import run_back_fills
from integrations.actions.runs.forget_old import forget_old
from leads.actions.webhooks.collect_events import collect_events
from leads.actions.webhooks.forget_events import forget_events

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


@shared_task
def look_at_webhooks(connection_id: int | None = None) -> int:
    """Go and look at what webhooks named."""
    return look_at_hints(clock=timezone.now, seed=secrets.randbits(32), connection_id=connection_id)


@shared_task
def back_fill_connections() -> int:
    """Owe new connections what we have, and begin to send it."""
    done = run_back_fills(clock=timezone.now)
    if done:
        _nudge(sync_due_connections)
    return done


@shared_task
def try_connections() -> int:
    """Dry runs and comparisons that people asked for."""
    return run_trials(clock=timezone.now, seed=secrets.randbits(32))


@shared_task
def reconcile_connections() -> int:
    """The night's comparisons, from their hour on."""
    return run_due_reconciles(clock=timezone.now, seed=secrets.randbits(32))


@shared_task
def forget_old_sync_records() -> int:
    """Shorten the logs."""
    at = timezone.now()
    return forget_old(at=at) + forget_events(at=at)


@shared_task
def post_notifications() -> int:
    """Tell of connections in trouble, and post what waits for Slack and Teams."""
    watch_connections(at=timezone.now())
    return post(at=timezone.now())


@shared_task
def deliver_webhooks() -> int:
    """Collect what happened, tell the endpoints that want it, and admins of those that fail."""
    collect_events()
    taken = deliver(clock=timezone.now, chance=secrets.SystemRandom().random)
    watch_endpoints(at=timezone.now())
    return taken


def nudge_webhooks() -> None:
    """Ask a worker to deliver events now. Only a hint, too."""
    _nudge(deliver_webhooks)


def nudge_look(connection_id: int) -> None:
    """Ask a worker to look at webhooks now. Only a hint: the sweep finds them without it."""
    _nudge(look_at_webhooks, connection_id)


def nudge_back_fill() -> None:
    """Ask a worker to begin a back-fill now. Only a hint, too."""
    _nudge(back_fill_connections)


def nudge_trials() -> None:
    """Ask a worker to begin dry runs and comparisons now. Only a hint, too."""
    _nudge(try_connections)


def nudge_sync(job_id: int) -> None:
    """Ask a worker to begin now. Only a hint: without a broker the next sweep finds the planned sync."""
    _nudge(sync_connection, job_id)


def _nudge(task: Any, *args: int) -> None:
    try:
        task.apply_async(args, retry=False, expires=300)
    except Exception as error:
        log.warning("nudge_failed", error=type(error).__name__)
