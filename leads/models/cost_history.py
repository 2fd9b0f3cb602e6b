"""What was said about campaign costs, by whom and through which door, with what stood before; append-only."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from leads.past.registry import versioned


class CostDoor(models.TextChoices):
    """Where a cost was said."""

    PAGE = "page", "Page"
    IMPORT = "import", "CSV import"
    API = "api", "API"
    CRM = "crm", "CRM"
    ADMIN = "admin", "Admin"
    RATE = "rate", "Exchange rate"
    OPENING = "opening", "Opening entry"


@versioned()
class CostEntry(models.Model):
    """Something that was said at once about days of one campaign. Append-only; only days that changed are in it.

    ``by_name`` is who said it in words (a person, an API key, a CRM's connection), kept when the person is gone.
    """

    # A campaign whose costs had a history cannot be deleted: what it cost stands in published figures.
    campaign = models.ForeignKey("leads.Campaign", on_delete=models.PROTECT, related_name="cost_entries")
    source = models.CharField(max_length=40)
    door = models.CharField(max_length=8, choices=CostDoor.choices)
    by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    by_name = models.CharField(max_length=160, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    said_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "cost entries"
        constraints = [models.CheckConstraint(condition=Q(door__in=CostDoor.values), name="cost_entry_door_known")]
        indexes = [models.Index(fields=["campaign", "said_at"], name="cost_entry_campaign_time")]

    def __str__(self) -> str:
        return f"{self.campaign}, {self.said_at:%Y-%m-%d}"


@versioned()
class CostChange(models.Model):
    """A day's cost before and after an entry. Empty is *unknown*: nothing was known before, or it was taken back.

    The last change of a campaign, source and day is what its `CampaignCost` says, and without a row nothing stands.
    """

    entry = models.ForeignKey("leads.CostEntry", on_delete=models.CASCADE, related_name="changes")
    spent_on = models.DateField(db_index=True)
    before_cents = models.BigIntegerField(null=True)
    before_currency = models.CharField(max_length=3, blank=True)
    before_reporting_cents = models.BigIntegerField(null=True, help_text="in the company currency")
    after_cents = models.BigIntegerField(null=True)
    after_currency = models.CharField(max_length=3, blank=True)
    after_reporting_cents = models.BigIntegerField(null=True, help_text="in the company currency")
    is_restating = models.BooleanField(
        default=False, help_text="replaced what was known before, after the week of the day was over"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["entry", "spent_on"], name="cost_change_once_per_day"),
            models.CheckConstraint(
                condition=Q(before_cents__isnull=False) | Q(after_cents__isnull=False), name="cost_change_of_something"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.spent_on}: {self.before_cents} → {self.after_cents}"
