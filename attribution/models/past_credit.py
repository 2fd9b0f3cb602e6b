"""Credits of past moments, computed when somebody asked for them; they can be thrown away at any time."""

from __future__ import annotations

from django.db import models
from django.db.models import F
from django.db.models.functions import Coalesce

from attribution.models.credit import Credit
from leads.past.registry import computed


@computed(Credit, key="moment")
class PastCredit(models.Model):
    """A row of :class:`~attribution.models.credit.Credit` as of a moment, read under that name inside `known_at`.

    ``moment`` is the key of what was visible then (`leads.past.span.moment_key`). An opportunity has all its credits of
    a moment, scope and method or none: at least one says that it was computed. Plain ids, because what they name may
    have been deleted since.
    """

    moment = models.BigIntegerField()
    opportunity_id = models.BigIntegerField()
    scope = models.CharField(max_length=8)
    method = models.CharField("model", max_length=32)
    touchpoint_id = models.BigIntegerField(null=True)
    campaign_id = models.BigIntegerField(null=True)
    channel_id = models.BigIntegerField(null=True)
    touched_at = models.DateTimeField(null=True)
    weight = models.FloatField()
    cents = models.BigIntegerField()

    class Meta:
        constraints = [
            # Two who compute the same are kept apart before they write; this one is there should they not be.
            models.UniqueConstraint(
                F("moment"),
                F("scope"),
                F("method"),
                F("opportunity_id"),
                Coalesce("touchpoint_id", 0),
                name="past_credit_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.method} of {self.opportunity_id}, past"


class PastMoment(models.Model):
    """A moment whose credits are kept, and the day when they were last asked for."""

    moment = models.BigIntegerField(primary_key=True)
    used_on = models.DateField()

    def __str__(self) -> str:
        return f"moment {self.moment}"
