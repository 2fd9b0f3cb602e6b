"""Work that is owed to a CRM, runs, what happened to each record, and hints that something changed in the CRM."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from integrations.models.connection import RecordKind


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
    error_code = models.CharField(max_length=80, blank=True, help_text="the CRM's own word for the refusal")
    candidates = models.JSONField(
        default=list, blank=True, help_text='records in the CRM it may be: [{"id", "name"}]; a person chooses'
    )
    makes_new = models.BooleanField(default=False, help_text="a person said that none of the candidates is the one")
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
    """One push, pull, comparison or undo of one connection, with its counts and calls.

    A dry run counts what it would create and change. ``undoes`` is the run that an undo took back.
    """

    class Direction(models.TextChoices):
        PUSH = "push", "Push"
        PULL = "pull", "Pull"
        RECONCILE = "reconcile", "Comparison"
        DRY_RUN = "dry_run", "Dry run"
        UNDO = "undo", "Undo"

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        STOPPED = "stopped", "Stopped early"
        FAILED = "failed", "Failed"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    connection = models.ForeignKey("integrations.Connection", on_delete=models.CASCADE, related_name="runs")
    direction = models.CharField(max_length=9, choices=Direction.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    reason = models.CharField(max_length=80)
    is_dry_run = models.BooleanField(default=False)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    unclear = models.PositiveIntegerField(default=0)
    drifted = models.PositiveIntegerField(default=0, help_text="records that a comparison found unequal")
    seen = models.PositiveIntegerField(default=0)
    expected = models.PositiveIntegerField(null=True, help_text="how many records it will see; empty is unknown")
    calls = models.PositiveIntegerField(default=0)
    note = models.CharField(max_length=400, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    beat_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, related_name="+")
    undoes = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="undo_runs")

    class Meta:
        indexes = [models.Index(fields=["connection", "started_at"], name="sync_run_connection_time")]

    def __str__(self) -> str:
        return f"{self.direction} {self.connection}, {self.started_at:%Y-%m-%d %H:%M}"


class SyncRecord(models.Model):
    """What one run did to one record, or would do.

    ``changes`` is for people: {"field": [before, after]}. ``written`` holds the same in raw values of our columns,
    from which a run can be undone.
    """

    class Outcome(models.TextChoices):
        CREATED = "created", "Created"
        UPDATED = "updated", "Updated"
        REJECTED = "rejected", "Rejected"
        UNCLEAR = "unclear", "Unclear"
        SKIPPED = "skipped", "Skipped"
        WOULD_CREATE = "would_create", "Would create"
        WOULD_UPDATE = "would_update", "Would update"
        MISSING_THERE = "missing_there", "Missing in the CRM"
        MISSING_HERE = "missing_here", "Missing here"
        DIFFERS = "differs", "Differs"
        MERGED = "merged", "Merged in the CRM"
        ARCHIVED = "archived", "Archived in the CRM"
        RESTORED = "restored", "Restored"
        REMOVED = "removed", "Removed"
        KEPT = "kept", "Left as it is"

    class Way(models.TextChoices):
        OUT = "out", "To the CRM"
        IN = "in", "From the CRM"

    run = models.ForeignKey("integrations.SyncRun", on_delete=models.CASCADE, related_name="records")
    kind = models.CharField(max_length=12, choices=RecordKind.choices, blank=True)
    way = models.CharField(max_length=3, choices=Way.choices, blank=True)
    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, null=True, related_name="sync_records")
    opportunity = models.ForeignKey(
        "leads.Opportunity", on_delete=models.SET_NULL, null=True, related_name="sync_records"
    )
    account = models.ForeignKey("leads.Account", on_delete=models.SET_NULL, null=True, related_name="sync_records")
    campaign = models.ForeignKey("leads.Campaign", on_delete=models.SET_NULL, null=True, related_name="sync_records")
    remote_id = models.CharField(max_length=120, blank=True)
    title = models.CharField(max_length=200, blank=True, help_text="its name, where no row of ours has one")
    outcome = models.CharField(max_length=13, choices=Outcome.choices)
    is_conflict = models.BooleanField(default=False, help_text="both sides had changed it; the policy decided")
    changes = models.JSONField(default=dict, blank=True, help_text='{"field": [before, after]}')
    written = models.JSONField(default=dict, blank=True, help_text='{"column": [before, after]}, raw')
    note = models.CharField(max_length=400, blank=True)
    code = models.CharField(max_length=80, blank=True, help_text="the CRM's own word for a refusal")
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["at"], name="sync_record_time")]

    def __str__(self) -> str:
        return f"{self.outcome} {self.remote_id}"


class SyncHint(models.Model):
    """A verified word of a CRM that a record changed: go and look. Unique per event, so a replay adds nothing."""

    connection = models.ForeignKey("integrations.Connection", on_delete=models.CASCADE, related_name="hints")
    event_id = models.CharField(max_length=160)
    kind = models.CharField(max_length=12, choices=RecordKind.choices)
    remote_id = models.CharField(max_length=120)
    is_gone = models.BooleanField(default=False)
    merged_into = models.CharField(
        max_length=120, blank=True, default="", help_text="the record that is said to live on"
    )
    received_at = models.DateTimeField(db_index=True)
    looked_at = models.DateTimeField(null=True, help_text="when we went and looked")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "event_id", "kind", "remote_id"], name="sync_hint_once")
        ]
        indexes = [
            models.Index(fields=["connection"], name="sync_hint_open", condition=models.Q(looked_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"{self.connection} {self.kind} {self.remote_id}"
