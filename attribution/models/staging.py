"""Credits and journey states of a run under way: what its parts computed, until the whole becomes visible at once.

The database does not check row by row that the part is there, which would take longer than writing; whoever deletes a
part deletes what it staged.
"""

from __future__ import annotations

from django.db import models


class StagedCredit(models.Model):
    """A row of :class:`~attribution.models.credit.Credit` to be; plain ids, because nobody reads it but the run."""

    shard = models.ForeignKey(
        "attribution.AttributionShard", on_delete=models.CASCADE, related_name="+", db_constraint=False
    )
    run_id = models.BigIntegerField()
    opportunity_id = models.BigIntegerField()
    scope = models.CharField(max_length=8)
    method = models.CharField("model", max_length=32)
    touchpoint_id = models.BigIntegerField(null=True)
    campaign_id = models.BigIntegerField(null=True)
    channel_id = models.BigIntegerField(null=True)
    touched_at = models.DateTimeField(null=True)
    weight = models.FloatField()
    cents = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.method} of {self.opportunity_id}, staged"


class StagedState(models.Model):
    """A row of :class:`~attribution.models.credit.JourneyState` to be."""

    shard = models.ForeignKey(
        "attribution.AttributionShard", on_delete=models.CASCADE, related_name="+", db_constraint=False
    )
    run_id = models.BigIntegerField()
    opportunity_id = models.BigIntegerField()
    scope = models.CharField(max_length=8)
    hash_high = models.BigIntegerField()
    hash_low = models.BigIntegerField()
    contacts_key = models.BigIntegerField()
    people_key = models.BigIntegerField()
    touches = models.PositiveIntegerField("touchpoints")
    rejected_touches = models.PositiveIntegerField("rejected touchpoints")
    status = models.CharField(max_length=4)
    amount_cents = models.BigIntegerField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"journey of {self.opportunity_id}, staged"
