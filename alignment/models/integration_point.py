"""Integration points between two domains and the criteria sales signs off."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.urls import reverse

from leads.past.registry import versioned


@versioned()
class IntegrationPoint(models.Model):
    """One coordination promise: a flow between two sides, a protocol, linked frameworks, and four criteria."""

    code = models.CharField(max_length=12, unique=True)
    title = models.CharField(max_length=120)
    group = models.CharField(max_length=80)
    flow_from = models.CharField(max_length=80)
    flow_to = models.CharField(max_length=80)
    protocol = models.TextField()
    frameworks = models.JSONField(default=list, help_text='list of {"title", "url"}')
    position = models.PositiveSmallIntegerField()
    owner = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    due_on = models.DateField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.code} {self.title}"

    def get_absolute_url(self) -> str:
        return reverse("alignment:integration-point", args=[self.code])


@versioned()
class AcceptanceCriterion(models.Model):
    """A sentence that must hold. Changing it raises ``version``; older sign-offs keep the words they signed."""

    class State(models.TextChoices):
        NOT_READY = "not_ready", "Not ready"
        READY = "ready", "Ready for sign-off"
        SIGNED_OFF = "signed_off", "Signed off"
        FLAGGED = "flagged", "Flagged"
        NOT_APPLICABLE = "not_applicable", "Not applicable"

    point = models.ForeignKey("alignment.IntegrationPoint", on_delete=models.CASCADE, related_name="criteria")
    position = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=300)
    version = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=16, choices=State.choices, default=State.NOT_READY)
    state_note = models.CharField(max_length=300, blank=True, help_text="why flagged or not applicable")
    owner = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    due_on = models.DateField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "acceptance criteria"
        constraints = [
            models.UniqueConstraint(fields=["point", "position"], name="criterion_once_per_position"),
            models.CheckConstraint(
                condition=~Q(state__in=("flagged", "not_applicable")) | ~Q(state_note=""),
                name="criterion_exception_has_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.text


@versioned()
class Evidence(models.Model):
    """A document or note that supports a criterion. Append-only; a sign-off freezes what was there."""

    criterion = models.ForeignKey("alignment.AcceptanceCriterion", on_delete=models.CASCADE, related_name="evidence")
    note = models.TextField()
    url = models.URLField(max_length=500, blank=True)
    added_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, related_name="+")
    added_by_name = models.CharField(max_length=120)
    added_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "evidence"

    def __str__(self) -> str:
        return self.note[:60]


@versioned()
class SignOff(models.Model):
    """A named person confirmed a version of a criterion on frozen evidence. Withdrawn with a reason, never deleted."""

    criterion = models.ForeignKey("alignment.AcceptanceCriterion", on_delete=models.PROTECT, related_name="sign_offs")
    criterion_version = models.PositiveIntegerField()
    criterion_text = models.CharField(max_length=300)
    signed_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, related_name="+")
    signed_by_name = models.CharField(max_length=120)
    signed_at = models.DateTimeField()
    evidence = models.JSONField(help_text="frozen copy of the evidence at that moment")
    note = models.CharField(max_length=300, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by_name = models.CharField(max_length=120, blank=True)
    withdrawn_because = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["criterion"], condition=Q(withdrawn_at__isnull=True), name="sign_off_one_standing"
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True) | ~Q(withdrawn_because=""),
                name="withdrawal_has_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.signed_by_name}: {self.criterion_text}"


@versioned()
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
