"""Leads that may be one person: what makes them alike, and what people decided."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q

from leads.models.user import User


class IdentityKey(models.Model):
    """Something by which a lead may be known again: a mailbox, a telephone number, a name at a company."""

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="identity_keys")
    key = models.CharField(max_length=240, db_index=True, help_text="kind and value")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["lead", "key"], name="identity_key_once")]

    def __str__(self) -> str:
        return self.key


class DuplicateQuerySet(models.QuerySet["Duplicate"]):
    def visible_to(self, user: User) -> DuplicateQuerySet:
        """Pairs of leads that a person may see both of."""
        rows = self.filter(first__merged_into__isnull=True, second__merged_into__isnull=True)
        return rows if user.sees_all else rows.filter(first__owner=user, second__owner=user)

    def open(self) -> DuplicateQuerySet:
        return self.filter(state=Duplicate.State.OPEN)


class Duplicate(models.Model):
    """Two leads that may be one person, with the reasons. A suggestion: only people merge."""

    class State(models.TextChoices):
        OPEN = "open", "To decide"
        DIFFERENT = "different", "Not the same"
        MERGED = "merged", "Merged"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    first = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="+")
    reasons = models.JSONField(default=list, help_text="in words")
    strength = models.PositiveSmallIntegerField(help_text="more for surer reasons")
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    found_at = models.DateTimeField()
    decided_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)

    objects = DuplicateQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="duplicate_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="duplicate_in_order"),
        ]
        indexes = [
            models.Index(fields=["-strength", "id"], name="duplicate_open", condition=Q(state="open")),
            models.Index(fields=["decided_by", "decided_at"], name="duplicate_decided"),
        ]

    def __str__(self) -> str:
        return f"{self.first} and {self.second}"
