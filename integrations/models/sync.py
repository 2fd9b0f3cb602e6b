"""Work that is owed to a CRM, runs, and what happened to each record."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q


class PendingPushQuerySet(models.QuerySet["PendingPush"]):
    def due(self, at: object) -> PendingPushQuerySet:
        """Rows whose time has come, and rows whose holder went away."""
        return self.filter(
            Q(state=PendingPush.State.PENDING, not_before__lte=at)
            | Q(state=PendingPush.State.LEASED, lease_until__lt=at)
        )

    def failed(self) -> PendingPushQuerySet:
        return self.filter(state__in=(PendingPush.State.REJECTED, PendingPush.State.DEAD))


class PendingPush(models.Model):
    """A lead owed to a connection. One open row per lead and connection: later changes ride on it.

    ``version`` counts changes: a push that was under way while the lead changed again stays pending. Writers guard
    every update with ``fence``, which each claim raises; ``quiet_until`` is committed before a create that cannot be
    repeated safely.
    """

    class State(models.TextChoices):
        PENDING = "pending", "Waiting"
        LEASED = "leased", "Being sent"
        DONE = "done", "Sent"
        REJECTED = "rejected", "Refused by the CRM"
        DEAD = "dead", "Given up"

    connection = models.ForeignKey("integrations.Connection", on_delete=models.CASCADE, related_name="pending_pushes")
    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="pending_pushes")
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    version = models.PositiveIntegerField(default=1)
    reason = models.CharField(max_length=80, blank=True)
    not_before = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    fence = models.PositiveBigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    is_unclear = models.BooleanField(default=False, help_text="sent, answer lost: look before sending again")
    quiet_until = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=400, blank=True)
    error_field = models.CharField(max_length=80, blank=True)
    changed_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    objects = PendingPushQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "pending pushes"
        constraints = [models.UniqueConstraint(fields=["connection", "lead"], name="push_one_per_lead")]
        indexes = [models.Index(fields=["connection", "state", "not_before"], name="push_due")]

    def __str__(self) -> str:
        return f"{self.lead} to {self.connection}: {self.state}"


class SyncRun(models.Model):
    """One push or pull of one connection, with its window, counts and calls."""

    class Direction(models.TextChoices):
        PUSH = "push", "Push"
        PULL = "pull", "Pull"

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        STOPPED = "stopped", "Stopped early"
        FAILED = "failed", "Failed"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    connection = models.ForeignKey("integrations.Connection", on_delete=models.CASCADE, related_name="runs")
    direction = models.CharField(max_length=4, choices=Direction.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    reason = models.CharField(max_length=80)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    unclear = models.PositiveIntegerField(default=0)
    calls = models.PositiveIntegerField(default=0)
    note = models.CharField(max_length=400, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    beat_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["connection", "started_at"], name="sync_run_connection_time")]

    def __str__(self) -> str:
        return f"{self.direction} {self.connection}, {self.started_at:%Y-%m-%d %H:%M}"


class SyncRecord(models.Model):
    """What one run did to one record."""

    class Outcome(models.TextChoices):
        CREATED = "created", "Created"
        UPDATED = "updated", "Updated"
        REJECTED = "rejected", "Rejected"
        UNCLEAR = "unclear", "Unclear"
        SKIPPED = "skipped", "Skipped"

    run = models.ForeignKey("integrations.SyncRun", on_delete=models.CASCADE, related_name="records")
    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, null=True, related_name="sync_records")
    opportunity = models.ForeignKey(
        "leads.Opportunity", on_delete=models.CASCADE, null=True, related_name="sync_records"
    )
    remote_id = models.CharField(max_length=120, blank=True)
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    changes = models.JSONField(default=dict, blank=True, help_text='{"field": [before, after]}')
    note = models.CharField(max_length=400, blank=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.outcome} {self.remote_id}"
