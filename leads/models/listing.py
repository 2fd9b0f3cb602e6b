"""Lists that people keep for themselves, and what they do with many rows at once."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.urls import reverse

from leads.models.user import Role, User


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def visible_to(self, user: User) -> SavedViewQuerySet:
        """A person's own views, and those shared with their role."""
        return self.filter(Q(owner=user) | Q(shared_with=user.role))


class SavedView(models.Model):
    """Filters, sorting and columns of a list under a name, private or shared with a role."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    listing = models.CharField(max_length=20, help_text="key of the list")
    name = models.CharField(max_length=80)
    owner = models.ForeignKey("leads.User", on_delete=models.CASCADE, related_name="saved_views")
    shared_with = models.CharField("shared with", max_length=24, choices=Role.choices, blank=True)
    query = models.CharField(max_length=2000, blank=True)
    is_default = models.BooleanField(default=False, help_text="what its owner sees first")
    created_at = models.DateTimeField()

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "listing", "name"], name="saved_view_name_once"),
            models.UniqueConstraint(
                fields=["owner", "listing"], condition=Q(is_default=True), name="saved_view_one_default"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BulkRun(models.Model):
    """One thing that somebody did with many rows of a list; a job does large ones. ``ids`` are the rows as chosen."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    verb = models.CharField(max_length=20, help_text="key of what was done")
    params = models.JSONField(default=dict)
    ids = models.JSONField()
    by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, related_name="+")
    job = models.OneToOneField("leads.JobRun", on_delete=models.PROTECT, related_name="bulk_run")
    undo_job = models.OneToOneField("leads.JobRun", on_delete=models.PROTECT, null=True, related_name="undone_bulk_run")
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.verb}, {len(self.ids)} rows"

    def get_absolute_url(self) -> str:
        return reverse("leads:bulk-run", args=[self.public_id])


class BulkRow(models.Model):
    """What became of one row of a bulk run: a lead, or the ``row`` of another list. ``undo`` or ``before`` take it
    back."""

    class State(models.TextChoices):
        DONE = "done", "Done"
        REFUSED = "refused", "Not done"
        UNDONE = "undone", "Taken back"
        KEPT = "kept", "Not taken back"

    run = models.ForeignKey("leads.BulkRun", on_delete=models.CASCADE, related_name="rows")
    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, null=True, related_name="+")
    row = models.BigIntegerField(null=True, help_text="id of the opportunity, account, campaign or touchpoint")
    state = models.CharField(max_length=8, choices=State.choices)
    why = models.CharField(max_length=300, blank=True)
    undo = models.BigIntegerField(null=True, help_text="key of the row that undoing needs")
    before = models.JSONField(null=True, help_text="what the row said before")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "lead"], name="bulk_row_once"),
            models.UniqueConstraint(fields=["run", "row"], name="bulk_row_once_elsewhere"),
            models.CheckConstraint(
                condition=Q(lead__isnull=False, row__isnull=True) | Q(lead__isnull=True, row__isnull=False),
                name="bulk_row_of_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lead or self.row}: {self.state}"

    @property
    def key(self) -> int:
        """Of the row of the list."""
        return self.lead_id or self.row or 0
