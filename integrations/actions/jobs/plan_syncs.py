"""Plan syncs as rows that any worker finds: one a day for each connection, and those that people ask for."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.db.models import Q

from integrations.actions.jobs.run_sync import DAILY, MANUAL, RETRY, Synced, run_sync
from integrations.actions.runs.hold_connection import Clock, ConnectionBusy
from integrations.models import Connection, PendingPush
from integrations.pure.daily import last_sync
from integrations.queries.runs import SYNC
from leads.models import Company, JobRun, User

log = structlog.get_logger(__name__)

# A worker that gave no sign of life for so long is gone; its lease on the connection has ended long before.
SILENCE = timedelta(minutes=10)
_State = JobRun.State


def plan_manual_sync(*, connection: Connection, by: User | None, at: datetime) -> JobRun:
    """A sync as soon as somebody can; the one that waits or runs already, if there is one."""
    waiting = JobRun.objects.unfinished().filter(kind=SYNC, period__startswith=f"{connection.slug} {MANUAL}")
    present = waiting.order_by("-created_at").first()
    if present is not None:
        return present
    period = f"{connection.slug} {MANUAL} {uuid.uuid4().hex[:8]}"
    return JobRun.objects.create(kind=SYNC, period=period, started_by=by, created_at=at)


def plan_daily_syncs(*, at: datetime) -> int:
    """The row of the day for every active connection; whoever comes second finds it there. Returns the new ones."""
    tz = Company.current().tz
    day = last_sync(at, tz).astimezone(tz).date()
    connections = list(Connection.objects.active())
    planned = {f"{connection.slug} {DAILY} {day:%Y-%m-%d}" for connection in connections}
    present = set(JobRun.objects.filter(kind=SYNC, period__in=planned).values_list("period", flat=True))
    missing = [JobRun(kind=SYNC, period=period, created_at=at) for period in sorted(planned - present)]
    if not missing:
        return 0
    JobRun.objects.bulk_create(missing, ignore_conflicts=True)
    for connection in connections:
        old = JobRun.objects.filter(kind=SYNC, state=_State.WAITING, period__startswith=f"{connection.slug} {DAILY} ")
        old.exclude(period__in=planned).update(
            state=_State.FAILED, finished_at=at, message="It could not be done on its day; the next one took over."
        )
    return len(missing)


def run_due_syncs(*, clock: Clock, seed: int) -> int:
    """Do what is planned or was left behind, then send again what is due for another try. Returns the syncs done."""
    plan_daily_syncs(at=clock())
    jobs = JobRun.objects.filter(kind=SYNC).filter(_is_free(clock()))
    done = 0
    for pk in list(jobs.order_by("pk").values_list("pk", flat=True)):
        try:
            done += run_job(job_id=pk, clock=clock, seed=seed)
        except Exception:  # the job says so itself; the other connections must not wait for a mending
            log.exception("sync_job_failed", job=pk)
    at = clock()
    owing = Connection.objects.ready(at).filter(pending_pushes__in=PendingPush.objects.due(at)).distinct()
    for connection_id in list(owing.values_list("pk", flat=True)):
        try:
            run_sync(connection_id=connection_id, reason=RETRY, clock=clock, seed=seed)
            done += 1
        except ConnectionBusy:
            continue
    return done


def run_job(*, job_id: int, clock: Clock, seed: int) -> bool:
    """Do one planned sync unless somebody else does; False when there was nothing to do."""
    at = clock()
    taken = JobRun.objects.filter(_is_free(at), pk=job_id, kind=SYNC)
    if not taken.update(state=_State.RUNNING, started_at=at, beat_at=at, message="", done=0):
        return False
    job = JobRun.objects.get(pk=job_id)
    slug, _, rest = job.period.partition(" ")
    connection = Connection.objects.active().filter(slug=slug).first()
    if connection is None:
        _close(job, _State.FAILED, clock(), "The connection was removed or switched off.")
        return False
    is_daily = rest.startswith(DAILY)
    # Once a week everything is read: it finds what a CRM's change times missed.
    is_full = is_daily and at.astimezone(Company.current().tz).weekday() == 6
    try:
        synced = run_sync(
            connection_id=connection.pk,
            reason=DAILY if is_daily else MANUAL,
            clock=clock,
            seed=seed,
            is_full=is_full,
            progress=_beat(job, clock),
        )
    except ConnectionBusy:
        # Its beat is old on purpose: the next sweep may have it at once.
        JobRun.objects.filter(pk=job.pk).update(state=_State.WAITING, message="Another sync is under way.")
        return False
    except BaseException as error:
        _close(job, _State.FAILED, clock(), f"An error of ours: {type(error).__name__}. It is in the log.")
        raise
    _settle(job, synced, is_daily, clock())
    return True


def _settle(job: JobRun, synced: Synced, is_daily: bool, at: datetime) -> None:
    if synced.is_done:
        _close(job, _State.DONE, at, synced.words)
    elif is_daily and synced.paused_until:
        # The day's sync is still owed: it waits out the pause.
        JobRun.objects.filter(pk=job.pk).update(
            state=_State.WAITING, message=synced.words[:500], beat_at=synced.paused_until
        )
    else:
        _close(job, _State.FAILED, at, synced.words)


def _close(job: JobRun, state: str, at: datetime, message: str) -> None:
    JobRun.objects.filter(pk=job.pk).update(state=state, finished_at=at, message=message[:500])


def _is_free(at: datetime) -> Q:
    waiting = Q(state=_State.WAITING) & (Q(beat_at__isnull=True) | Q(beat_at__lte=at))
    return waiting | Q(state=_State.RUNNING, beat_at__lt=at - SILENCE)


def _beat(job: JobRun, clock: Clock) -> Callable[[int], None]:
    def beat(done: int) -> None:
        JobRun.objects.filter(pk=job.pk).update(done=done, beat_at=clock())

    return beat
