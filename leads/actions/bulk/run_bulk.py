"""Do something with many rows of a list at once: few right away, many by a job, each with its result; and undo it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from leads.actions.bulk.verb import MODELS, Params
from leads.actions.bulk.verbs import VERBS
from leads.actions.take_jobs import Clock, failing_openly, take_jobs
from leads.models import BulkRow, BulkRun, JobRun, Role, User
from leads.past.acting import Door, act
from leads.pure.refused import Refused

KIND, UNDO = "bulk", "bulk_undo"
MOST = 10_000
AT_ONCE, CHUNK = 50, 100
GIVE_UP_AFTER = timedelta(minutes=5)
State = BulkRow.State


class BulkRefused(Refused):
    """This cannot be done with these rows; the message tells a person why."""


def request_bulk(*, verb: str, ids: Sequence[int], params: Params, by: User, at: datetime) -> BulkRun:
    """Keep what is to be done; few rows are done before this returns, many by a worker. Raises BulkRefused."""
    if verb not in VERBS:
        raise BulkRefused("Choose what to do.")
    noun, plural = VERBS[verb].noun, VERBS[verb].plural
    if not VERBS[verb].may(by):
        raise BulkRefused("Your role does not do this.")
    chosen = list(dict.fromkeys(ids))
    if not chosen:
        raise BulkRefused(f"Choose at least one {noun}.")
    if len(chosen) > MOST:
        raise BulkRefused(f"At most {MOST:,} {plural} at a time; narrow the filters.")
    with transaction.atomic():
        job = _job(KIND, len(chosen), by, at)
        run = BulkRun.objects.create(verb=verb, params=dict(params), ids=chosen, by=by, job=job, created_at=at)
    if len(chosen) <= AT_ONCE:
        _claim(job, at)
        _do(run, lambda: at)
    return run


def request_undo(*, run: BulkRun, by: User, at: datetime) -> BulkRun:
    """Take a finished run back, as far as nothing has happened to its rows since. Raises BulkRefused."""
    if why := why_not_undo(run=run, by=by):
        raise BulkRefused(why)
    with transaction.atomic():
        count = run.rows.filter(state=State.DONE).count()
        job = _job(UNDO, count, by, at)
        if BulkRun.objects.filter(pk=run.pk, undo_job__isnull=True).update(undo_job=job) != 1:
            raise BulkRefused("This is being taken back already.")
        run.undo_job = job
    if count <= AT_ONCE:
        _claim(job, at)
        _undo(run, lambda: at)
    return run


def why_not_undo(*, run: BulkRun, by: User) -> str:
    """Why a run cannot be taken back by this person; empty where it can."""
    verb = VERBS.get(run.verb)
    if verb is None or verb.undo is None:
        return "What was done cannot be taken back."
    if run.undo_job_id is not None:
        return "This was taken back before."
    if run.job.is_unfinished:
        return "It is still under way."
    if run.by_id != by.pk and not by.has_role(Role.SALES_LEADER, Role.ADMIN):
        return "Only whoever did it, sales leaders and admins may."
    return ""


def run_bulks(*, clock: Clock) -> int:
    """Work on what waits, also on what a dead worker left; returns how many rows were looked at."""
    done = 0
    for job in take_jobs(kind=KIND, at=clock(), silence=GIVE_UP_AFTER):
        done += _do(BulkRun.objects.select_related("by", "job").get(job=job), clock)
    for job in take_jobs(kind=UNDO, at=clock(), silence=GIVE_UP_AFTER):
        done += _undo(BulkRun.objects.select_related("by", "job").get(undo_job=job), clock)
    return done


def _job(kind: str, total: int, by: User, at: datetime) -> JobRun:
    return JobRun.objects.create(kind=kind, period=str(uuid.uuid4()), total=total, started_by=by, created_at=at)


def _claim(job: JobRun, at: datetime) -> None:
    """Ours at once: no worker takes it meanwhile."""
    JobRun.objects.filter(pk=job.pk).update(state=JobRun.State.RUNNING, started_at=at, beat_at=at)


def _do(run: BulkRun, clock: Clock) -> int:
    """Chunk by chunk, each with its results in one transaction: what was done is never done again."""
    verb, by, job = VERBS[run.verb], run.by, run.job
    if by is None or not by.is_active or not verb.may(by):
        return _end(job, clock(), "Whoever asked for it is not active any more.", JobRun.State.FAILED)
    looked_at = {lead or row for lead, row in run.rows.values_list("lead_id", "row")}
    is_lead, model = verb.listing == "leads", MODELS[verb.listing]
    left = [pk for pk in run.ids if pk not in looked_at]
    with failing_openly(job=job, clock=clock), act(Door.PAGE, actor=by.pk, source="Bulk action", because=by.right):
        for start in range(0, len(left), CHUNK):
            chunk, at = left[start : start + CHUNK], clock()
            with transaction.atomic():
                there = set(model.objects.filter(pk__in=chunk).values_list("pk", flat=True))
                ids = [pk for pk in chunk if pk in there]  # one that was erased meanwhile has no row to tell of
                outcomes = verb.act(ids, run.params, by, at)
                BulkRow.objects.bulk_create(
                    BulkRow(
                        run=run,
                        lead_id=pk if is_lead else None,
                        row=None if is_lead else pk,
                        state=State.REFUSED if outcome.why else State.DONE,
                        why=outcome.why[:300],
                        undo=outcome.undo,
                        before=outcome.before,
                    )
                    for pk, outcome in zip(ids, outcomes, strict=True)
                )
                done = len(looked_at) + start + len(chunk)
                JobRun.objects.filter(pk=job.pk).update(done=done, beat_at=at)
    count = run.rows.filter(state=State.DONE).count()
    _end(job, clock(), f"{count:,} of {len(run.ids):,} {verb.done}")
    return len(left)


def _undo(run: BulkRun, clock: Clock) -> int:
    verb, job = VERBS[run.verb], run.undo_job
    if job is None or verb.undo is None:
        return 0
    by = job.started_by
    if by is None or not by.is_active:
        return _end(job, clock(), "Whoever asked for it is not active any more.", JobRun.State.FAILED)
    done, left = 0, run.rows.filter(Q(undo__isnull=False) | Q(before__isnull=False), state=State.DONE)
    with failing_openly(job=job, clock=clock), act(Door.PAGE, actor=by.pk, source="Bulk action", because=by.right):
        while rows := list(left.order_by("pk")[:CHUNK]):
            at = clock()
            # Whole transfers go back, so that all rows of one are looked at together.
            if keys := {row.undo for row in rows if row.undo is not None}:
                rows = list(run.rows.filter(state=State.DONE, undo__in=keys).order_by("pk"))
            with transaction.atomic():
                kept = {row.key: row.before if row.undo is None else row.undo for row in rows}
                said = verb.undo(kept, run.params, by, at)
                for row in rows:
                    why = said.get(row.key, "")
                    row.state, row.why = (State.KEPT, why[:300]) if why else (State.UNDONE, "")
                BulkRow.objects.bulk_update(rows, ["state", "why"])
                done += len(rows)
                JobRun.objects.filter(pk=job.pk).update(done=done, beat_at=at)
    count = run.rows.filter(state=State.UNDONE).count()
    _end(job, clock(), f"{count:,} taken back")
    return done


def _end(job: JobRun, at: datetime, message: str, state: str = JobRun.State.DONE) -> int:
    JobRun.objects.filter(pk=job.pk).update(state=state, message=message, finished_at=at)
    job.refresh_from_db()
    return 0
