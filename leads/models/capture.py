"""What arrived, exactly as it arrived, and what was answered."""

from __future__ import annotations

import uuid

from django.db import models
from rest_framework_api_key.models import AbstractAPIKey

from leads.past.registry import dated


class Scope(models.TextChoices):
    """What an API key may do."""

    LEADS_WRITE = "leads:write", "Capture leads"
    LEADS_READ = "leads:read", "Read leads"
    ATTRIBUTION_READ = "attribution:read", "Read attribution"
    PERFORMANCE_READ = "performance:read", "Read performance"
    COSTS_WRITE = "costs:write", "Write campaign costs"
    OPPORTUNITIES_READ = "opportunities:read", "Read opportunities"
    OPPORTUNITIES_WRITE = "opportunities:write", "Open and edit opportunities"
    HISTORY_READ = "history:read", "Read who changed what"


class ApiKey(AbstractAPIKey):
    """A hashed, expiring key with scopes; two keys may live side by side while one replaces the other."""

    scopes = models.JSONField(default=list)
    created_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    last_used_on = models.DateField(null=True, blank=True)

    class Meta(AbstractAPIKey.Meta):
        verbose_name = "API key"
        verbose_name_plural = "API keys"
        ordering = ()  # type: ignore[assignment]  # the base sorts by -created, in every subquery too


class Submission(models.Model):
    """A captured item as received, written before it is answered; bad ones are kept with their errors.

    While it is not taken yet, ``item`` is what capture will take (see `leads.pure.capture.stored`), and ``due_at`` is
    set where nothing but a worker is awaited.
    """

    class State(models.TextChoices):
        UNCONFIRMED = "unconfirmed", "Not confirmed"
        QUEUED = "queued", "Queued"
        ACCEPTED = "accepted", "Accepted"
        REJECTED = "rejected", "Rejected"
        SPAM = "spam", "Spam"

    class Attendance(models.TextChoices):
        ATTENDED = "attended", "Attended"
        NO_SHOW = "no_show", "No-show"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    received_at = models.DateTimeField(db_index=True)
    source = models.CharField(max_length=80, help_text="API key name, import, or form")
    payload = models.JSONField()
    item = models.JSONField(null=True, blank=True)
    form = models.ForeignKey(
        "leads.WebForm", on_delete=models.PROTECT, null=True, blank=True, related_name="submissions", db_index=False
    )
    state = models.CharField(max_length=12, choices=State.choices)
    due_at = models.DateTimeField(null=True, blank=True)
    errors = models.JSONField(default=list, blank=True)
    lead = models.ForeignKey("leads.Lead", on_delete=models.SET_NULL, null=True, blank=True, related_name="submissions")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    attendance = models.CharField(max_length=8, choices=Attendance.choices, blank=True)

    class Meta:
        indexes = [
            # Small on purpose: almost every submission is done.
            models.Index(fields=["due_at"], name="submission_due", condition=models.Q(due_at__isnull=False)),
            models.Index(
                fields=["form", "received_at"], name="submission_form", condition=models.Q(form__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source}, {self.received_at:%Y-%m-%d %H:%M}"


@dated("recorded_at")
class SuppressedAddress(models.Model):
    """An address that told an email service to send it nothing, while no lead had it. Who becomes a lead with it later
    has opted out from the beginning. The address itself is not kept."""

    address_hash = models.CharField(max_length=64, db_index=True, help_text="SHA-256 of the normalized address")
    kind = models.CharField(max_length=24, help_text="kind of the touchpoint that it becomes")
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    service = models.CharField(max_length=40)
    dedupe_key = models.CharField(max_length=64, unique=True)

    class Meta:
        verbose_name_plural = "suppressed addresses"

    def __str__(self) -> str:
        return f"{self.kind}, {self.occurred_at:%Y-%m-%d}"


class IdempotentAnswer(models.Model):
    """The answer given to a request with an Idempotency-Key, for replay within 24 hours."""

    api_key = models.ForeignKey("leads.ApiKey", on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    body_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    answer = models.JSONField()
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["api_key", "key"], name="idempotent_answer_once")]

    def __str__(self) -> str:
        return self.key


class MailTrace(models.Model):
    """What is known of one mail to one address: when it was delivered, and its opens and clicks so far.

    Kept for some weeks, so that machines can be told from people also where their clicks come one by one. ``seen``
    holds [dedupe key, kind, moment, link, network address].
    """

    message_hash = models.CharField(max_length=64, unique=True, help_text="of service, message and address")
    delivered_at = models.DateTimeField(null=True, blank=True)
    seen = models.JSONField(default=list)
    changed_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.message_hash
