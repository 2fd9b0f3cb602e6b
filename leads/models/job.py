"""Long work that people can watch: imports, syncs, recomputes, reports."""

from __future__ import annotations

import uuid

from django.db import models

from leads.past.registry import dated

_UNFINISHED = ("waiting", "running")


class JobQuerySet(models.QuerySet["JobRun"]):
    def unfinished(self) -> JobQuerySet:
        return self.filter(state__in=_UNFINISHED)


@dated("created_at")
class JobRun(models.Model):
    """One run of something long. ``(kind, period)`` is unique, so two beats start a period's work once."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=40)
    period = models.CharField(max_length=80, help_text="what this run is for; unique per kind")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(null=True)
    message = models.CharField(max_length=500, blank=True)
    started_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    beat_at = models.DateTimeField(null=True, help_text="last sign of life; old ones may be taken over")
    progress = models.JSONField(
        default=dict, help_text="where the next worker goes on, for jobs that are done in turns"
    )

    objects = JobQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "period"], name="job_once_per_period")]

    def __str__(self) -> str:
        return f"{self.kind} {self.period}"

    @property
    def is_unfinished(self) -> bool:
        """Whether it waits or is under way."""
        return self.state in _UNFINISHED

    @property
    def share(self) -> float | None:
        """Share done, 0 to 1, or None while the size is unknown."""
        return min(1.0, self.done / self.total) if self.total else None
