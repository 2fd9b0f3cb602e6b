"""Outgoing webhooks: who is told of what, what there is to tell, and how each delivery went."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.urls import reverse

from leads.models.secret import SecretTextField
from leads.past.registry import versioned
from leads.pure.webhooks import EVENTS


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    def active(self) -> WebhookEndpointQuerySet:
        return self.filter(is_active=True)


@versioned(untracked=("failing_since", "delivered_at"), hidden=("secret", "former_secret"))
class WebhookEndpoint(models.Model):
    """An address of another system that is told of events. ``secret`` signs what is sent; for a day after it was
    rotated the former one signs, too."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=80, unique=True)
    url = models.CharField(max_length=2000)
    events = models.JSONField(default=list, help_text="keys of the events it is told of")
    secret = SecretTextField()
    former_secret = SecretTextField(blank=True, default="")
    former_until = models.DateTimeField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    disabled_because = models.CharField(max_length=200, blank=True, default="")
    failing_since = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()

    objects = WebhookEndpointQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("integrations:webhook-endpoint", args=[self.public_id])

    @property
    def event_labels(self) -> list[str]:
        """What it is told of, in words."""
        return [EVENTS[key] for key in self.events if key in EVENTS]

    def secrets(self, at: datetime) -> list[str]:
        """The secrets that sign now, the current one first."""
        former = self.former_secret if self.former_until and at < self.former_until else ""
        return [self.secret, former] if former else [self.secret]


class WebhookEvent(models.Model):
    """Something to tell, with the very text that is sent. ``key`` says what it is about: it is written once."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=160, unique=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_index=True)
    body = models.TextField()
    # Whoever is erased takes along what was told of them.
    lead = models.ForeignKey(
        "leads.Lead", on_delete=models.CASCADE, null=True, blank=True, related_name="webhook_events"
    )

    def __str__(self) -> str:
        return f"{self.kind}, {self.occurred_at:%Y-%m-%d %H:%M}"

    @property
    def message_id(self) -> str:
        """The id by which receivers know repeats."""
        return f"msg_{self.public_id.hex}"


class WebhookDelivery(models.Model):
    """An event for one endpoint: waiting until it was taken or given up."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    endpoint = models.ForeignKey("leads.WebhookEndpoint", on_delete=models.CASCADE, related_name="deliveries")
    event = models.ForeignKey("leads.WebhookEvent", on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0, help_text="failed ones since it was last queued")
    not_before = models.DateTimeField()
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints = [models.UniqueConstraint(fields=["event", "endpoint"], name="webhook_delivery_once")]
        indexes = [
            models.Index(fields=["endpoint", "state"], name="webhook_delivery_state"),
            # Small on purpose: almost every delivery is done.
            models.Index(fields=["not_before"], name="webhook_delivery_due", condition=Q(state="waiting")),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.endpoint}"


class WebhookAttempt(models.Model):
    """One try: what was asked and answered. Append-only; no secret and no signature is kept."""

    delivery = models.ForeignKey("leads.WebhookDelivery", on_delete=models.CASCADE, related_name="attempts")
    at = models.DateTimeField()
    url = models.CharField(max_length=2000)
    headers = models.JSONField(default=dict, help_text="of the request, without its signature")
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    answer = models.TextField(blank=True, help_text="the beginning of the answer's body")
    error = models.CharField(max_length=200, blank=True)
    milliseconds = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.status or self.error}, {self.at:%Y-%m-%d %H:%M}"
