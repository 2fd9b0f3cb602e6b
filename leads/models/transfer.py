"""Transfers: leads, follow-ups, deals and accounts that people gave to somebody else, and what each was before."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.urls import reverse

from leads.models.job import JobRun


class Transfer(models.Model):
    """One decision to give leads, or a rep's whole book, to others; carried out by a job, and undone as a whole."""

    class Scope(models.TextChoices):
        LEADS = "leads", "Chosen leads"
        BOOK = "book", "Whole book of a rep"

    class Way(models.TextChoices):
        PERSON = "person", "One person"
        EVENLY = "evenly", "Evenly among several people"
        RULES = "rules", "By territory rules"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    scope = models.CharField(max_length=5, choices=Scope.choices)
    way = models.CharField(max_length=6, choices=Way.choices)
    from_rep = models.ForeignKey("leads.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    recipients = models.ManyToManyField("leads.User", related_name="+", blank=True)
    lead_ids = models.JSONField(default=list, blank=True, help_text="the chosen leads")
    takes_closed = models.BooleanField(default=False, help_text="leads that nobody has to work on any more go along")
    reason = models.CharField(max_length=200)
    job = models.OneToOneField("leads.JobRun", on_delete=models.PROTECT, related_name="transfer")
    leads = models.PositiveIntegerField(default=0)
    without_owner = models.PositiveIntegerField(default=0, help_text="leads for which nobody is available yet")
    follow_ups = models.PositiveIntegerField(default=0)
    opportunities = models.PositiveIntegerField(default=0)
    accounts = models.PositiveIntegerField(default=0)
    by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    undo_job = models.OneToOneField("leads.JobRun", on_delete=models.PROTECT, null=True, related_name="undone_transfer")
    undo_reason = models.CharField(max_length=200, blank=True)
    undone_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, related_name="+")
    undone_at = models.DateTimeField(null=True)
    kept = models.PositiveIntegerField(default=0, help_text="rows changed since, which undoing left as they were")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(scope__in=["leads", "book"]), name="transfer_scope_known"),
            models.CheckConstraint(condition=Q(way__in=["person", "evenly", "rules"]), name="transfer_way_known"),
            models.CheckConstraint(condition=~Q(reason=""), name="transfer_has_reason"),
            models.CheckConstraint(
                condition=Q(scope="leads") | Q(from_rep__isnull=False), name="transfer_of_a_book_has_rep"
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="transfer_created")]

    def __str__(self) -> str:
        if self.from_rep is not None:
            return f"Book of {self.from_rep}"
        return "1 lead" if len(self.lead_ids) == 1 else f"{len(self.lead_ids):,} leads"

    def get_absolute_url(self) -> str:
        return reverse("leads:transfer", args=[self.public_id])

    @property
    def to_words(self) -> str:
        """Who gets it, for people."""
        names = ", ".join(str(person) for person in self.recipients.all())
        return names if self.way != self.Way.RULES else "Territory rules"

    @property
    def state_words(self) -> str:
        """Where it stands."""
        if self.undone_at is not None:
            return "Undone"
        if self.undo_job is not None:
            return "Undo failed" if self.undo_job.state == JobRun.State.FAILED else "Being undone"
        return {"done": "Done", "failed": "Failed"}.get(self.job.state, "Under way")


class TransferItem(models.Model):
    """A row that a transfer gave to somebody, with the owner and territory it had before."""

    class Kind(models.TextChoices):
        LEAD = "lead", "Lead"
        FOLLOW_UP = "follow_up", "Follow-up"
        OPPORTUNITY = "opportunity", "Opportunity"
        ACCOUNT = "account", "Account"

    transfer = models.ForeignKey("leads.Transfer", on_delete=models.CASCADE, related_name="items")
    kind = models.CharField(max_length=11, choices=Kind.choices)
    row = models.BigIntegerField(help_text="id of the lead, follow-up, opportunity or account")
    from_owner = models.ForeignKey("leads.User", on_delete=models.PROTECT, null=True, related_name="+")
    to_owner = models.ForeignKey("leads.User", on_delete=models.PROTECT, null=True, related_name="+")
    from_territory = models.ForeignKey("leads.Territory", on_delete=models.SET_NULL, null=True, related_name="+")
    to_territory = models.ForeignKey("leads.Territory", on_delete=models.SET_NULL, null=True, related_name="+")
    owner_elsewhere = models.CharField(max_length=120, blank=True, default="")
    is_undone = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["transfer", "kind", "row"], name="transfer_item_once"),
        ]
        indexes = [models.Index(fields=["kind", "row"], name="transfer_item_row")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.row}: {self.from_owner} to {self.to_owner}"
