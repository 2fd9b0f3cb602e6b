"""One campaign by week or by month: revenue, pipeline, cost, leads and MQLs, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db.models import Sum

from attribution.figures import rows
from attribution.pure.credits import rollup
from leads.figures import stood
from leads.figures.base import Number, Scope, definition
from leads.pure.week import Week, local_date, midnight, month_bounds, weeks_between

COLUMNS = {
    "revenue": "attribution.revenue",
    "cost": "attribution.cost",
    "leads": "leads.captured",
    "mqls": "leads.mqls",
}


@dataclass(frozen=True, slots=True)
class CampaignStep:
    """A week or a month, or the part of it inside the period. Money in cents; ``pipeline`` as it stands at its end.

    ``name`` is "2026-W46" or "2026-11"; ``first`` its first local day, ``end`` the day after its last.
    """

    name: str
    first: date
    end: date
    revenue: int | None
    pipeline: int
    cost: int | None
    leads: int
    mqls: int

    @property
    def roi(self) -> float | None:
        """(revenue − cost) ÷ cost, or None when the revenue is unknown, or the cost is unknown or nothing."""
        return None if self.revenue is None else rollup.roi(self.revenue, self.cost)


def campaign_weeks(scope: Scope) -> list[CampaignStep]:
    """The weeks that the period touches. Only days inside the period count, so that the weeks add up to the totals."""
    first, last = (Week.of(at, scope.tz) for at in _ends(scope))
    weeks = weeks_between(first, last)
    found = {name: definition(key).parts(scope)["included"].weekly(scope.tz) for name, key in COLUMNS.items()}
    totals = {name: {week.starts_on: value for week, value in column.items()} for name, column in found.items()}
    return _steps(scope, [(str(week), week.starts_on, week.ends_on) for week in weeks], totals)


def campaign_months(scope: Scope) -> list[CampaignStep]:
    """The same by calendar month of the company's time zone."""
    day, last = (local_date(at, scope.tz) for at in _ends(scope))
    months = []
    while day <= last:
        start, end = month_bounds(day)
        months.append((f"{start:%Y-%m}", start, end))
        day = end
    totals = {name: definition(key).parts(scope)["included"].monthly(scope.tz) for name, key in COLUMNS.items()}
    return _steps(scope, months, totals)


def _ends(scope: Scope) -> tuple[datetime, datetime]:
    return scope.period.start, scope.period.end - timedelta(microseconds=1)


def _steps(
    scope: Scope, steps: list[tuple[str, date, date]], totals: Mapping[str, Mapping[date, Number | None]]
) -> list[CampaignStep]:
    pipeline = _stock(scope, [end for _, _, end in steps])
    return [
        CampaignStep(
            name=name,
            first=start,
            end=end,
            revenue=None if (earned := totals["revenue"].get(start, 0)) is None else int(earned),
            pipeline=stood,
            cost=None if (spent := totals["cost"].get(start)) is None else int(spent),
            leads=int(totals["leads"].get(start) or 0),
            mqls=int(totals["mqls"].get(start) or 0),
        )
        for (name, start, end), stood in zip(steps, pipeline, strict=True)
    ]


def _stock(scope: Scope, ends: list[date]) -> list[int]:
    """Credits of the deals that were open at each step's end, in two queries for all steps."""
    credits = rows.credits_open_during(scope)
    dates = ("opportunity__opened_at", "opportunity__closed_at", "opportunity__deleted_at")
    grouped = credits.values_list("opportunity", *dates).annotate(Sum("cents")).order_by()
    # A deal that was deleted stood until then, as one that was closed did.
    seen = [
        (deal, opened, min((at for at in (closed, deleted) if at), default=None), cents)
        for deal, opened, closed, deleted, cents in grouped
    ]
    spells = stood.closed_spells(credits.order_by().values("opportunity"))
    out = []
    for day in ends:
        end = min(midnight(day, scope.tz), scope.period.end, scope.at).astimezone(UTC)
        standing = ((deal, cents) for deal, opened, closed, cents in seen if opened < end and _is_later(closed, end))
        out.append(
            sum(cents for deal, cents in standing if not any(a < end and _is_later(b, end) for a, b in spells[deal]))
        )
    return out


def _is_later(at: datetime | None, end: datetime) -> bool:
    return at is None or at >= end
