"""Measure the three accuracies on request, by a worker, with progress that anybody may watch."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from attribution.actions.accuracy.check_accuracy import (
    MARKET,
    PEOPLE,
    Progress,
    check_agreement,
    check_capture,
    check_causal,
)
from leads.actions.take_jobs import Clock, failing_openly, take_jobs
from leads.models import JobRun, User
from leads.pure.refused import Refused

KIND = "attribution_measure"
PARTS = 100
GIVE_UP_AFTER = timedelta(minutes=10)


class MeasureRefused(Refused):
    """It is under way already."""


def request_accuracy(*, by: User | None, at: datetime) -> JobRun:
    """A measuring that waits for a worker. Raises MeasureRefused while another is under way."""
    if JobRun.objects.unfinished().filter(kind=KIND).exists():
        raise MeasureRefused("The accuracies are being measured already.")
    try:
        with transaction.atomic():
            return JobRun.objects.create(
                kind=KIND, period=at.isoformat(timespec="seconds"), total=PARTS, started_by=by, created_at=at
            )
    except IntegrityError:
        raise MeasureRefused("Somebody else has just started this.") from None


def measure_accuracy(*, clock: Clock, seed: int, people: int = PEOPLE, market: int = MARKET) -> int:
    """Measure what was requested, also what a dead worker left; returns how many measurings are done.

    ``people`` are those of the capture check, ``market`` those of each simulated market.
    """
    done = 0
    for job in take_jobs(kind=KIND, at=clock(), silence=GIVE_UP_AFTER):
        with failing_openly(job=job, clock=clock):
            _measure(job, clock, seed, people, market)
        JobRun.objects.filter(pk=job.pk).update(state=JobRun.State.DONE, done=PARTS, message="", finished_at=clock())
        done += 1
    return done


def _measure(job: JobRun, clock: Clock, seed: int, people: int, market: int) -> None:
    check_capture(at=clock(), seed=seed, progress=_told(job, clock, 0, 60), people=people)
    check_agreement(at=clock())
    check_causal(at=clock(), seed=seed, progress=_told(job, clock, 62, PARTS), people=market)


def _told(job: JobRun, clock: Clock, first: int, last: int) -> Progress:
    """Progress of one measuring as its part of the whole."""

    def tell(what: str, done: int, total: int) -> None:
        JobRun.objects.filter(pk=job.pk).update(
            done=first + (last - first) * done // max(total, 1), message=what[:500], beat_at=clock()
        )

    return tell
