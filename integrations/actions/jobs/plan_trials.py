"""Plan dry runs, comparisons and undos that people ask for, as rows that any worker finds."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import structlog

from integrations.actions.runs.hold_connection import Clock, ConnectionBusy, LeaseLost
from integrations.actions.runs.log_run import Progress
from integrations.actions.trials.dry_run import dry_run
from integrations.actions.trials.reconcile import reconcile
from integrations.actions.undo.decide_undo import NotUndoable, require_undoable, size_of
from integrations.actions.undo.undo_run import undo_run
from integrations.connectors.base import CrmError
from integrations.models import Connection, SyncRun
from integrations.queries.runs import COMPARISON, DRY_RUN, TRIAL, UNDO
from leads.actions.take_jobs import take_jobs
from leads.models import JobRun, User

log = structlog.get_logger(__name__)

SILENCE = timedelta(minutes=10)
_State = JobRun.State


def plan_trial(*, connection: Connection, what: str, by: User | None, at: datetime) -> JobRun:
    """A dry run or comparison as soon as somebody can; the one that waits or runs already, if there is one."""
    present = newest_trial(connection=connection, what=what)
    if present is not None and present.is_unfinished:
        return present
    period = f"{connection.slug} {what} {uuid.uuid4().hex[:8]}"
    return JobRun.objects.create(kind=TRIAL, period=period, started_by=by, created_at=at)


def plan_undo(*, run: SyncRun, by: User | None, at: datetime) -> JobRun:
    """The undo of a pull, likewise. Raises NotUndoable."""
    require_undoable(run)
    job = plan_trial(connection=run.connection, what=_undo_of(run), by=by, at=at)
    JobRun.objects.filter(pk=job.pk).update(total=size_of(run))
    return job


def newest_trial(*, connection: Connection, what: str) -> JobRun | None:
    """The latest of its sort, whatever became of it."""
    rows = JobRun.objects.filter(kind=TRIAL, period__startswith=f"{connection.slug} {what} ")
    return rows.order_by("-pk").first()


def newest_undo(*, run: SyncRun) -> JobRun | None:
    """The latest undo of a run, likewise."""
    return newest_trial(connection=run.connection, what=_undo_of(run))


def _undo_of(run: SyncRun) -> str:
    """How the undo of a run is called among the trials."""
    return f"{UNDO}-{run.pk}"


def run_trials(*, clock: Clock, seed: int) -> int:
    """Do what is planned or was left behind; returns how many were done."""
    return sum(_run(job, clock, seed) for job in take_jobs(kind=TRIAL, at=clock(), silence=SILENCE))


def _run(job: JobRun, clock: Clock, seed: int) -> bool:
    slug, what, _ = job.period.split(" ")
    connection = Connection.objects.filter(slug=slug).first()

    def beat(done: int) -> None:
        JobRun.objects.filter(pk=job.pk).update(done=done, beat_at=clock())

    state, message = _State.FAILED, "An error of ours. It is in the log."
    try:
        if connection is None:
            message = "The connection was removed."
            return False
        run = _do(job, connection, what, clock, seed, beat)
        state = _State.DONE if run.state == SyncRun.State.DONE else _State.FAILED
        message = run.note
    except (ConnectionBusy, LeaseLost):
        state, message = _State.WAITING, "Another sync is under way."
    except (CrmError, NotUndoable) as error:
        message = str(error)
    except Exception:
        log.exception("trial_failed", connection=slug)
    finally:
        ended = None if state == _State.WAITING else clock()
        JobRun.objects.filter(pk=job.pk).update(state=state, finished_at=ended, message=message[:500])
    return state == _State.DONE


def _do(job: JobRun, connection: Connection, what: str, clock: Clock, seed: int, beat: Progress) -> SyncRun:
    if what == DRY_RUN:
        return dry_run(connection_id=connection.pk, clock=clock, seed=seed, progress=beat)
    if what == COMPARISON:
        return reconcile(
            connection_id=connection.pk, clock=clock, seed=seed, reason="asked for", is_full=True, progress=beat
        )
    run = SyncRun.objects.filter(connection=connection, pk=what.removeprefix(f"{UNDO}-")).first()
    if run is None:
        raise NotUndoable("The run is not there any more.")
    # Whoever died right after the undo left the job open; two people may have asked at once.
    done = SyncRun.objects.filter(undoes=run, state=SyncRun.State.DONE).first()
    return done or undo_run(run_id=run.pk, by=job.started_by, clock=clock, progress=beat)
