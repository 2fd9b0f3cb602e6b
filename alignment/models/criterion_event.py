"""What happened to a criterion beside evidence and sign-offs."""

from __future__ import annotations

from django.db import models


class CriterionEvent(models.Model):
    """A change of state or plan with who and why; append-only."""

    class Kind(models.TextChoices):
        NOT_APPLICABLE = "not_applicable", "Marked not applicable"
        REOPENED = "reopened", "Reopened"
        PLANNED = "planned", "Owner or due date changed"

    criterion = models.ForeignKey("alignment.AcceptanceCriterion", on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    because = models.CharField(max_length=300, blank=True)
    by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, related_name="+")
    by_name = models.CharField(max_length=120)
    happened_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(kind="not_applicable") | ~models.Q(because=""), name="criterion_event_has_reason"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.happened_at:%Y-%m-%d}"
