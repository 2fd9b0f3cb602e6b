"""Deals: what sales makes of leads, with a history that is never rewritten."""

from __future__ import annotations

import uuid

from django.db import models
from django.urls import reverse

from leads.models.prefix import PrefixKey
from leads.models.user import User
from leads.past.registry import versioned


class DealStatus(models.TextChoices):
    OPEN = "open", "Open"
    WON = "won", "Won"
    LOST = "lost", "Lost"


@versioned()
class PipelineStage(models.Model):
    """A step of the sales process with its win probability (0 to 1) for weighted pipeline."""

    key = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=80)
    position = models.PositiveSmallIntegerField()
    probability = models.FloatField()
    status = models.CharField(max_length=4, choices=DealStatus.choices, default=DealStatus.OPEN)
    stalled_after_days = models.PositiveSmallIntegerField(default=30)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(probability__range=(0, 1)), name="stage_probability_valid")
        ]

    def __str__(self) -> str:
        return self.name


class ForecastCategory(models.TextChoices):
    """How sure sales is of an open deal."""

    PIPELINE = "pipeline", "Pipeline"
    BEST_CASE = "best_case", "Best case"
    COMMIT = "commit", "Commit"
    OMITTED = "omitted", "Omitted"


class OpportunityQuerySet(models.QuerySet["Opportunity"]):
    def visible_to(self, user: User) -> OpportunityQuerySet:
        """Rows a signed-in person may see: all, or only those they own."""
        return self if user.sees_all else self.filter(owner=user)

    def owned_by(self, user: User) -> OpportunityQuerySet:
        return self.filter(owner=user)

    def kept(self) -> OpportunityQuerySet:
        """Deals that their source has not deleted."""
        return self.filter(deleted_at__isnull=True)

    def open(self) -> OpportunityQuerySet:
        return self.kept().filter(status=DealStatus.OPEN)

    def won(self) -> OpportunityQuerySet:
        return self.kept().filter(status=DealStatus.WON)

    def lost(self) -> OpportunityQuerySet:
        return self.kept().filter(status=DealStatus.LOST)


@versioned(is_followed=True)
class Opportunity(models.Model):
    """A possible sale. ``amount_cents`` is in ``currency``; ``reporting_cents`` in the company currency.

    The rate is that of the close date (of the opening date while open); without a dated rate ``reporting_cents`` is
    empty and reports list the deal as excluded instead of adding two currencies.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=200)
    account = models.ForeignKey(
        "leads.Account", on_delete=models.SET_NULL, null=True, blank=True, related_name="opportunities"
    )
    owner = models.ForeignKey(
        "leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="opportunities"
    )
    territory = models.ForeignKey(
        "leads.Territory", on_delete=models.SET_NULL, null=True, blank=True, related_name="opportunities"
    )
    stage = models.ForeignKey("leads.PipelineStage", on_delete=models.PROTECT, related_name="opportunities")
    status = models.CharField(max_length=4, choices=DealStatus.choices, default=DealStatus.OPEN)
    amount_cents = models.BigIntegerField(null=True, blank=True, help_text="empty means not yet known")
    currency = models.CharField(max_length=3)
    reporting_cents = models.BigIntegerField(null=True, blank=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    expected_close_on = models.DateField(null=True, blank=True)
    stage_changed_at = models.DateTimeField()
    forecast_category = models.CharField(
        max_length=10, choices=ForecastCategory.choices, default=ForecastCategory.PIPELINE
    )
    won_reason = models.CharField(max_length=120, blank=True, default="")
    lost_reason = models.CharField(max_length=120, blank=True)
    deleted_at = models.DateTimeField(
        "deleted", null=True, blank=True, help_text="when its source deleted it; no figure counts it"
    )
    external_id = models.CharField(max_length=120, null=True, blank=True, help_text="id given by an import")
    attributes = models.JSONField(default=dict, blank=True)
    changed_at = models.DateTimeField()

    objects = OpportunityQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "opportunities"
        constraints = [
            models.UniqueConstraint(fields=["external_id"], name="opportunity_external_id_unique"),
            models.CheckConstraint(condition=models.Q(status__in=DealStatus.values), name="opportunity_status_known"),
            models.CheckConstraint(
                condition=models.Q(forecast_category__in=ForecastCategory.values),
                name="opportunity_forecast_category_known",
            ),
            models.CheckConstraint(
                condition=models.Q(status=DealStatus.OPEN, closed_at__isnull=True)
                | (~models.Q(status=DealStatus.OPEN) & models.Q(closed_at__isnull=False)),
                name="opportunity_closed_has_date",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "closed_at"], name="opportunity_status_closed"),
            models.Index(fields=["opened_at"], name="opportunity_opened"),
            models.Index(fields=["owner", "status"], name="opportunity_owner_status"),
            models.Index(fields=["changed_at"], name="opportunity_changed"),
            models.Index(
                fields=["stage_changed_at"],
                condition=models.Q(status=DealStatus.OPEN),
                name="opportunity_open_stage_since",
            ),
            models.Index(
                fields=["deleted_at"],
                condition=models.Q(deleted_at__isnull=False),
                name="opportunity_deleted",
            ),
            models.Index(PrefixKey("name"), name="opportunity_name_prefix"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("leads:opportunity-detail", args=[self.public_id])


@versioned()
class OpportunityContact(models.Model):
    """A lead's part in a deal; attribution follows these people's touches."""

    class ContactRole(models.TextChoices):
        DECISION_MAKER = "decision_maker", "Decision maker"
        CHAMPION = "champion", "Champion"
        EVALUATOR = "evaluator", "Technical evaluator"
        BUYER = "buyer", "Buyer"
        OTHER = "other", "Other"

    opportunity = models.ForeignKey("leads.Opportunity", on_delete=models.CASCADE, related_name="contacts")
    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="deal_roles")
    role = models.CharField(max_length=16, choices=ContactRole.choices, default=ContactRole.OTHER)
    is_primary = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["opportunity", "lead"], name="contact_once_per_opportunity"),
            models.UniqueConstraint(
                fields=["opportunity"], condition=models.Q(is_primary=True), name="contact_one_primary"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lead} in {self.opportunity}"


@versioned()
class OpportunityChange(models.Model):
    """A stage or amount a deal had from ``changed_at`` on; append-only. ``source_key`` makes repeats harmless."""

    opportunity = models.ForeignKey("leads.Opportunity", on_delete=models.CASCADE, related_name="changes")
    changed_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_index=True)
    stage = models.ForeignKey("leads.PipelineStage", on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=4, choices=DealStatus.choices)
    amount_cents = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3)
    source = models.CharField(max_length=80, blank=True)
    source_key = models.CharField(max_length=120)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["opportunity", "source_key"], name="opportunity_change_once")]
        indexes = [
            models.Index(fields=["opportunity", "changed_at"], name="opportunity_change_time"),
            models.Index(fields=["changed_at"], name="opportunity_change_when"),
        ]

    def __str__(self) -> str:
        return f"{self.opportunity}: {self.stage}"
