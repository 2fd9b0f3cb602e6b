"""One campaign week by week: revenue, pipeline, cost, leads and MQLs, in a fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta

from django.db.models import Sum

from attribution.figures import rows
from attribution.pure import rollup
from leads.figures.base import Number, Scope, definition
from leads.pure.week import Week, weeks_between


@dataclass(frozen=True, slots=True)
class CampaignWeek:
    """A week, or the part of it inside the period. Money in cents; ``pipeline`` as it stands at its end."""

    week: Week
    revenue: int
    pipeline: int
    cost: int | None
    leads: int
    mqls: int

    @property
    def roi(self) -> float | None:
        """(revenue − cost) ÷ cost, or None when the cost is unknown or nothing."""
        return rollup.roi(self.revenue, self.cost)


def campaign_weeks(scope: Scope) -> list[CampaignWeek]:
    """The weeks that the period touches. Only days inside the period count, so that the weeks add up to the totals."""
    last = scope.period.end - timedelta(microseconds=1)
    weeks = weeks_between(Week.of(scope.period.start, scope.tz), Week.of(last, scope.tz))
    revenue, cost = _weekly("attribution.revenue", scope), _weekly("attribution.cost", scope)
    leads, mqls = _weekly("leads.captured", scope), _weekly("leads.mqls", scope)
    pipeline = _stock(scope, weeks)
    return [
        CampaignWeek(
            week=week,
            revenue=int(revenue.get(week) or 0),
            pipeline=pipeline[week],
            cost=None if (spent := cost.get(week)) is None else int(spent),
            leads=int(leads.get(week) or 0),
            mqls=int(mqls.get(week) or 0),
        )
        for week in weeks
    ]


def _weekly(key: str, scope: Scope) -> dict[Week, Number | None]:
    return definition(key).parts(scope)["included"].weekly(scope.tz)


def _stock(scope: Scope, weeks: list[Week]) -> dict[Week, int]:
    """Credits of the deals that were open at each week's end, from one query for all weeks."""
    grouped = (
        rows.credits_open_during(scope)
        .values_list("opportunity__opened_at", "opportunity__closed_at")
        .annotate(Sum("cents"))
    )
    seen = list(grouped.order_by())
    out: dict[Week, int] = {}
    for week in weeks:
        end = min(week.bounds(scope.tz)[1], scope.period.end, scope.at).astimezone(UTC)
        out[week] = sum(cents for opened, closed, cents in seen if opened < end and (closed is None or closed >= end))
    return out
