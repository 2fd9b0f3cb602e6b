"""Promised next contacts."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from leads.past.registry import versioned


class FollowUpQuerySet(models.QuerySet["FollowUp"]):
    def open(self) -> FollowUpQuerySet:
        return self.filter(done_at__isnull=True)


@versioned()
class FollowUp(models.Model):
    """A promise that the owner contacts a lead by ``due_at``; at most one open promise of a kind per lead."""

    class Kind(models.TextChoices):
        CALL = "call", "Call"
        EMAIL = "email", "Email"
        MEETING = "meeting", "Meeting"

    class Outcome(models.TextChoices):
        REACHED = "reached", "Reached"
        NO_ANSWER = "no_answer", "No answer"
        MEETING_BOOKED = "meeting_booked", "Meeting booked"
        SENT = "sent", "Sent"
        NOT_NEEDED = "not_needed", "No longer needed"

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="follow_ups")
    owner = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, related_name="follow_ups")
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.CALL)
    because = models.CharField(max_length=200)
    planned_at = models.DateTimeField()
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=16, choices=Outcome.choices, blank=True)
    note = models.TextField(blank=True)

    objects = FollowUpQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["lead", "kind"], condition=Q(done_at__isnull=True), name="follow_up_one_open_per_kind"
            ),
            models.CheckConstraint(
                condition=(Q(done_at__isnull=True) & Q(outcome="")) | (Q(done_at__isnull=False) & ~Q(outcome="")),
                name="follow_up_done_has_outcome",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "done_at", "due_at"], name="follow_up_owner_due"),
            # Whoever asks every minute what became overdue reads that alone.
            models.Index(fields=["due_at"], name="follow_up_open_due", condition=Q(done_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.lead} by {self.due_at:%Y-%m-%d %H:%M}"
