"""The shape of the performance answer, for the schema."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class MoneyAnswer(serializers.Serializer[Any]):
    """An exact amount."""

    amount = serializers.CharField(help_text='such as "1234.50"')
    currency = serializers.CharField()


class DefinitionAnswer(serializers.Serializer[Any]):
    """Which meaning the value has."""

    key = serializers.CharField()
    version = serializers.IntegerField()


class FigureAnswer(serializers.Serializer[Any]):
    """A number; ``value`` is null when it is unknown."""

    value = serializers.FloatField(allow_null=True)
    unit = serializers.CharField()
    lacking = serializers.IntegerField(help_text="rows that left the value unknown, for want of their amount")
    definition = DefinitionAnswer()
    rows_url = serializers.URLField(help_text="the rows behind the value, readable with the same key")
    page_url = serializers.URLField(help_text="the page with the same rows")


class MoneyFigureAnswer(serializers.Serializer[Any]):
    """An amount of money; ``value`` is null when it is unknown."""

    value = MoneyAnswer(allow_null=True)
    unit = serializers.CharField()
    lacking = serializers.IntegerField(help_text="rows that left the value unknown, for want of their amount")
    definition = DefinitionAnswer()
    rows_url = serializers.URLField()
    page_url = serializers.URLField()


class FactorsAnswer(serializers.Serializer[Any]):
    """open × win rate × deal size ÷ cycle days."""

    open_opportunities = FigureAnswer()
    win_rate = FigureAnswer()
    deal_size = MoneyFigureAnswer()
    cycle_days = FigureAnswer()


class VelocityAnswer(MoneyFigureAnswer):
    """Money per day, with the four factors that give it."""

    factors = FactorsAnswer()


class PipelineAnswer(serializers.Serializer[Any]):
    """Opportunities."""

    created = MoneyFigureAnswer()
    created_count = FigureAnswer()
    influenced = MoneyFigureAnswer()
    sourced = MoneyFigureAnswer()
    open = MoneyFigureAnswer()
    weighted = MoneyFigureAnswer()
    won = MoneyFigureAnswer()
    won_count = FigureAnswer()
    lost_count = FigureAnswer()
    velocity = VelocityAnswer()
    cycle_all_deals = FigureAnswer()


class ModelAnswer(serializers.Serializer[Any]):
    """The attribution method."""

    key = serializers.CharField()
    version = serializers.IntegerField()
    name = serializers.CharField()


class CampaignAnswer(serializers.Serializer[Any]):
    """One campaign; ``roi`` is null with a reason when the cost is not known."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    channel = serializers.CharField()
    attributed_revenue = MoneyAnswer(allow_null=True, help_text="null where no won deal has an amount")
    attributed_pipeline = MoneyAnswer(allow_null=True, help_text="null where no open deal has an amount")
    cost = MoneyAnswer(allow_null=True)
    is_cost_incomplete = serializers.BooleanField()
    roi = serializers.FloatField(allow_null=True)
    roi_reason = serializers.CharField(allow_null=True)
    leads = serializers.IntegerField()
    rows_url = serializers.URLField()
    page_url = serializers.URLField()


class CampaignsAnswer(serializers.Serializer[Any]):
    """``results`` + ``no_campaign`` + ``unattributed`` = ``total``, to the cent."""

    model = ModelAnswer()
    results = CampaignAnswer(many=True)
    no_campaign = MoneyAnswer(help_text="earned by touchpoints of a channel outside any campaign")
    elsewhere = MoneyAnswer(help_text="earned in these deals by touchpoints that the filters leave out")
    unattributed = MoneyAnswer(help_text="won revenue without an eligible touchpoint")
    total = MoneyAnswer(help_text="closed-won revenue of the period")


class StepsAnswer(serializers.Serializer[Any]):
    """Shares from stage to stage."""

    lead_to_mql = FigureAnswer()
    mql_to_sal = FigureAnswer()
    mql_to_sql = FigureAnswer()
    sql_to_opportunity = FigureAnswer()
    opportunity_to_won = FigureAnswer()


class ConversionAnswer(serializers.Serializer[Any]):
    """By cohort (the default) and by period (may exceed 1)."""

    cohort = StepsAnswer()
    period = StepsAnswer()


class LeadsAnswer(serializers.Serializer[Any]):
    """Persons and their way."""

    captured = FigureAnswer()
    inquiries = FigureAnswer()
    mqls = FigureAnswer()
    sals = FigureAnswer()
    sqls = FigureAnswer()
    lead_velocity = FigureAnswer()
    acceptance_rate = FigureAnswer()
    score_quality = FigureAnswer()
    speed_to_lead = FigureAnswer()
    follow_up_attainment = FigureAnswer()
    conversion = ConversionAnswer()


class PeriodAnswer(serializers.Serializer[Any]):
    """Whole local days, both included."""

    to = serializers.DateField()
    time_zone = serializers.CharField()

    def get_fields(self) -> dict[str, Any]:
        return {"from": serializers.DateField(), **super().get_fields()}


class GroupedFiguresAnswer(serializers.Serializer[Any]):
    """What one owner, territory or channel comes to."""

    created = MoneyFigureAnswer()
    created_count = FigureAnswer()
    open = MoneyFigureAnswer()
    open_opportunities = FigureAnswer()
    weighted = MoneyFigureAnswer()
    won = MoneyFigureAnswer()
    won_count = FigureAnswer()
    lost_count = FigureAnswer()
    win_rate = FigureAnswer()
    cycle_days = FigureAnswer()


class GroupAnswer(serializers.Serializer[Any]):
    """One owner, territory or channel."""

    key = serializers.CharField(help_text="what the parameter of that name takes")
    name = serializers.CharField()
    figures = GroupedFiguresAnswer()


class PerformanceAnswer(serializers.Serializer[Any]):
    """Everything about one period."""

    period = PeriodAnswer()
    as_of = serializers.DateTimeField()
    currency = serializers.CharField()
    territory = serializers.IntegerField(allow_null=True)
    owner = serializers.CharField(allow_null=True, help_text="An owner's id, or none")
    channel = serializers.CharField(allow_null=True)
    pipeline = PipelineAnswer()
    campaigns = CampaignsAnswer()
    leads = LeadsAnswer()
    groups = GroupAnswer(many=True, allow_null=True, help_text="Only where `group` is asked for")
