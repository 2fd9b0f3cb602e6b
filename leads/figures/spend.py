"""What campaigns cost, and which days of them nobody has reported a cost for."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from django.db.models import Count, Q, QuerySet

from leads.figures import columns
from leads.figures.base import NO_CAMPAIGN, Column, Definition, Derived, Parts, Row, RowSet, Scope, register
from leads.figures.cost_causes import advertising_causes, cost_causes
from leads.figures.rowset import when_listed
from leads.models import Campaign, CampaignCost, Channel
from leads.pure.week import local_date

_CAMPAIGN = frozenset({"channel", "campaign"})


def _days(scope: Scope) -> tuple[date, date]:
    """The local days [first, end) of the period that are over: today's cost cannot be known yet."""
    first = local_date(scope.period.start, scope.tz)
    end = local_date(scope.period.end, scope.tz)
    return first, min(end, local_date(scope.at, scope.tz))


def costs(scope: Scope) -> QuerySet[CampaignCost]:
    """Costs of the period's days, recorded by the scope's moment. Costs have no territory."""
    first, end = local_date(scope.period.start, scope.tz), local_date(scope.period.end, scope.tz)
    rows = CampaignCost.objects.filter(_campaigns(scope, "campaign__"), spent_on__gte=first, spent_on__lt=end)
    return rows.filter(recorded_at__lte=scope.at).order_by("spent_on", "pk")


def _campaigns(scope: Scope, prefix: str = "") -> Q:
    wanted = Q()
    if scope.channel:
        wanted &= Q(**{f"{prefix}channel__in": Channel.objects.below(scope.channel).values("pk")})
    if scope.campaign == NO_CAMPAIGN:
        wanted &= Q(pk__in=[])  # whatever costs something has a campaign
    elif scope.campaign:
        wanted &= Q(**{f"{prefix}pk__in": Campaign.objects.below(scope.campaign).values("pk")})
    return wanted


def _active_days(row: Row, first: date, end: date) -> int:
    """Days of [first, end) on which a campaign with known dates ran."""
    start = max(first, row["starts_on"])
    stop = min(end, row["ends_on"] + timedelta(days=1)) if row["ends_on"] else end
    days: int = (stop - start).days
    return max(days, 0)


def _running(scope: Scope) -> QuerySet[Campaign]:
    """Campaigns that ran in the period, with the days of it for which a cost is known.

    A campaign without a first day is not known to have run; the leaves of the tree carry the costs.
    """
    first, end = _days(scope)
    known = Q(costs__spent_on__gte=first, costs__spent_on__lt=end, costs__recorded_at__lte=scope.at)
    running = (
        Campaign.objects.active_on(end - timedelta(days=1))
        | Campaign.objects.filter(starts_on__lt=end, ends_on__gte=first)
    ).filter(_campaigns(scope), starts_on__lt=end, children__isnull=True)
    return running.annotate(known_days=Count("costs__spent_on", filter=known, distinct=True))


_LACKING = ("pk", "starts_on", "ends_on", "known_days")
"""What the number of days without a cost follows from."""


def _unknown_days(row: Row, first: date, end: date) -> int:
    days: int = _active_days(row, first, end) - row["known_days"]
    return max(days, 0)


def without_costs(scope: Scope) -> list[tuple[int, int]]:
    """(channel, campaign) of the campaigns that ran on days without a cost; one query."""
    first, end = _days(scope)
    rows: list[Row] = list(_running(scope).values(*_LACKING, "channel"))
    return [(row["channel"], row["pk"]) for row in rows if _unknown_days(row, first, end)]


def _missing(scope: Scope) -> RowSet:
    """Campaigns that ran in the period on days without a cost."""
    first, end = _days(scope)

    def missing() -> QuerySet[Campaign]:
        found = [campaign for _, campaign in without_costs(scope)]
        return _running(scope).filter(pk__in=found).order_by("name", "pk")

    return RowSet(
        when_listed(missing),
        (
            Column("name", "Campaign"),
            Column("channel__name", "Channel"),
            Column("starts_on", "From", "date"),
            Column("ends_on", "To", "date"),
            Column("known_days", "Days known", "count"),
            Column(
                "unknown_days",
                "Days unknown",
                "count",
                derived=Derived(_LACKING, lambda row: _unknown_days(row, first, end)),
            ),
        ),
        "Campaigns that ran on days without a reported cost",
    )


def _advertising(scope: Scope) -> Parts:
    parts = _spent(scope)
    channels = {name: "channel" if name == "excluded_unknown" else "campaign__channel" for name in parts}
    return {name: _narrowed(part, **{f"{channels[name]}__is_advertising": True}) for name, part in parts.items()}


def _narrowed(part: RowSet, **more: bool) -> RowSet:
    return replace(part, queryset=when_listed(lambda: part.queryset.filter(**more)))


def _spent(scope: Scope) -> Parts:
    rows = costs(scope)
    return {
        "included": RowSet(
            rows.filter(reporting_cents__isnull=False),
            columns.COST,
            "Costs reported",
            amount="reporting_cents",
            dated_by="spent_on",
            nothing=None,  # no cost reported is not the same as nothing spent
        ),
        "excluded_no_rate": RowSet(
            when_listed(lambda: rows.filter(reporting_cents__isnull=True)),
            columns.COST,
            "No exchange rate into the company currency",
        ),
        "excluded_unknown": _missing(scope),
    }


register(
    Definition(
        key="spend.total",
        version=1,
        name="Marketing spend",
        unit="money",
        formula="sum of the campaign costs of the days in the period",
        meaning="By the day the money was spent, in the company currency at that day's rate. A day without a report is "
        "unknown, not zero: campaigns with such days are listed apart. Costs have no territory.",
        parts=_spent,
        better="neither",
        filters=_CAMPAIGN,
        is_company_wide=True,
        causes=cost_causes,
    )
)
register(
    Definition(
        key="spend.advertising",
        version=1,
        name="Ad spend",
        unit="money",
        formula="sum of the campaign costs of advertising channels of the days in the period",
        meaning="The part of marketing spend that bought media: campaigns of channels whose cost counts as ad spend. "
        "A day without a report is unknown, not zero.",
        parts=_advertising,
        better="neither",
        filters=_CAMPAIGN,
        is_company_wide=True,
        causes=advertising_causes,
    )
)
register(
    Definition(
        key="quality.missing_cost",
        version=1,
        name="Campaigns with missing cost",
        unit="count",
        formula="number of campaigns that ran in the period on days without a reported cost",
        meaning="Their ROI cannot be trusted until the cost arrives. Nothing spent on a day is a cost of 0.",
        parts=lambda scope: {"included": _missing(scope)},
        better="down",
        filters=_CAMPAIGN,
        weekly="each",
        is_company_wide=True,
    )
)
