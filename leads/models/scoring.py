"""Scoring rules in versions, and the scores they gave."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from leads.past.registry import versioned


@versioned()
class ScoringRuleSet(models.Model):
    """A version of the scoring rules. Exactly one is active; an activated version is never edited again."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        ACTIVE = "active", "Active"
        RETIRED = "retired", "Retired"

    version = models.PositiveIntegerField(unique=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    fit_threshold = models.IntegerField(default=20)
    behaviour_threshold = models.IntegerField(default=20)
    fit_cap = models.PositiveIntegerField(default=60)
    behaviour_cap = models.PositiveIntegerField(default=60)
    half_life_days = models.PositiveIntegerField(null=True, blank=True, default=30)
    note = models.CharField(max_length=300, blank=True)
    activated_at = models.DateTimeField(null=True, blank=True)

    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["state"], condition=Q(state="active"), name="rule_set_one_active"),
        ]

    def __str__(self) -> str:
        return f"version {self.version} ({self.state})"


@versioned()
class ScoringRule(models.Model):
    """One reason to give or take points."""

    class Group(models.TextChoices):
        FIT = "fit", "Fit"
        BEHAVIOUR = "behaviour", "Behaviour"

    class Operator(models.TextChoices):
        IS = "is", "is"
        IN = "in", "is one of"
        CONTAINS = "contains", "contains"
        AT_LEAST = "at_least", "is at least"
        AT_MOST = "at_most", "is at most"
        BETWEEN = "between", "is between"
        EXISTS = "exists", "is known"
        HAPPENED = "happened", "happened"

    rule_set = models.ForeignKey("leads.ScoringRuleSet", on_delete=models.CASCADE, related_name="rules")
    position = models.PositiveSmallIntegerField(default=0)
    group = models.CharField(max_length=10, choices=Group.choices)
    name = models.CharField(max_length=120)
    field = models.CharField(max_length=60, help_text="a lead's field, or event:<kind> for behaviour")
    operator = models.CharField(max_length=10, choices=Operator.choices)
    value = models.JSONField(default=str, blank=True)
    points = models.IntegerField()
    max_times = models.PositiveSmallIntegerField(default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(points=0), name="rule_gives_points"),
            models.CheckConstraint(condition=Q(max_times__gte=1), name="rule_counts_at_least_once"),
        ]

    def __str__(self) -> str:
        return self.name


@versioned()
class LeadScore(models.Model):
    """A score a lead was given. ``total`` is the sum of ``reasons[].points``. Append-only; the newest one counts."""

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="scores")
    rule_set = models.ForeignKey("leads.ScoringRuleSet", on_delete=models.PROTECT, related_name="scores")
    total = models.IntegerField()
    fit = models.IntegerField()
    behaviour = models.IntegerField()
    is_qualified = models.BooleanField(default=False)
    reasons = models.JSONField(default=list, help_text='list of {"rule", "points", "because"}')
    scored_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(total=models.F("fit") + models.F("behaviour")), name="score_is_fit_plus_behaviour"
            )
        ]
        indexes = [models.Index(fields=["lead", "scored_at"], name="score_lead_time")]

    def __str__(self) -> str:
        return f"{self.lead}: {self.total}"
