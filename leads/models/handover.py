"""What people decide about leads: whether sales verified them, when to try again, and which rules nobody wants."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from leads.past.registry import dated, versioned


@dated("created_at")
class QuestionSet(models.Model):
    """The company's questions before a lead becomes an SQL, as of a version. The highest version is asked; append-only.

    ``questions`` is a list of {"key", "label", "kind", "choices", "is_required"}; kinds are of
    `leads.pure.qualification`. A key stays the same from version to version.
    """

    version = models.PositiveIntegerField(unique=True)
    questions = models.JSONField()
    change = models.CharField(max_length=300, blank=True, help_text="what was changed, and why")
    created_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"version {self.version}"


@versioned()
class Qualification(models.Model):
    """Sales verified a lead: the answers that the passage to SQL rests on, as they were asked then.

    ``answers`` is a list of {"key", "label", "answer"}.
    """

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="qualifications")
    passage = models.OneToOneField("leads.LifecyclePassage", on_delete=models.CASCADE, related_name="qualification")
    question_set = models.ForeignKey("leads.QuestionSet", on_delete=models.PROTECT, related_name="qualifications")
    answers = models.JSONField()
    note = models.TextField(blank=True)
    by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    qualified_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["lead", "qualified_at"], name="qualification_lead_time")]

    def __str__(self) -> str:
        return f"{self.lead}, {self.qualified_at:%Y-%m-%d}"


class RecyclingQuerySet(models.QuerySet["Recycling"]):
    def waiting(self) -> RecyclingQuerySet:
        return self.filter(returned_at__isnull=True)


@versioned()
class Recycling(models.Model):
    """A recycled lead that comes back on a day, to its owner and their list; at most one waits for each lead."""

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="recyclings")
    comes_back_on = models.DateField()
    because = models.CharField(max_length=300, blank=True)
    by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    returned_at = models.DateTimeField(
        null=True, blank=True, help_text="when it came back, or was no longer waited for"
    )

    objects = RecyclingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["lead"], condition=Q(returned_at__isnull=True), name="recycling_one_waiting_per_lead"
            )
        ]
        indexes = [models.Index(fields=["comes_back_on"], name="recycling_due", condition=Q(returned_at__isnull=True))]

    def __str__(self) -> str:
        return f"{self.lead} on {self.comes_back_on}"


class DismissedProposal(models.Model):
    """A rule proposed from rejections that somebody does not want, with the reason; it is not proposed again."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    key = models.CharField(max_length=200, unique=True, help_text="the conditions")
    words = models.CharField(max_length=300)
    reason = models.CharField(max_length=300)
    by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, related_name="+")
    dismissed_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.words
