"""What data-driven methods learned, and how accurate methods are."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from leads.past.registry import versioned


@versioned()
class MethodFit(models.Model):
    """What a data-driven method learned from all journeys at one moment.

    Runs apply the current fit and never refit by themselves: between two fits a full run equals an incremental one,
    and a new fit is a dated event with a cause, not a silent change of numbers. ``parameters`` is what the method's
    weights need (places are "campaign:<id>" or "channel:<id>"); ``summary`` is for people.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    method = models.CharField("model", max_length=32)
    version = models.PositiveIntegerField()
    is_current = models.BooleanField(default=True)
    parameters = models.JSONField()
    summary = models.JSONField(default=dict)
    inputs_hash = models.CharField(max_length=64)
    people = models.PositiveIntegerField(default=0)
    conversions = models.PositiveIntegerField(default=0)
    touches = models.PositiveIntegerField("touchpoints", default=0)
    seconds = models.FloatField(default=0)
    fitted_at = models.DateTimeField()

    class Meta:
        verbose_name = "model fit"
        constraints = [
            models.UniqueConstraint(fields=["method"], condition=Q(is_current=True), name="method_fit_one_current")
        ]

    def __str__(self) -> str:
        return f"{self.method}, {self.fitted_at:%Y-%m-%d %H:%M}"


@versioned()
class LiftTest(models.Model):
    """What an experiment found of a channel: the share of conversions that would not have come without it."""

    channel = models.ForeignKey("leads.Channel", on_delete=models.PROTECT, related_name="lift_tests")
    starts_on = models.DateField()
    ends_on = models.DateField()
    lift = models.FloatField(help_text="share of all conversions of the period that the channel caused, 0 to 1")
    low = models.FloatField(help_text="lower end of the 95 % interval")
    high = models.FloatField(help_text="upper end of the 95 % interval")
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__gt=models.F("starts_on")), name="lift_test_dates"),
            models.CheckConstraint(
                condition=Q(low__gte=0, high__lte=1, low__lte=models.F("lift"), high__gte=models.F("lift")),
                name="lift_test_interval",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel}: {self.lift:.1%}"


@versioned()
class SourceCheck(models.Model):
    """What people say brought a deal: sales after asking, or the customer's own "how did you hear about us"."""

    class Origin(models.TextChoices):
        SALES = "sales", "Checked by sales"
        SELF_REPORTED = "self_reported", "The customer's own answer"

    opportunity = models.ForeignKey("leads.Opportunity", on_delete=models.CASCADE, related_name="source_checks")
    origin = models.CharField(max_length=14, choices=Origin.choices)
    campaign = models.ForeignKey("leads.Campaign", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    channel = models.ForeignKey(
        "leads.Channel",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="empty: asked, but nobody knows",
    )
    note = models.CharField(max_length=200, blank=True)
    answered_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["opportunity", "origin"], name="source_check_once")]

    def __str__(self) -> str:
        return f"{self.opportunity}: {self.campaign or self.channel or 'unknown'}"


@versioned()
class AccuracyCheck(models.Model):
    """One of the three accuracies as measured at one moment; never blended, never overwritten.

    ``results`` holds a row per method: {"method", "value", "low", "high", …}; ``value`` is that of the company's own
    method (of the whole for capture), as a share.
    """

    class Kind(models.TextChoices):
        CAPTURE = "capture", "Capture"
        AGREEMENT = "agreement", "Agreement"
        CAUSAL = "causal", "Causal"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=9, choices=Kind.choices)
    value = models.FloatField(null=True)
    low = models.FloatField(null=True, help_text="95 % interval, or the worst scenario for causal")
    high = models.FloatField(null=True)
    sample = models.PositiveIntegerField()
    seed = models.BigIntegerField(null=True)
    results = models.JSONField(default=list)
    measured_at = models.DateTimeField()
    seconds = models.FloatField(default=0)

    class Meta:
        indexes = [models.Index(fields=["kind", "measured_at"], name="accuracy_kind_time")]

    def __str__(self) -> str:
        return f"{self.kind}, {self.measured_at:%Y-%m-%d}"


@versioned()
class Simulation(models.Model):
    """A market of known truth as somebody ran it behind "How accurate is this?"; the same request is the same row.

    ``results`` is what `attribution.actions.accuracy.run_simulation` describes; None while it waits for a worker.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    scenario = models.CharField(max_length=40)
    seed = models.PositiveIntegerField()
    people = models.PositiveIntegerField()
    job = models.ForeignKey("leads.JobRun", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    results = models.JSONField(null=True)
    asked_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    made_at = models.DateTimeField()
    seconds = models.FloatField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scenario", "seed", "people"], name="simulation_once")]

    def __str__(self) -> str:
        return f"{self.scenario}, seed {self.seed}"
