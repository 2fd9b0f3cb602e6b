"""What reports recommend: open questions, and what people decided about them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.urls import reverse

from leads.past.registry import versioned


@versioned()
class Recommendation(models.Model):
    """A question that a report asked first, with the evidence it had then. Only its state changes."""

    class Kind(models.TextChoices):
        """What it is about."""

        MOVE_BUDGET = "move_budget", "Move budget"
        REVIEW_BUDGET = "review_budget", "Review budget"
        RAISE_BUDGET = "raise_budget", "Raise budget"
        FIND_CAUSE = "find_cause", "Find the cause"

    class State(models.TextChoices):
        """Whether anybody has answered. Replaced: a later report asks anew, as something material changed."""

        OPEN = "open", "Open"
        DECIDED = "decided", "Decided"
        DISMISSED = "dismissed", "Dismissed"
        REPLACED = "replaced", "Replaced"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    report = models.ForeignKey("alignment.WeeklyReport", on_delete=models.CASCADE, related_name="recommendations")
    week = models.CharField(max_length=8, help_text="of the report that asked first")
    made_at = models.DateTimeField()
    position = models.PositiveSmallIntegerField(default=0)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    subject = models.CharField(max_length=80, help_text="a campaign's public id, or a figure")
    receiver = models.CharField(max_length=40, blank=True, default="", help_text="public id of a campaign")
    question = models.TextField()
    grounds = models.TextField()
    caution = models.TextField(blank=True, default="")
    capacity = models.TextField(blank=True, default="")
    changed = models.TextField(blank=True, default="", help_text="why it is asked again")
    evidence = models.JSONField(help_text="values with the report's entries that hold their rows")
    values = models.JSONField(help_text="what a later report compares with")
    amount_cents = models.BigIntegerField(null=True, help_text="the most that it is about")
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    closed_by_name = models.CharField(max_length=150, blank=True, default="")
    reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subject"], condition=models.Q(state="open"), name="recommendation_open_once_per_subject"
            ),
            models.CheckConstraint(
                condition=models.Q(state="open", closed_at__isnull=True)
                | (~models.Q(state="open") & models.Q(closed_at__isnull=False)),
                name="recommendation_closed_or_open",
            ),
        ]

    def __str__(self) -> str:
        return self.question

    def get_absolute_url(self) -> str:
        return f"{reverse('alignment:recommendations')}?state=all#recommendation-{self.public_id}"
