"""Back-fill: owe a CRM every lead we have, in the background, with a job that people can watch."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from integrations.actions.push.enqueue import CHUNK, enqueue_for
from integrations.actions.runs.hold_connection import Clock
from integrations.models import Connection, PendingPush
from integrations.queries.runs import BACK_FILL
from leads.models import JobRun, Lead, User

SILENCE = timedelta(minutes=5)
_State = JobRun.State


def plan_back_fill(*, connection: Connection, by: User | None, at: datetime, is_again: bool = False) -> JobRun:
    """A job that owes every lead to a connection; the one that waits already, if there is one.

    With ``is_again`` leads that were sent before are owed too, as after a change of the mapping.
    """
    prefix = f"{connection.slug} {'again' if is_again else 'all'}"
    waiting = JobRun.objects.filter(kind=BACK_FILL, state=_State.WAITING, period__startswith=f"{prefix} ")
    present = waiting.order_by("-pk").first()
    if present is not None:
        return present
    period = f"{prefix} {uuid.uuid4().hex[:8]}"
    return JobRun.objects.create(kind=BACK_FILL, period=period, started_by=by, created_at=at)


def run_back_fills(*, clock: Clock) -> int:
    """Do what is planned or was left behind; returns the leads that were enqueued."""
    at = clock()
    free = Q(state=_State.WAITING) | Q(state=_State.RUNNING, beat_at__lt=at - SILENCE)
    jobs = JobRun.objects.filter(free, kind=BACK_FILL).order_by("pk")
    return sum(_run(pk, clock) for pk in list(jobs.values_list("pk", flat=True)))


def _run(job_id: int, clock: Clock) -> int:
    at = clock()
    free = Q(state=_State.WAITING) | Q(state=_State.RUNNING, beat_at__lt=at - SILENCE)
    if not JobRun.objects.filter(free, pk=job_id).update(state=_State.RUNNING, started_at=at, beat_at=at):
        return 0
    job = JobRun.objects.get(pk=job_id)
    slug, _, rest = job.period.partition(" ")
    connection = Connection.objects.filter(slug=slug, is_active=True).first()
    if connection is None:
        _close(job, _State.FAILED, at, "The connection was removed or switched off.")
        return 0
    owed = _owed(connection, job, is_again=rest.startswith("again"))
    total, done = owed.count() + job.done, job.done
    JobRun.objects.filter(pk=job.pk).update(total=total)
    while ids := list(owed.order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        at = max(clock(), job.created_at)
        # The rows themselves tell how far it went: a job that dies goes on where it ended.
        with transaction.atomic():
            enqueue_for(connection=connection, lead_ids=ids, not_before=at, at=at, reason=job.period)
            done += len(ids)
            JobRun.objects.filter(pk=job.pk).update(done=done, beat_at=at)
    _close(job, _State.DONE, clock(), f"{done:,} leads are on their way to {connection}.")
    return done


def _owed(connection: Connection, job: JobRun, *, is_again: bool) -> QuerySet[Lead]:
    pushes = PendingPush.objects.filter(connection=connection, lead=OuterRef("pk"))
    if is_again:
        pushes = pushes.filter(changed_at__gte=job.created_at)
    return Lead.objects.live().filter(~Exists(pushes))


def _close(job: JobRun, state: str, at: datetime, message: str) -> None:
    JobRun.objects.filter(pk=job.pk).update(state=state, finished_at=at, message=message[:500])
