"""Who sells where: ordered rules, and the reps behind them."""

from __future__ import annotations

from django.db import models
from simple_history.models import HistoricalRecords

from leads.past.registry import versioned


@versioned()
class Territory(models.Model):
    """A set of reps. Exactly one territory is the catch-all, so no lead is left without a place."""

    class OffHours(models.TextChoices):
        """What happens to a lead outside the working hours of reps."""

        ASSIGN = "assign", "Assign at any time"
        WAIT = "wait", "Assign to reps at work; otherwise wait until one starts"
        NEXT = "next", "Assign to reps at work; otherwise to the rep who starts first"

    name = models.CharField(max_length=80, unique=True)
    off_hours = models.CharField(
        "outside working hours", max_length=6, choices=OffHours.choices, default=OffHours.ASSIGN
    )
    is_catch_all = models.BooleanField(default=False, help_text="takes every lead that no rule matches")
    created_at = models.DateTimeField(auto_now_add=True)

    history = HistoricalRecords()

    class Meta:
        verbose_name_plural = "territories"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(off_hours__in=["assign", "wait", "next"]), name="territory_off_hours_known"
            ),
            models.UniqueConstraint(
                fields=["is_catch_all"], condition=models.Q(is_catch_all=True), name="territory_one_catch_all"
            ),
        ]

    def __str__(self) -> str:
        return self.name


@versioned()
class TerritoryRule(models.Model):
    """Conditions that must all hold; an empty condition always holds. Lowest position first, first match wins."""

    territory = models.ForeignKey("leads.Territory", on_delete=models.CASCADE, related_name="rules")
    position = models.PositiveIntegerField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    countries = models.JSONField(default=list, blank=True, help_text="two-letter codes")
    regions = models.JSONField(default=list, blank=True)
    postal_from = models.CharField(max_length=20, blank=True)
    postal_to = models.CharField(max_length=20, blank=True)
    industries = models.JSONField(default=list, blank=True)
    size_min = models.PositiveIntegerField(null=True, blank=True)
    size_max = models.PositiveIntegerField(null=True, blank=True)
    domains = models.JSONField(default=list, blank=True, help_text="named accounts, by email domain")
    is_active = models.BooleanField(default=True)

    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(size_min__isnull=True)
                | models.Q(size_max__isnull=True)
                | models.Q(size_max__gte=models.F("size_min")),
                name="rule_size_range_valid",
            ),
            models.CheckConstraint(
                condition=(models.Q(postal_from="") & models.Q(postal_to=""))
                | (~models.Q(postal_from="") & ~models.Q(postal_to="")),
                name="rule_postal_range_complete",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position}: {self.name or self.territory}"


@versioned(untracked=["credit"])
class TerritoryRep(models.Model):
    """A rep's share of a territory. ``credit`` is the state of the weighted round-robin."""

    territory = models.ForeignKey("leads.Territory", on_delete=models.CASCADE, related_name="reps")
    rep = models.ForeignKey("leads.User", on_delete=models.CASCADE, related_name="territory_shares")
    weight = models.PositiveSmallIntegerField(default=1)
    credit = models.IntegerField(default=0, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["territory", "rep"], name="rep_once_per_territory"),
            models.CheckConstraint(condition=models.Q(weight__gte=1), name="rep_weight_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.rep} in {self.territory}"


@versioned()
class Assignment(models.Model):
    """Why a lead went to its owner: which rule, why this rep, who was passed over. Append-only."""

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="assignments")
    territory = models.ForeignKey("leads.Territory", on_delete=models.SET_NULL, null=True, related_name="+")
    rule = models.ForeignKey("leads.TerritoryRule", on_delete=models.SET_NULL, null=True, related_name="assignments")
    owner = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, related_name="+")
    because = models.CharField(max_length=400)
    passed_over = models.JSONField(default=list, blank=True, help_text='list of {"rep", "why"}')
    assigned_at = models.DateTimeField(db_index=True)
    by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["lead", "assigned_at"], name="assignment_lead_time")]

    def __str__(self) -> str:
        return f"{self.lead} to {self.owner}"
