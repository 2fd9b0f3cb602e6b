"""The shape of answers about attribution, for the schema."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers

from leads.api.past import as_of_field


class AttributionMoney(serializers.Serializer[Any]):
    """An exact amount."""

    amount = serializers.CharField(help_text="decimal, for example 1234.50")
    currency = serializers.CharField()


class AttributionChannel(serializers.Serializer[Any]):
    """A channel."""

    key = serializers.CharField()
    name = serializers.CharField()


class AttributionCampaignName(serializers.Serializer[Any]):
    """A campaign by its id."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class AttributionCampaign(AttributionCampaignName):
    """A campaign."""

    code = serializers.CharField()
    channel = AttributionChannel()
    programme = AttributionCampaignName(allow_null=True)
    starts_on = serializers.DateField(allow_null=True)
    ends_on = serializers.DateField(allow_null=True)


class AttributionModel(serializers.Serializer[Any]):
    """An attribution model and the version of its definition."""

    key = serializers.CharField()
    name = serializers.CharField()
    version = serializers.IntegerField()
    sentence = serializers.CharField()


class AttributionRunAnswer(serializers.Serializer[Any]):
    """The computation that the credits come from."""

    id = serializers.UUIDField()
    finished_at = serializers.DateTimeField()


class AttributionPeriod(serializers.Serializer[Any]):
    """Local days, both included."""

    # "from" is a word of the language: the field is added by its name below.
    to = serializers.DateField()
    time_zone = serializers.CharField()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """All fields, ``from`` first."""
        return {"from": serializers.DateField(), **super().get_fields()}


class AttributionTotals(serializers.Serializer[Any]):
    """Sums of the period. ``roi`` is null with the reason when the cost is unknown."""

    attributed_revenue = AttributionMoney(allow_null=True, help_text="null where no won deal has an amount")
    attributed_pipeline = AttributionMoney(allow_null=True, help_text="null where no open deal has an amount")
    influenced_opportunities = serializers.IntegerField(help_text="distinct; must not be added over campaigns")
    cost = AttributionMoney(allow_null=True)
    roi = serializers.FloatField(allow_null=True)
    roi_unknown_because = serializers.CharField(allow_null=True)
    roas = serializers.FloatField(allow_null=True, help_text="null without ad spend in the period")
    payback_months = serializers.IntegerField(allow_null=True, help_text="of the campaign's whole life, not the period")
    payback_unknown_because = serializers.CharField(allow_null=True)
    leads = serializers.IntegerField()
    mqls = serializers.IntegerField()


class ComparedModel(AttributionModel):
    """The same revenue under one method."""

    attributed_revenue = AttributionMoney(allow_null=True, help_text="null where no won deal has an amount")
    roi = serializers.FloatField(allow_null=True)


class AttributionStep(serializers.Serializer[Any]):
    """What came and went in a part of the period; pipeline as it stands at its end."""

    revenue = AttributionMoney(allow_null=True, help_text="null where no won deal has an amount")
    pipeline = AttributionMoney()
    cost = AttributionMoney(allow_null=True)
    roi = serializers.FloatField(allow_null=True)
    leads = serializers.IntegerField()
    mqls = serializers.IntegerField()


class AttributionWeek(AttributionStep):
    """An ISO week, or the part of it inside the period."""

    week = serializers.CharField()


class AttributionMonth(AttributionStep):
    """A calendar month, or the part of it inside the period."""

    month = serializers.CharField(help_text="such as 2026-11")


class AttributionAnswer(serializers.Serializer[Any]):
    """What a campaign earned, cost and brought in."""

    as_of = as_of_field()
    campaign = AttributionCampaign()
    model = AttributionModel()
    run = AttributionRunAnswer(allow_null=True)
    period = AttributionPeriod()
    basis = serializers.ChoiceField(choices=["simple", "realised"])
    scope = serializers.CharField()
    look_back_days = serializers.IntegerField(allow_null=True)
    totals = AttributionTotals()
    models = ComparedModel(many=True)
    weeks = AttributionWeek(many=True)
    months = AttributionMonth(many=True)
    coverage = serializers.FloatField(allow_null=True, help_text="of all closed-won revenue of the period, 0 to 1")
    definitions = serializers.DictField(child=serializers.IntegerField(), help_text="figure → version")
    links = serializers.DictField(
        child=serializers.URLField(),
        help_text="for each figure `…_rows`, which the same key reads, and `…_page`, the page with the same rows",
    )


