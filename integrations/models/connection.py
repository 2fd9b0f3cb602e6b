"""Configured CRM accounts and how far each has been read."""

from __future__ import annotations

import uuid

from django.db import models
from django.urls import reverse

from integrations.models.secret import SecretTextField
from leads.models import Role, User


class RecordKind(models.TextChoices):
    """Kinds of remote records we know."""

    PERSON = "person", "Person"
    DEAL = "deal", "Deal"
    OWNER = "owner", "Owner"


class ConnectionQuerySet(models.QuerySet["Connection"]):
    def visible_to(self, user: User) -> ConnectionQuerySet:
        """All of them for those who answer for the sync, none for anybody else."""
        return self if user.is_superuser or user.role in {Role.ADMIN, Role.SALES_LEADER} else self.none()

    def editable_by(self, user: User) -> ConnectionQuerySet:
        """All of them for admins, none for anybody else."""
        return self if user.is_superuser or user.role == Role.ADMIN else self.none()

    def active(self) -> ConnectionQuerySet:
        return self.filter(is_active=True)

    def ready(self, at: object) -> ConnectionQuerySet:
        """Active connections that are not paused by a limit or an outage."""
        return self.active().filter(models.Q(paused_until__isnull=True) | models.Q(paused_until__lte=at))


class Connection(models.Model):
    """One account in one CRM. The secret is write-only: pages show its state and age, never its text."""

    class Health(models.TextChoices):
        UNTRIED = "untried", "Not tried yet"
        OK = "ok", "Working"
        PAUSED = "paused", "Paused"
        FAILING = "failing", "Failing"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=20, help_text="key of the connector")
    base_url = models.URLField(max_length=300)
    secret = SecretTextField(blank=True, editable=False)
    secret_set_at = models.DateTimeField(null=True, blank=True, editable=False)
    is_active = models.BooleanField(default=True)
    health = models.CharField(max_length=8, choices=Health.choices, default=Health.UNTRIED)
    health_note = models.CharField(max_length=300, blank=True)
    health_at = models.DateTimeField(null=True, blank=True)
    paused_until = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0, help_text="in a row; opens the breaker")
    quota_left = models.IntegerField(null=True, blank=True)
    # One drain per connection: whoever holds the lease pushes; a stale holder is refused by its fence.
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    fence = models.PositiveBigIntegerField(default=0, editable=False)
    created_at = models.DateTimeField()

    objects = ConnectionQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=~models.Q(base_url=""), name="connection_has_url")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("integrations:connection-detail", args=[self.slug])


class Watermark(models.Model):
    """Up to which remote change time a kind of record was read; committed together with the rows."""

    connection = models.ForeignKey("integrations.Connection", on_delete=models.CASCADE, related_name="watermarks")
    kind = models.CharField(max_length=12, choices=RecordKind.choices)
    read_to = models.DateTimeField(null=True)
    window_ends_at = models.DateTimeField(null=True, help_text="ceiling of a run under way")
    resume_token = models.CharField(max_length=500, blank=True, help_text="valid only inside the run under way")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "kind"], name="watermark_once_per_kind")]

    def __str__(self) -> str:
        return f"{self.connection} {self.kind}"


class StageMap(models.Model):
    """Which of our pipeline stages a remote stage means."""

    connection = models.ForeignKey("integrations.Connection", on_delete=models.CASCADE, related_name="stage_maps")
    remote_key = models.CharField(max_length=120)
    remote_name = models.CharField(max_length=120, blank=True)
    stage = models.ForeignKey("leads.PipelineStage", on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "remote_key"], name="stage_map_once")]

    def __str__(self) -> str:
        return f"{self.remote_name or self.remote_key} is {self.stage}"


class ExternalRecord(models.Model):
    """The link between a remote record and ours; how a record is found again without guessing."""

    connection = models.ForeignKey("integrations.Connection", on_delete=models.CASCADE, related_name="records")
    kind = models.CharField(max_length=12, choices=RecordKind.choices)
    remote_id = models.CharField(max_length=120)
    lead = models.ForeignKey(
        "leads.Lead", on_delete=models.CASCADE, null=True, blank=True, related_name="external_records"
    )
    opportunity = models.ForeignKey(
        "leads.Opportunity", on_delete=models.CASCADE, null=True, blank=True, related_name="external_records"
    )
    owner = models.ForeignKey(
        "leads.User", on_delete=models.CASCADE, null=True, blank=True, related_name="external_records"
    )
    content_hash = models.CharField(max_length=64, blank=True, help_text="of what we last sent or read")
    remote_changed_at = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    synced_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "kind", "remote_id"], name="external_record_once"),
            models.UniqueConstraint(fields=["connection", "lead"], name="external_record_one_per_lead"),
            models.UniqueConstraint(fields=["connection", "opportunity"], name="external_record_one_per_opportunity"),
        ]

    def __str__(self) -> str:
        return f"{self.connection} {self.kind} {self.remote_id}"
