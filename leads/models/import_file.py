"""CSV imports: mappings people save, runs, and rows kept aside."""

from __future__ import annotations

import uuid

from django.db import models

from leads.past.registry import dated


class ImportKind(models.TextChoices):
    LEADS = "leads", "Leads"
    OPPORTUNITIES = "opportunities", "Opportunities"
    ACCOUNTS = "accounts", "Accounts"
    COSTS = "costs", "Campaign costs"
    ATTENDANCE = "attendance", "Webinar attendance"


class ImportMapping(models.Model):
    """Which column of a file feeds which field; saved under a name for the next file of the same shape."""

    name = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=16, choices=ImportKind.choices)
    columns = models.JSONField(help_text='{"field": "column"}')
    defaults = models.JSONField(default=dict, blank=True, help_text='{"field": "value"} for fields without a column')

    def __str__(self) -> str:
        return self.name


@dated("created_at")
class ImportRun(models.Model):
    """One file brought in, or tried (``is_dry_run``). Repeating a file changes nothing: rows carry their own ids."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=16, choices=ImportKind.choices)
    file_name = models.CharField(max_length=200)
    file_hash = models.CharField(max_length=64)
    content = models.BinaryField(help_text="the file itself, so that a run can resume and errors can be checked")
    columns = models.JSONField(default=dict)
    defaults = models.JSONField(default=dict, blank=True)
    is_dry_run = models.BooleanField(default=False)
    rows_total = models.PositiveIntegerField(default=0)
    rows_created = models.PositiveIntegerField(default=0)
    rows_updated = models.PositiveIntegerField(default=0)
    rows_unchanged = models.PositiveIntegerField(default=0)
    rows_rejected = models.PositiveIntegerField(default=0)
    next_row = models.PositiveIntegerField(default=0, help_text="where an interrupted run goes on")
    notices = models.JSONField(
        default=dict, blank=True, help_text="rows taken otherwise than the file says: how many, and the first of them"
    )
    job = models.OneToOneField("leads.JobRun", on_delete=models.PROTECT, null=True, related_name="import_run")
    created_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.file_name}, {self.created_at:%Y-%m-%d %H:%M}"


@dated()
class ImportRowError(models.Model):
    """A row that could not be taken in, with its cells and the reason."""

    run = models.ForeignKey("leads.ImportRun", on_delete=models.CASCADE, related_name="row_errors")
    line = models.PositiveIntegerField()
    cells = models.JSONField()
    field = models.CharField(max_length=60, blank=True)
    error = models.CharField(max_length=300)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "line"], name="import_error_once_per_line")]

    def __str__(self) -> str:
        return f"line {self.line}: {self.error}"