class AttributionRow(serializers.Serializer[Any]):
    """One campaign of the list; a programme's sums hold those of its campaigns."""

    campaign = AttributionCampaign()
    attributed_revenue = AttributionMoney(allow_null=True, help_text="null where no won deal has an amount")
    attributed_pipeline = AttributionMoney(allow_null=True, help_text="null where no open deal has an amount")
    cost = AttributionMoney(allow_null=True)
    roi = serializers.FloatField(allow_null=True)
    url = serializers.URLField()
    rows_url = serializers.URLField(help_text="the credits behind the attributed revenue, read with the same key")
    page_url = serializers.URLField(help_text="the page with the same credits")


class TouchCredit(serializers.Serializer[Any]):
    """A touchpoint's share of a deal."""

    touchpoint = serializers.UUIDField()
    occurred_at = serializers.DateTimeField()
    kind = serializers.CharField()
    channel = AttributionChannel()
    campaign = AttributionCampaignName(allow_null=True)
    weight = serializers.FloatField()
    credit = AttributionMoney()


class CreditedModel(AttributionModel):
    """All credits of one model; with ``unattributed`` they sum to the amount."""

    credits = TouchCredit(many=True)
    unattributed = AttributionMoney()


class CreditedOpportunity(serializers.Serializer[Any]):
    """The deal. An unknown amount counts as 0 in credits."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    status = serializers.CharField()
    closed_at = serializers.DateTimeField(allow_null=True)
    amount = AttributionMoney(allow_null=True)


class OpportunityCredits(serializers.Serializer[Any]):
    """Every model's credits of one opportunity."""

    as_of = as_of_field()
    opportunity = CreditedOpportunity()
    run = AttributionRunAnswer(allow_null=True)
    scope = serializers.CharField(help_text="whose touchpoints make up the journey")
    journey_url = serializers.URLField()
    models = CreditedModel(many=True)


_EUR = {"amount": "12500.00", "currency": "EUR"}
_LINEAR = {"key": "linear", "name": "Linear", "version": 1, "sentence": "The same credit to every touchpoint."}
EXAMPLE = OpenApiExample(
    "A campaign",
    response_only=True,
    status_codes=["200"],
    value={
        "campaign": {
            "id": "0f2d7c1e-7a53-4f0e-9d0f-4f3b8a2b6d11",
            "name": "Brand search DACH",
            "code": "q4-brand",
            "channel": {"key": "brand-search", "name": "Brand search"},
            "programme": None,
            "starts_on": "2026-10-01",
            "ends_on": None,
        },
        "model": _LINEAR,
        "run": {"id": "7d1c1a52-4c2e-4b0f-8f2d-1b9e6f6a0c33", "finished_at": "2026-11-21T10:00:00+01:00"},
        "period": {"from": "2026-11-09", "to": "2026-11-15", "time_zone": "Europe/Berlin"},
        "basis": "simple",
        "scope": "contacts",
        "look_back_days": 180,
        "totals": {
            "attributed_revenue": _EUR,
            "attributed_pipeline": {"amount": "48000.00", "currency": "EUR"},
            "influenced_opportunities": 9,
            "cost": {"amount": "5000.00", "currency": "EUR"},
            "roi": 1.5,
            "roi_unknown_because": None,
            "roas": 2.5,
            "payback_months": 3,
            "payback_unknown_because": None,
            "leads": 31,
            "mqls": 12,
        },
        "models": [{**_LINEAR, "attributed_revenue": _EUR, "roi": 1.5}],
        "weeks": [
            {
                "week": "2026-W46",
                "revenue": _EUR,
                "pipeline": {"amount": "48000.00", "currency": "EUR"},
                "cost": {"amount": "5000.00", "currency": "EUR"},
                "roi": 1.5,
                "leads": 31,
                "mqls": 12,
            }
        ],
        "months": [
            {
                "month": "2026-11",
                "revenue": _EUR,
                "pipeline": {"amount": "48000.00", "currency": "EUR"},
                "cost": {"amount": "5000.00", "currency": "EUR"},
                "roi": 1.5,
                "leads": 31,
                "mqls": 12,
            }
        ],
        "coverage": 0.94,
        "definitions": {"attribution.revenue": 1, "attribution.cost": 1},
        "links": {"page": "https://portal.example/attribution/campaigns/0f2d7c1e-7a53-4f0e-9d0f-4f3b8a2b6d11"},
    },
)
