"""Calls, emails, meetings and notes that people log, whether they were planned or not."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from leads.models.follow_up import FollowUp
from leads.past.registry import versioned


class ActivityQuerySet(models.QuerySet["Activity"]):
    def answering(self) -> ActivityQuerySet:
        """Those that answer the person: calls that reached them, emails that were sent, meetings; no notes."""
        return self.exclude(Q(kind=Activity.Kind.NOTE) | Q(kind=Activity.Kind.CALL, outcome=FollowUp.Outcome.NO_ANSWER))


@versioned()
class Activity(models.Model):
    """Something a person of ours did with a lead. ``follow_up`` is the planned contact that it completed, if any."""

    class Kind(models.TextChoices):
        CALL = "call", "Call"
        EMAIL = "email", "Email"
        MEETING = "meeting", "Meeting"
        NOTE = "note", "Note"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="activities")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    outcome = models.CharField(max_length=16, choices=FollowUp.Outcome.choices, blank=True)
    note = models.TextField(blank=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_index=True)
    by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, related_name="+")
    follow_up = models.ForeignKey(
        "leads.FollowUp", on_delete=models.SET_NULL, null=True, blank=True, related_name="activities"
    )

    objects = ActivityQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "activities"
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="note", outcome="") | (~Q(kind="note") & ~Q(outcome="")),
                name="activity_contact_has_outcome",
            ),
            models.CheckConstraint(condition=~Q(kind="note", note=""), name="activity_note_has_text"),
        ]
        indexes = [models.Index(fields=["lead", "occurred_at"], name="activity_lead_time")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.occurred_at:%Y-%m-%d %H:%M}"
