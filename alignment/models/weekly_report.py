"""Published weekly reports: frozen with their rows and definition versions."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.urls import reverse

from leads.past.registry import dated, versioned


class ReportIsFrozen(Exception):
    """Somebody tried to change a published report."""


@dated("published_at")
class WeeklyReport(models.Model):
    """One ISO week as it was known when it was published. Never changed: corrections become restatements."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    week = models.CharField(max_length=8, unique=True, help_text="such as 2026-W46")
    starts_on = models.DateField(unique=True)
    published_at = models.DateTimeField()
    as_of = models.DateTimeField(help_text="data recorded up to this moment is inside")
    time_zone = models.CharField(max_length=64)
    currency = models.CharField(max_length=3)
    definitions = models.JSONField(help_text='{"figure key": version}')
    content = models.JSONField(help_text="everything the page shows, ready to render")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the content")

    def __str__(self) -> str:
        return f"Weekly report {self.week}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise ReportIsFrozen(f"The report of {self.week} is published and never changes.")
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return reverse("alignment:weekly-report", args=[self.week])


@dated()
class ReportRows(models.Model):
    """The rows behind one figure of a published report, frozen with it."""

    report = models.ForeignKey("alignment.WeeklyReport", on_delete=models.CASCADE, related_name="row_sets")
    figure = models.CharField(max_length=80)
    part = models.CharField(max_length=40)
    columns = models.JSONField()
    rows = models.JSONField()
    count = models.PositiveIntegerField()
    total = models.BigIntegerField(null=True, help_text="sum of the amount column in its unit, where it has one")
    seals = models.JSONField(null=True, help_text="a salt per row, or what is left of it; rows of before have none")

    class Meta:
        verbose_name_plural = "report rows"
        constraints = [models.UniqueConstraint(fields=["report", "figure", "part"], name="report_rows_once_per_part")]

    def __str__(self) -> str:
        return f"{self.report}: {self.figure} {self.part}"


@dated("noticed_at")
class Restatement(models.Model):
    """A published figure that would read differently today, and why. The report itself stays as it was.

    Looks follow each other; the newest of a figure counts. One that found the published value again says so with two
    equal values. ``ledger`` holds the causes with their rows, as `alignment.actions.report.explain_difference` makes
    it; looks of before have none.
    """

    report = models.ForeignKey("alignment.WeeklyReport", on_delete=models.CASCADE, related_name="restatements")
    figure = models.CharField(max_length=80, help_text="entry of the report")
    item = models.CharField(
        max_length=40, blank=True, default="", help_text="a campaign's public id or a part of the split; empty: all"
    )
    published_value = models.FloatField(null=True)
    current_value = models.FloatField(null=True)
    cause = models.CharField(max_length=300)
    salt = models.CharField(
        max_length=32, blank=True, default="", help_text="of the hash of the cause in later reports; empty once erased"
    )
    is_correction = models.BooleanField(
        default=True, help_text="something was corrected; otherwise only time has passed"
    )
    ledger = models.JSONField(default=dict)
    noticed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["report", "figure", "item", "noticed_at"], name="restatement_once_per_look")
        ]

    def __str__(self) -> str:
        return f"{self.report}: {self.figure}"


class ReportDelivery(models.Model):
    """A report sent to a person; unique, so that a doubled beat sends once."""

    report = models.ForeignKey("alignment.WeeklyReport", on_delete=models.CASCADE, related_name="deliveries")
    recipient = models.EmailField(max_length=254)
    claimed_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "report deliveries"
        constraints = [models.UniqueConstraint(fields=["report", "recipient"], name="report_once_per_recipient")]

    def __str__(self) -> str:
        return f"{self.report} to {self.recipient}"


@versioned()
class Target(models.Model):
    """What a figure should reach per week between two dates (both included), in the figure's own unit."""

    figure = models.CharField(max_length=80)
    starts_on = models.DateField()
    ends_on = models.DateField()
    weekly_value = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["figure", "starts_on"], name="target_once_per_start"),
            models.CheckConstraint(
                condition=models.Q(ends_on__gte=models.F("starts_on")), name="target_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.figure} from {self.starts_on}"
