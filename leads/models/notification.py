"""What the portal tells people: one row per message, recipient and channel."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from leads.models.secret import SecretTextField
from leads.models.user import User
from leads.past.registry import versioned
from leads.pure.notifications import KINDS


class MessageChannel(models.TextChoices):
    """Ways a message takes."""

    PORTAL = "portal", "Portal"
    EMAIL = "email", "Email"
    SLACK = "slack", "Slack"
    TEAMS = "teams", "Microsoft Teams"


@versioned(untracked=("posted_at", "last_error"), hidden=("url",))
class ChatDestination(models.Model):
    """A Slack or Teams channel that takes messages at an incoming webhook. Whoever knows its address may post."""

    class Kind(models.TextChoices):
        SLACK = "slack", "Slack"
        TEAMS = "teams", "Microsoft Teams"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    url = SecretTextField()
    kinds = models.JSONField(default=list, help_text="keys of the kinds of notification posted there")
    is_active = models.BooleanField(default=True)
    created_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    posted_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return self.name

    @property
    def kind_labels(self) -> list[str]:
        """What is posted there, in words."""
        return [KINDS[key].label for key in self.kinds if key in KINDS]


class NotificationQuerySet(models.QuerySet["Notification"]):
    def visible_to(self, user: User) -> NotificationQuerySet:
        """What a person finds in the portal: their own."""
        return self.filter(recipient=user, channel=MessageChannel.PORTAL)

    def unread(self) -> NotificationQuerySet:
        return self.filter(read_at__isnull=True)


class Notification(models.Model):
    """One message to one recipient through one channel. ``key`` is what it is about: nobody gets a key twice."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=40)
    channel = models.CharField(max_length=8, choices=MessageChannel.choices)
    recipient = models.ForeignKey(
        "leads.User", on_delete=models.CASCADE, null=True, blank=True, related_name="notifications"
    )
    destination = models.ForeignKey(
        "leads.ChatDestination", on_delete=models.CASCADE, null=True, blank=True, related_name="notifications"
    )
    title = models.CharField(max_length=200)
    text = models.CharField(max_length=500, blank=True)
    link = models.CharField(max_length=300, help_text="a path in the portal")
    key = models.CharField(max_length=120)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=200, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["recipient", "channel", "key"],
                condition=Q(recipient__isnull=False),
                name="notification_once_per_person",
            ),
            models.UniqueConstraint(
                fields=["destination", "key"],
                condition=Q(destination__isnull=False),
                name="notification_once_per_destination",
            ),
            models.CheckConstraint(
                condition=Q(channel__in=("portal", "email"), recipient__isnull=False, destination__isnull=True)
                | Q(channel__in=("slack", "teams"), recipient__isnull=True, destination__isnull=False),
                name="notification_has_one_address",
            ),
        ]
        indexes = [
            models.Index(fields=["recipient", "created_at"], name="notification_inbox", condition=Q(channel="portal")),
            models.Index(
                fields=["recipient"],
                name="notification_unread",
                condition=Q(channel="portal", read_at__isnull=True),
            ),
            # Small on purpose: almost every message is sent.
            models.Index(fields=["not_before"], name="notification_due", condition=Q(state="waiting")),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.channel})"

    @property
    def label(self) -> str:
        """Its kind in words."""
        return KINDS[self.kind].label if self.kind in KINDS else self.kind.replace("_", " ").capitalize()


@versioned(untracked=("changed_at",))
class NotificationPreference(models.Model):
    """Whether a person wants a kind by a channel; without a row the kind's own default holds."""

    user = models.ForeignKey("leads.User", on_delete=models.CASCADE, related_name="notification_preferences")
    kind = models.CharField(max_length=40)
    channel = models.CharField(max_length=8, choices=MessageChannel.choices)
    is_on = models.BooleanField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "kind", "channel"], name="preference_once")]

    def __str__(self) -> str:
        return f"{self.user}: {self.kind} by {self.channel} {'on' if self.is_on else 'off'}"
