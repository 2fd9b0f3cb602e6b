"""What was decided about the test of sourced deals, and why; append-only."""

from __future__ import annotations

from django.db import models

from attribution.models.rules import SourcedTest
from leads.past.registry import versioned


@versioned()
class SourcedDecision(models.Model):
    """A locking, unlocking or change of the test, by whom and why. The rules hold what is in force.

    A decision that gave the company another test is a new version of the figures by it: see `revisions`.
    """

    class Kind(models.TextChoices):
        LOCKED = "locked", "Locked"
        UNLOCKED = "unlocked", "Unlocked"
        CHANGED = "changed", "Changed"

    kind = models.CharField(max_length=8, choices=Kind.choices)
    test = models.CharField(max_length=20, choices=SourcedTest.choices)
    test_before = models.CharField(
        max_length=20, choices=SourcedTest.choices, blank=True, help_text="the test that this one took the place of"
    )
    reason = models.CharField(max_length=300)
    by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~models.Q(reason=""), name="sourced_decision_reason_given"),
            models.CheckConstraint(
                condition=~models.Q(test_before=models.F("test")), name="sourced_decision_changes_or_not"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.at:%Y-%m-%d}"
