"""Plan dry runs and comparisons that people ask for, as rows that any worker finds."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import structlog
from django.db.models import Q

from integrations.actions.dry_run import dry_run
from integrations.actions.hold_connection import Clock, ConnectionBusy
from integrations.actions.reconcile import reconcile
from integrations.connectors.base import CrmError
from integrations.models import Connection, SyncRun
from leads.models import JobRun, User

log = structlog.get_logger(__name__)

KIND = "crm-trial"
DRY_RUN, COMPARISON = "dry-run", "comparison"
SILENCE = timedelta(minutes=10)
_State = JobRun.State


def plan_trial(*, connection: Connection, what: str, by: User | None, at: datetime) -> JobRun:
    """A dry run or comparison as soon as somebody can; the one that waits or runs already, if there is one."""
    prefix = f"{connection.slug} {what} "
    present = JobRun.objects.unfinished().filter(kind=KIND, period__startswith=prefix).order_by("-pk").first()
    if present is not None:
        return present
    return JobRun.objects.create(kind=KIND, period=f"{prefix}{uuid.uuid4().hex[:8]}", started_by=by, created_at=at)


def run_trials(*, clock: Clock, seed: int) -> int:
    """Do what is planned or was left behind; returns how many were done."""
    jobs = JobRun.objects.filter(_free(clock()), kind=KIND).order_by("pk")
    return sum(_run(pk, clock, seed) for pk in list(jobs.values_list("pk", flat=True)))


def _free(at: datetime) -> Q:
    return Q(state=_State.WAITING) | Q(state=_State.RUNNING, beat_at__lt=at - SILENCE)


def _run(job_id: int, clock: Clock, seed: int) -> bool:
    at = clock()
    if not JobRun.objects.filter(_free(at), pk=job_id).update(state=_State.RUNNING, started_at=at, beat_at=at):
        return False
    job = JobRun.objects.get(pk=job_id)
    slug, what, _ = job.period.split(" ")
    connection = Connection.objects.filter(slug=slug).first()

    def beat(done: int) -> None:
        JobRun.objects.filter(pk=job.pk).update(done=done, beat_at=clock())

    state, message = _State.FAILED, "An error of ours. It is in the log."
    try:
        if connection is None:
            message = "The connection was removed."
            return False
        if what == DRY_RUN:
            run = dry_run(connection_id=connection.pk, clock=clock, seed=seed, progress=beat)
        else:
            run = reconcile(
                connection_id=connection.pk, clock=clock, seed=seed, reason="asked for", is_full=True, progress=beat
            )
        state = _State.DONE if run.state == SyncRun.State.DONE else _State.FAILED
        message = run.note
    except ConnectionBusy:
        state, message = _State.WAITING, "Another sync is under way."
    except CrmError as error:
        message = str(error)
    except Exception:
        log.exception("trial_failed", connection=slug)
    finally:
        ended = None if state == _State.WAITING else clock()
        JobRun.objects.filter(pk=job.pk).update(state=state, finished_at=ended, message=message[:500])
    return state == _State.DONE
