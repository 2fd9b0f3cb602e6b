"""The PDF of a published report, made once and kept beside it."""

from __future__ import annotations

from django.db import models


class ReportPdf(models.Model):
    """A report's PDF, or the claim of whoever makes it. In a table of its own: pages that list reports never read it.

    ``edition`` counts how often it was dropped because a person was erased: what was begun before is not kept after.
    """

    report = models.OneToOneField("alignment.WeeklyReport", on_delete=models.CASCADE, related_name="pdf")
    content = models.BinaryField(null=True, help_text="the file; empty until it is made")
    digest = models.CharField(max_length=64, blank=True, default="", help_text="SHA-256 of the file")
    made_at = models.DateTimeField(null=True)
    claimed_at = models.DateTimeField(null=True, help_text="when a worker began to make it")
    edition = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = "report PDF"

    def __str__(self) -> str:
        return f"PDF of {self.report}"
