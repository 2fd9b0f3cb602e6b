"""Runs and the parts that workers share."""

from __future__ import annotations

import uuid

from django.db import models

from leads.past.registry import dated


@dated("started_at")
class AttributionRun(models.Model):
    """One computation: when, why, by which methods and settings, over which inputs, with what change to the last."""

    class Kind(models.TextChoices):
        FULL = "full", "Full"
        INCREMENTAL = "incremental", "Incremental"

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting for a worker"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    reason = models.CharField(max_length=200)
    requested_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    refits = models.BooleanField(default=False, help_text="data-driven models learn anew before it computes")
    methods = models.JSONField("models", help_text='{"key": version}')
    settings = models.JSONField(help_text="look-back, milestone, scope, self-initiated channels")
    inputs_hash = models.CharField(max_length=64, blank=True)
    opportunities_seen = models.PositiveIntegerField(default=0)
    opportunities_recomputed = models.PositiveIntegerField(default=0)
    credits_written = models.PositiveIntegerField(default=0)
    difference = models.JSONField(
        default=dict, blank=True, help_text="to the run before: opportunities and cents per model and cause"
    )
    step = models.CharField(max_length=80, blank=True, help_text="what it is doing, while it is under way")
    shards = models.PositiveIntegerField(default=0, help_text="parts that workers share; 0 before it is known")
    shards_done = models.PositiveIntegerField(default=0)
    beat_at = models.DateTimeField(null=True, help_text="last sign of life")
    error = models.CharField(max_length=500, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True, help_text="last look for changes since; none were found by then")
    compared_at = models.DateTimeField(
        null=True, help_text="last look at every opportunity, by this run or an earlier one"
    )

    class Meta:
        indexes = [models.Index(fields=["state", "finished_at"], name="run_state_finished")]

    def __str__(self) -> str:
        return f"{self.kind} run, {self.started_at:%Y-%m-%d %H:%M}"


class AttributionShard(models.Model):
    """A part of a run: the opportunities of some accounts, computed by whichever worker claims it.

    ``fence`` rises with every claim; what a stale worker still writes is refused.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        CLAIMED = "claimed", "Being computed"
        DONE = "done", "Done"

    run = models.ForeignKey("attribution.AttributionRun", on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    opportunities = models.JSONField(help_text="ids")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    fence = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    recomputed = models.PositiveIntegerField(default=0)
    credits_written = models.PositiveIntegerField(default=0)
    summary = models.JSONField(default=dict, help_text="counts and cents that the run's difference is made of")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="attribution_shard_once")]

    def __str__(self) -> str:
        return f"part {self.number} of {self.run}"
