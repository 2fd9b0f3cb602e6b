"""Credits, and what each opportunity's were computed from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import models
from django.db.models import Q

from attribution.models.rules import JourneyScope

_AT_ONCE = 500


class JourneyState(models.Model):
    """What an opportunity's credits were computed from; an unchanged hash means nothing to recompute.

    The hash has 128 bits, kept as two signed integers so that it travels in columns like everything else. A high half
    of 0 equals no journey's: the opportunity has lost credits and is to be computed again. The facts beside it only say
    what changed since; the keys are short hashes of the deal's contacts and of whom they merged to.
    """

    # Without an index of its own: the constraint below begins with it.
    opportunity = models.ForeignKey(
        "leads.Opportunity",
        on_delete=models.CASCADE,
        related_name="journey_states",
        db_index=False,
        db_constraint=False,
    )
    scope = models.CharField(max_length=8, choices=JourneyScope.choices, default=JourneyScope.CONTACTS)
    hash_high = models.BigIntegerField(default=0)
    hash_low = models.BigIntegerField(default=0)
    contacts_key = models.BigIntegerField(default=0)
    people_key = models.BigIntegerField(default=0)
    run = models.ForeignKey(
        "attribution.AttributionRun", on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    touches = models.PositiveIntegerField("touchpoints")
    rejected_touches = models.PositiveIntegerField("rejected touchpoints", default=0)
    status = models.CharField(max_length=4)
    amount_cents = models.BigIntegerField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["opportunity", "scope"], name="journey_state_once_per_scope")]
        # Nearly always empty: asking every minute whether anything was lost costs nothing.
        indexes = [models.Index(fields=["opportunity"], name="journey_state_lost", condition=Q(hash_high=0))]

    def __str__(self) -> str:
        return f"journey of {self.opportunity}"

    @property
    def inputs_hash(self) -> bytes:
        """The hash as 16 bytes."""
        return b"".join(part.to_bytes(8, "little", signed=True) for part in (self.hash_high, self.hash_low))


def take_credits_along(collector: Any, field: Any, rows: Any, using: str) -> None:
    """What becomes of the credits of deleted touches: they go, and their opportunities are computed again.

    Noted where it happens, because finding it afterwards means counting all credits. Written with the deletion itself:
    collecting alone, as a page that asks for confirmation does, changes nothing.
    """
    short = list(rows.order_by().values_list("opportunity", flat=True).distinct())
    collector.add_field_update(JourneyState._meta.get_field("hash_high"), 0, _states_of(short, using))
    models.CASCADE(collector, field, rows, using)


def _states_of(opportunities: Sequence[int], using: str) -> Iterator[JourneyState]:
    """Read when the deletion writes, not when it collects: a run that commits in between gives states other ids."""
    for start in range(0, len(opportunities), _AT_ONCE):
        some = opportunities[start : start + _AT_ONCE]
        yield from JourneyState.objects.using(using).filter(opportunity__in=some).only("pk")


# Deletes in one statement, as a plain cascade would; without it Django loads the rows first.
take_credits_along.lazy_sub_objs = True  # type: ignore[attr-defined]


class CreditQuerySet(models.QuerySet["Credit"]):
    def by_method(self, key: str) -> CreditQuerySet:
        return self.filter(method=key)

    def of_scope(self, scope: str) -> CreditQuerySet:
        """Credits of journeys made of these people's touches."""
        return self.filter(scope=scope)

    def unattributed(self) -> CreditQuerySet:
        return self.filter(touchpoint__isnull=True)


class Credit(models.Model):
    """A share of one opportunity given to one touch by one method. No touch means Unattributed.

    Per opportunity, scope and method the weights sum to 1 and ``cents`` to the opportunity's amount in the company
    currency, exactly (an unknown amount counts as 0 here and is listed as excluded by the figures).

    Only runs write credits and states, millions at once. The database does not check their keys row by row, which would
    take several times as long as writing; a run checks them set by set, and deletions cascade through Django as ever.
    """

    run = models.ForeignKey(
        "attribution.AttributionRun",
        on_delete=models.PROTECT,
        related_name="credits",
        db_index=False,
        db_constraint=False,
    )
    # Without an index of its own: the constraint below begins with it.
    opportunity = models.ForeignKey(
        "leads.Opportunity", on_delete=models.CASCADE, related_name="credits", db_index=False, db_constraint=False
    )
    scope = models.CharField(max_length=8, choices=JourneyScope.choices, default=JourneyScope.CONTACTS)
    method = models.CharField("model", max_length=32)
    touchpoint = models.ForeignKey(
        "leads.Touchpoint", on_delete=take_credits_along, null=True, related_name="credits", db_constraint=False
    )
    campaign = models.ForeignKey(
        "leads.Campaign", on_delete=models.PROTECT, null=True, related_name="credits", db_constraint=False
    )
    channel = models.ForeignKey(
        "leads.Channel",
        on_delete=models.PROTECT,
        null=True,
        related_name="credits",
        db_index=False,
        db_constraint=False,
    )
    touched_at = models.DateTimeField(null=True)
    weight = models.FloatField()
    cents = models.BigIntegerField()

    objects = CreditQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["opportunity", "scope", "method", "touchpoint"], name="credit_once_per_touch"
            ),
            models.UniqueConstraint(
                fields=["opportunity", "scope", "method"],
                condition=Q(touchpoint__isnull=True),
                name="credit_one_unattributed",
            ),
            models.CheckConstraint(
                condition=Q(touchpoint__isnull=True, campaign__isnull=True, channel__isnull=True)
                | Q(touchpoint__isnull=False, channel__isnull=False),
                name="credit_touch_has_channel",
            ),
        ]
        indexes = [models.Index(fields=["scope", "method", "campaign"], name="credit_scope_method_campaign")]

    def __str__(self) -> str:
        return f"{self.method}: {self.weight:.3f} of {self.opportunity}"
