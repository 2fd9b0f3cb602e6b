"""Measure the three accuracies once a month."""

from __future__ import annotations

from datetime import datetime, timedelta

from attribution.actions.accuracy.check_accuracy import check_agreement, check_capture, check_causal
from leads.models import JobRun

KIND = "attribution_accuracy"
GIVE_UP_AFTER = timedelta(hours=6)


def check_accuracy_when_due(*, at: datetime, seed: int) -> bool:
    """Measure unless this month's measuring is done or under way; one that died is begun anew. Says whether it did."""
    fresh = {"state": JobRun.State.RUNNING, "created_at": at, "started_at": at, "beat_at": at}
    job, is_first = JobRun.objects.get_or_create(kind=KIND, period=f"{at:%Y-%m}", defaults=fresh)
    if not is_first:
        dead = JobRun.objects.filter(pk=job.pk, beat_at__lt=at - GIVE_UP_AFTER).exclude(state=JobRun.State.DONE)
        if dead.update(beat_at=at, started_at=at) != 1:
            return False
    check_capture(at=at, seed=seed)
    check_agreement(at=at)
    check_causal(at=at, seed=seed)
    JobRun.objects.filter(pk=job.pk).update(state=JobRun.State.DONE, finished_at=at)
    return True
