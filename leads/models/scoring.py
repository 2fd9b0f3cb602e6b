"""Scoring rules in versions, the scores they gave, and what is shown of them."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import Q
from django.urls import reverse
from simple_history.models import HistoricalRecords

from leads.past.registry import versioned


@versioned()
class ScoringRuleSet(models.Model):
    """A version of the scoring rules. Exactly one is active; a version that was ever active is never edited again."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        SCHEDULED = "scheduled", "Scheduled"
        ACTIVE = "active", "Active"
        RETIRED = "retired", "Retired"

    version = models.PositiveIntegerField(unique=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    fit_threshold = models.IntegerField(default=20)
    behaviour_threshold = models.IntegerField(default=20)
    fit_cap = models.PositiveIntegerField(default=60)
    behaviour_cap = models.PositiveIntegerField(default=60)
    half_life_days = models.PositiveIntegerField(null=True, blank=True, default=30)
    note = models.CharField(max_length=300, blank=True, help_text="what this version is for")
    based_on = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="copies",
        help_text="what it was copied from",
    )
    is_roll_back = models.BooleanField(default=False, help_text="the rules of an earlier version again")
    created_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    activates_at = models.DateTimeField(null=True, blank=True, help_text="when a scheduled version takes effect")
    activated_at = models.DateTimeField(null=True, blank=True)
    activated_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    why = models.CharField(max_length=300, blank=True, help_text="why it was activated")

    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["state"], condition=Q(state="active"), name="rule_set_one_active"),
            models.CheckConstraint(
                condition=~Q(state="scheduled") | Q(activates_at__isnull=False), name="rule_set_scheduled_has_moment"
            ),
            models.CheckConstraint(
                condition=Q(half_life_days__isnull=True) | Q(half_life_days__gte=1), name="rule_set_half_life_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.version} ({self.state})"

    def get_absolute_url(self) -> str:
        return reverse("leads:scoring-version", args=[self.version])

    @property
    def title(self) -> str:
        """ "Version 3"."""
        return f"Version {self.version}"

    @property
    def is_editable(self) -> bool:
        """Whether nothing was ever scored by it and nothing is about to be."""
        return self.state == self.State.DRAFT


@versioned()
class ScoringRule(models.Model):
    """One reason to give or take points."""

    class Group(models.TextChoices):
        FIT = "fit", "Fit"
        BEHAVIOUR = "behaviour", "Behavior"

    rule_set = models.ForeignKey("leads.ScoringRuleSet", on_delete=models.CASCADE, related_name="rules")
    position = models.PositiveSmallIntegerField(default=0)
    group = models.CharField(max_length=10, choices=Group.choices)
    name = models.CharField(max_length=120)
    conditions = models.JSONField(default=dict, help_text="what must hold, as leads.pure.conditions stores it")
    points = models.IntegerField()
    max_times = models.PositiveSmallIntegerField(default=1)
    half_life_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="in place of the version's; 0: never decays"
    )
    is_enabled = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(points=0), name="rule_gives_points"),
            models.CheckConstraint(condition=Q(max_times__gte=1), name="rule_counts_at_least_once"),
        ]

    def __str__(self) -> str:
        return self.name


@versioned()
class LeadScore(models.Model):
    """A score a lead was given when something happened. ``total`` is the sum of ``reasons[].points``. Append-only.

    The newest one counts; what it is worth as days pass is in `ShownScore`.
    """

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="scores")
    rule_set = models.ForeignKey("leads.ScoringRuleSet", on_delete=models.PROTECT, related_name="scores")
    total = models.IntegerField()
    fit = models.IntegerField()
    behaviour = models.IntegerField()
    is_qualified = models.BooleanField(default=False)
    reasons = models.JSONField(default=list, help_text="as leads.pure.scoring.stored writes them")
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


class ShownScoreQuerySet(models.QuerySet["ShownScore"]):
    def due(self, on: date) -> ShownScoreQuerySet:
        """Scores that may be others on this company day than what is stored."""
        return self.filter(changes_on__lte=on)

    def of_live_leads(self) -> ShownScoreQuerySet:
        return self.filter(lead__merged_into__isnull=True)

    def outdate(self) -> int:
        """Say that the facts behind these scores have changed, so that the next sweep looks at them."""
        return self.update(changes_on=date.min, turns_on=date.min)


@versioned(untracked=["changes_on", "turns_on", "given_id", "computed_on"])
class ShownScore(models.Model):
    """What a lead's score is today: the newest `LeadScore`, decayed by company day. Small, as it changes often."""

    lead = models.OneToOneField("leads.Lead", on_delete=models.CASCADE, related_name="shown")
    given = models.ForeignKey("leads.LeadScore", on_delete=models.CASCADE, related_name="+")
    fit = models.IntegerField()
    behaviour = models.IntegerField()
    total = models.IntegerField()
    computed_on = models.DateField(help_text="company day whose score this is")
    turns_on = models.DateField(null=True, help_text="company day from which the lead must be looked at again")
    changes_on = models.DateField(null=True, help_text="first company day on which it may be another score")

    objects = ShownScoreQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(total=models.F("fit") + models.F("behaviour")), name="shown_is_fit_plus_behaviour"
            )
        ]
        indexes = [
            models.Index(fields=["changes_on"], name="shown_changes_on", condition=Q(changes_on__isnull=False)),
            models.Index(fields=["fit", "behaviour"], name="shown_grid"),
        ]

    def __str__(self) -> str:
        return f"{self.lead}: {self.total}"


class BackTest(models.Model):
    """What a version of the rules would have done with past leads, beside the active one."""

    rule_set = models.ForeignKey("leads.ScoringRuleSet", on_delete=models.CASCADE, related_name="back_tests")
    compared_with = models.ForeignKey("leads.ScoringRuleSet", on_delete=models.CASCADE, related_name="+")
    job = models.OneToOneField("leads.JobRun", on_delete=models.CASCADE, related_name="back_test")
    first_day = models.DateField(help_text="leads created from this company day on")
    last_day = models.DateField(help_text="to this one, included")
    horizon_days = models.PositiveSmallIntegerField(help_text="days that each lead had to become an SQL")
    asked_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    asked_at = models.DateTimeField()
    digest = models.CharField(max_length=64, help_text="of the rules that were tried")
    result = models.JSONField(null=True, blank=True)
    moves = models.JSONField(default=list, help_text="leads whose outcome would be another")

    def __str__(self) -> str:
        return f"Back-test of version {self.rule_set.version}"
