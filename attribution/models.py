"""Runs and the credits they gave."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q


class JourneyScope(models.TextChoices):
    """Whose touches make up a deal's journey."""

    CONTACTS = "contacts", "All contacts of the deal"
    PRIMARY = "primary", "The primary contact"
    ACCOUNT = "account", "Everybody of the account"


class AttributionRules(models.Model):
    """What an admin sets about journeys, and who is computing now. Exactly one row, made by migration.

    A run holds the row by a lease (``held_by``, ``held_until``) and gives it back with its credits: two runs cannot
    interleave, and a crashed one blocks the next no longer than its lease.
    """

    scope = models.CharField(max_length=8, choices=JourneyScope.choices, default=JourneyScope.CONTACTS)
    half_life_days = models.FloatField(default=7.0, help_text="time decay: credit halves with every so many days")
    held_by = models.UUIDField(null=True, editable=False)
    held_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "attribution rules"
        verbose_name_plural = "attribution rules"
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="attribution_rules_single_row"),
            models.CheckConstraint(condition=Q(half_life_days__gt=0), name="attribution_half_life_positive"),
            models.CheckConstraint(condition=Q(scope__in=JourneyScope.values), name="attribution_scope_known"),
        ]

    def __str__(self) -> str:
        return "Attribution rules"


class AttributionRun(models.Model):
    """One computation: when, why, by which methods and settings, over which inputs, with what change to the last."""

    class Kind(models.TextChoices):
        FULL = "full", "Full"
        INCREMENTAL = "incremental", "Incremental"

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    reason = models.CharField(max_length=200)
    methods = models.JSONField(help_text='{"key": version}')
    settings = models.JSONField(help_text="look-back, milestone, scope, self-initiated channels")
    inputs_hash = models.CharField(max_length=64, blank=True)
    opportunities_seen = models.PositiveIntegerField(default=0)
    opportunities_recomputed = models.PositiveIntegerField(default=0)
    credits_written = models.PositiveIntegerField(default=0)
    difference = models.JSONField(
        default=dict, blank=True, help_text="to the run before: opportunities and cents per method and cause"
    )
    error = models.CharField(max_length=500, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["state", "finished_at"], name="run_state_finished")]

    def __str__(self) -> str:
        return f"{self.kind} run, {self.started_at:%Y-%m-%d %H:%M}"


class JourneyState(models.Model):
    """What an opportunity's credits were computed from; an unchanged hash means nothing to recompute.

    The facts beside the hash only say what changed since.
    """

    opportunity = models.OneToOneField(
        "leads.Opportunity", on_delete=models.CASCADE, primary_key=True, related_name="journey_state"
    )
    inputs_hash = models.BinaryField(max_length=32)
    run = models.ForeignKey("attribution.AttributionRun", on_delete=models.PROTECT, related_name="+")
    touches = models.PositiveIntegerField()
    rejected_touches = models.PositiveIntegerField(default=0)
    status = models.CharField(max_length=4)
    amount_cents = models.BigIntegerField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"journey of {self.opportunity}"


class CreditQuerySet(models.QuerySet["Credit"]):
    def by_method(self, key: str) -> CreditQuerySet:
        return self.filter(method=key)

    def unattributed(self) -> CreditQuerySet:
        return self.filter(touchpoint__isnull=True)


class Credit(models.Model):
    """A share of one opportunity given to one touch by one method. No touch means Unattributed.

    Per opportunity and method the weights sum to 1 and ``cents`` to the opportunity's amount in the company currency,
    exactly (an unknown amount counts as 0 here and is listed as excluded by the figures).
    """

    run = models.ForeignKey("attribution.AttributionRun", on_delete=models.PROTECT, related_name="credits")
    opportunity = models.ForeignKey("leads.Opportunity", on_delete=models.CASCADE, related_name="credits")
    method = models.CharField(max_length=32)
    touchpoint = models.ForeignKey("leads.Touchpoint", on_delete=models.CASCADE, null=True, related_name="credits")
    campaign = models.ForeignKey("leads.Campaign", on_delete=models.PROTECT, null=True, related_name="credits")
    channel = models.ForeignKey("leads.Channel", on_delete=models.PROTECT, null=True, related_name="credits")
    touched_at = models.DateTimeField(null=True)
    weight = models.FloatField()
    cents = models.BigIntegerField()

    objects = CreditQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["opportunity", "method", "touchpoint"], name="credit_once_per_touch"),
            models.UniqueConstraint(
                fields=["opportunity", "method"],
                condition=Q(touchpoint__isnull=True),
                name="credit_one_unattributed",
            ),
            models.CheckConstraint(
                condition=Q(touchpoint__isnull=True, campaign__isnull=True, channel__isnull=True)
                | Q(touchpoint__isnull=False, channel__isnull=False),
                name="credit_touch_has_channel",
            ),
        ]
        indexes = [models.Index(fields=["method", "campaign"], name="credit_method_campaign")]

    def __str__(self) -> str:
        return f"{self.method}: {self.weight:.3f} of {self.opportunity}"
