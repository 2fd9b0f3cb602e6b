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
    """One thing that somebody did with many leads; a job does large ones. ``ids`` are the leads as they were chosen."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    verb = models.CharField(max_length=20, help_text="key of what was done")
    params = models.JSONField(default=dict)
    ids = models.JSONField()
    by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, related_name="+")
    job = models.OneToOneField("leads.JobRun", on_delete=models.PROTECT, related_name="bulk_run")
    undo_job = models.OneToOneField("leads.JobRun", on_delete=models.PROTECT, null=True, related_name="undone_bulk_run")
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.verb}, {len(self.ids)} leads"

    def get_absolute_url(self) -> str:
        return reverse("leads:bulk-run", args=[self.public_id])


class BulkRow(models.Model):
    """What became of one lead of a bulk run; ``undo`` is what takes it back."""

    class State(models.TextChoices):
        DONE = "done", "Done"
        REFUSED = "refused", "Not done"
        UNDONE = "undone", "Taken back"
        KEPT = "kept", "Not taken back"

    run = models.ForeignKey("leads.BulkRun", on_delete=models.CASCADE, related_name="rows")
    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=8, choices=State.choices)
    why = models.CharField(max_length=300, blank=True)
    undo = models.BigIntegerField(null=True, help_text="key of the row that undoing needs")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "lead"], name="bulk_row_once")]

    def __str__(self) -> str:
        return f"{self.lead}: {self.state}"
