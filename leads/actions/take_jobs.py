"""Take up long work that somebody asked for: each job by one worker, also what a dead worker left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db.models import Q

from leads.models import JobRun

Clock = Callable[[], datetime]


def take_jobs(*, kind: str, at: datetime, silence: timedelta) -> Iterator[JobRun]:
    """Jobs of this kind that wait, and running ones without a sign of life for ``silence``; each is ours when it comes.

    The oldest first. A job that another worker takes meanwhile does not come.
    """
    free = Q(state=JobRun.State.WAITING) | Q(state=JobRun.State.RUNNING, beat_at__lt=at - silence)
    for job in JobRun.objects.filter(free, kind=kind).order_by("pk"):
        if JobRun.objects.filter(free, pk=job.pk).update(state=JobRun.State.RUNNING, started_at=at, beat_at=at) == 1:
            yield job


@contextmanager
def failing_openly(*, job: JobRun, clock: Clock) -> Iterator[None]:
    """An error of the block ends the job with its words before it goes on up."""
    try:
        yield
    except Exception as error:
        JobRun.objects.filter(pk=job.pk).update(
            state=JobRun.State.FAILED, message=f"{type(error).__name__}: {error}"[:500], finished_at=clock()
        )
        raise
