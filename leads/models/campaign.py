"""Channels, campaigns and what they cost."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from simple_history.models import HistoricalRecords

from leads.models.workflow import no_conditions
from leads.past.registry import versioned
from leads.pure.channels import channels
from leads.pure.channels.globs import Globs
from leads.pure.conditions.grammar import from_json

# How deep campaigns and channels may nest. A fixed depth keeps "everything below it" a part of the query that asks,
# where a recursive look-up would cost a query of its own per figure.
MAX_DEPTH = 5


def _at_or_below(field: str, value: object) -> models.Q:
    """Rows whose own ``field``, or that of an ancestor, has the value."""
    wanted = models.Q()
    for level in range(MAX_DEPTH):
        wanted |= models.Q(**{"parent__" * level + field: value})
    return wanted


class ChannelQuerySet(models.QuerySet["Channel"]):
    def below(self, key: str) -> ChannelQuerySet:
        """The channel with this key and every channel below it."""
        return self.filter(_at_or_below("key", key))


@versioned()
class Channel(models.Model):
    """A way contacts reach us; ``is_self_initiated`` ones can be excluded from credit."""

    key = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="children")
    is_self_initiated = models.BooleanField(
        default=False, help_text="the person came by themselves (direct, organic, brand search, retargeting)"
    )
    is_advertising = models.BooleanField(
        default=False, help_text="bought media: what its campaigns cost is ad spend, the base of ROAS"
    )
    color = models.CharField(max_length=7, default="#2457d6")
    position = models.PositiveSmallIntegerField(default=0)

    objects = ChannelQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


@versioned()
class ChannelRule(models.Model):
    """Maps visits to a channel by conditions on their tags and referrer; lowest position first, first match wins."""

    position = models.PositiveIntegerField(unique=True)
    channel = models.ForeignKey("leads.Channel", on_delete=models.CASCADE, related_name="rules")
    conditions = models.JSONField(default=no_conditions, help_text="on visits, in the condition grammar")

    history = HistoricalRecords()

    def __str__(self) -> str:
        return f"{self.position}: {self.channel}"


def _held(position: int, channel: str, first: Any, *more: str) -> channels.ChannelRule:
    conditions = Globs(position, channel, first, *more).conditions if isinstance(first, str) else from_json(first)
    return channels.ChannelRule(position, channel, conditions)


@versioned()
class ChannelRuleVersion(models.Model):
    """The whole rule set as it stood from one moment on; append-only.

    ``rules`` holds [position, channel key, conditions] per rule, in order; versions from before rules had conditions
    hold [position, channel key, source, medium, campaign, referrer], as patterns.
    """

    number = models.PositiveIntegerField(unique=True)
    rules = models.JSONField()
    change = models.CharField(max_length=300, help_text="what was changed, in words")
    moves = models.PositiveIntegerField(
        default=0, help_text="touchpoints of the 90 days before that it would judge anew"
    )
    taken_back_to = models.PositiveIntegerField(
        null=True, blank=True, help_text="the number of the earlier version whose rules these are again"
    )
    saved_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    saved_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Rules, {self.title.lower()}"

    @property
    def title(self) -> str:
        """ "Version 3", or "Version 3, taken back to version 1"."""
        back = f", taken back to version {self.taken_back_to}" if self.taken_back_to else ""
        return f"Version {self.number}{back}"

    @property
    def held(self) -> list[channels.ChannelRule]:
        """The rules of then, in order."""
        return [_held(*rule) for rule in self.rules]


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def below(self, public_id: str) -> CampaignQuerySet:
        """The campaign with this public id and every campaign below it."""
        return self.filter(_at_or_below("public_id", public_id))

    def active_on(self, day: object) -> CampaignQuerySet:
        return self.filter(
            models.Q(starts_on__isnull=True) | models.Q(starts_on__lte=day),
            models.Q(ends_on__isnull=True) | models.Q(ends_on__gte=day),
        )


@versioned(is_followed=True)
class Campaign(models.Model):
    """A marketing effort with a channel, dates and a budget; programmes are parents of campaigns."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=160)
    code = models.CharField(
        max_length=120, unique=True, help_text="what utm_campaign says; compared in lower case, stored so"
    )
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="children")
    channel = models.ForeignKey("leads.Channel", on_delete=models.PROTECT, related_name="campaigns")
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    budget_cents = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, default="EUR")
    is_discovered = models.BooleanField(
        default=False, help_text="made by capture from an unknown utm_campaign; an admin should name it"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CampaignQuerySet.as_manager()
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_on__isnull=True)
                | models.Q(starts_on__isnull=True)
                | models.Q(ends_on__gte=models.F("starts_on")),
                name="campaign_ends_after_start",
            ),
            models.CheckConstraint(
                condition=models.Q(budget_cents__isnull=True) | models.Q(budget_cents__gte=0),
                name="campaign_budget_not_negative",
            ),
            models.CheckConstraint(condition=~models.Q(code=""), name="campaign_code_given"),
            models.CheckConstraint(condition=~models.Q(parent=models.F("id")), name="campaign_not_own_parent"),
        ]

    def __str__(self) -> str:
        return self.name


@versioned()
class CampaignCost(models.Model):
    """Money spent on one day. No row means *unknown*; a row of 0 means nothing was spent.

    Rows say what stands; how it came to that, and what stood before, is in `CostEntry`.
    """

    # Not CASCADE: a deleted campaign would take its costs out of past figures without a word.
    campaign = models.ForeignKey("leads.Campaign", on_delete=models.PROTECT, related_name="costs")
    spent_on = models.DateField(db_index=True)
    amount_cents = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reporting_cents = models.BigIntegerField(null=True, help_text="in the company currency; empty without a rate")
    source = models.CharField(max_length=40, default="manual")
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "spent_on", "source"], name="cost_once_per_day_and_source"),
            models.CheckConstraint(condition=models.Q(amount_cents__gte=0), name="cost_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.campaign}, {self.spent_on}"
