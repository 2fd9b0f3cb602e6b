"""Plan the nightly comparisons: one per connection and day, found by any worker."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import structlog
from django.db.models import Q

from integrations.actions.runs.hold_connection import Clock, ConnectionBusy
from integrations.actions.trials.reconcile import reconcile
from integrations.connectors.base import CrmError
from integrations.models import Connection, SyncRun
from leads.models import Company, JobRun

log = structlog.get_logger(__name__)

KIND = "crm-reconcile"
# Two hours before the day's sync: what it finds is still there to be seen when people come to work.
OPENS = time(3)
SILENCE = timedelta(minutes=15)
FULL_ON = 5  # Saturday; the full pull is on Sunday
_State = JobRun.State


def run_due_reconciles(*, clock: Clock, seed: int) -> int:
    """Compare every active connection once a day, from three in the company's time on; returns how many were done."""
    at = clock()
    local = at.astimezone(Company.current().tz)
    if local.time() < OPENS:
        return 0
    # A connection is worth comparing once it has been synced.
    done = 0
    rows = Connection.objects.ready(at).filter(watermarks__read_to__isnull=False).distinct().order_by("pk")
    for connection in rows:
        job = _claim(connection, f"{connection.slug} {local:%Y-%m-%d}", at)
        if job is not None:
            done += _run(job, connection, clock, seed, is_full=local.weekday() == FULL_ON)
    return done


def _claim(connection: Connection, period: str, at: datetime) -> JobRun | None:
    job, _ = JobRun.objects.get_or_create(kind=KIND, period=period, defaults={"created_at": at})
    free = Q(state=_State.WAITING) | Q(state=_State.RUNNING, beat_at__lt=at - SILENCE)
    taken = JobRun.objects.filter(free, pk=job.pk).update(state=_State.RUNNING, started_at=at, beat_at=at)
    return job if taken else None


def _run(job: JobRun, connection: Connection, clock: Clock, seed: int, *, is_full: bool) -> bool:
    def beat(done: int) -> None:
        JobRun.objects.filter(pk=job.pk).update(done=done, beat_at=clock())

    state, message = _State.FAILED, "An error of ours. It is in the log."
    try:
        run = reconcile(connection_id=connection.pk, clock=clock, seed=seed, is_full=is_full, progress=beat)
        state = _State.DONE if run.state == SyncRun.State.DONE else _State.FAILED
        message = run.note
    except ConnectionBusy:
        state, message = _State.WAITING, "Another sync is under way."
        return False
    except CrmError as error:
        message = str(error)
    except Exception:
        log.exception("reconcile_failed", connection=connection.slug)
    finally:
        ended = None if state == _State.WAITING else clock()
        JobRun.objects.filter(pk=job.pk).update(state=state, finished_at=ended, message=message[:500])
    return state == _State.DONE
