"""Who sells where: ordered rules in versions, and the reps behind them."""

from __future__ import annotations

import uuid

from django.db import models
from django.urls import reverse
from simple_history.models import HistoricalRecords

from leads.past.registry import versioned
from leads.pure.conditions.grammar import Group, from_json


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
class RoutingVersion(models.Model):
    """A version of the territory rules. Exactly one is active; an activated version is never edited again."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        SCHEDULED = "scheduled", "Scheduled"
        ACTIVE = "active", "Active"
        RETIRED = "retired", "Retired"

    number = models.PositiveIntegerField(unique=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.DRAFT)
    note = models.CharField("reason", max_length=300, blank=True)
    based_on = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    activates_at = models.DateTimeField(null=True, blank=True, help_text="when it is to become active")
    moves_leads = models.BooleanField(default=False, help_text="open leads of the last 13 weeks move with it")
    activated_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    activated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=models.Q(state="active"), name="routing_one_active_version"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["draft", "scheduled", "active", "retired"]),
                name="routing_version_state_known",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="scheduled") | models.Q(activates_at__isnull=False),
                name="routing_scheduled_has_date",
            ),
        ]

    def __str__(self) -> str:
        return f"Version {self.number}"

    def get_absolute_url(self) -> str:
        return reverse("leads:territory-version", args=[self.number])

    @property
    def is_draft(self) -> bool:
        """Whether its rules may still be changed."""
        return self.state == self.State.DRAFT


@versioned()
class TerritoryRule(models.Model):
    """Conditions that lead to a territory, within a version. Lowest position first, first match wins."""

    version = models.ForeignKey("leads.RoutingVersion", on_delete=models.CASCADE, related_name="rules")
    key = models.UUIDField(default=uuid.uuid4, help_text="the same for a rule and its copies in later versions")
    territory = models.ForeignKey("leads.Territory", on_delete=models.PROTECT, related_name="rules")
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=120, blank=True)
    conditions = models.JSONField(default=dict, help_text="in the condition grammar")
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "position"], name="rule_position_once_per_version"),
            models.UniqueConstraint(fields=["version", "key"], name="rule_key_once_per_version"),
        ]

    def __str__(self) -> str:
        return f"{self.position}: {self.name or self.territory}"

    @property
    def group(self) -> Group:
        """The conditions as values."""
        return from_json(self.conditions)


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
    version = models.ForeignKey(
        "leads.RoutingVersion", on_delete=models.SET_NULL, null=True, blank=True, related_name="assignments"
    )
    owner = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, related_name="+")
    because = models.CharField(max_length=400)
    passed_over = models.JSONField(default=list, blank=True, help_text='list of {"rep", "why"}')
    rotation = models.JSONField(
        null=True,
        blank=True,
        help_text="weights, by id, of the reps whose turn it could be; empty where no turn was taken",
    )
    assigned_at = models.DateTimeField(db_index=True)
    by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        indexes = [
            models.Index(fields=["lead", "assigned_at"], name="assignment_lead_time"),
            models.Index(fields=["territory", "assigned_at"], name="assignment_territory_time"),
        ]

    def __str__(self) -> str:
        return f"{self.lead} to {self.owner}"
