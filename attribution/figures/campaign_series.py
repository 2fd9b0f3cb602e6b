"""One campaign by week or by month: revenue, pipeline, cost, leads and MQLs, in a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db.models import QuerySet, Sum

from attribution.figures import rows
from attribution.figures.amounts_then import shares_then, sum_of
from attribution.models import Credit
from attribution.pure.credits import rollup
from attribution.queries.columns import listed
from leads.figures import stood
from leads.figures.base import Number, Scope, definition
from leads.models import Opportunity
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
    pipeline: int | None
    cost: int | None
    leads: int
    mqls: int

    @property
    def roi(self) -> float | None:
        """(revenue − cost) ÷ cost, or None when the revenue is unknown, or the cost is unknown or nothing."""
        return None if self.revenue is None else rollup.roi(self.revenue, self.cost)


@dataclass(frozen=True, slots=True)
class _Steps:
    """Steps as (name, first day, day after the last), and the first day of the one that a day falls into."""

    named: Sequence[tuple[str, date, date]]
    first_of: Callable[[date], date]


def campaign_weeks(scope: Scope) -> list[CampaignStep]:
    """The weeks that the period touches. Only days inside the period count, so that the weeks add up to the totals."""
    return _told(scope, _weeks(scope))[0]


def campaign_months(scope: Scope) -> list[CampaignStep]:
    """The same by calendar month of the company's time zone."""
    return _told(scope, _months(scope))[0]


def campaign_weeks_and_months(scope: Scope) -> tuple[list[CampaignStep], list[CampaignStep]]:
    """Both, their stocks asked for together."""
    weeks, months = _told(scope, _weeks(scope), _months(scope))
    return weeks, months


def _weeks(scope: Scope) -> _Steps:
    first, last = (Week.of(at, scope.tz) for at in _ends(scope))
    named = [(str(week), week.starts_on, week.ends_on) for week in weeks_between(first, last)]
    return _Steps(named, lambda day: Week.of_date(day).starts_on)


def _months(scope: Scope) -> _Steps:
    day, last = (local_date(at, scope.tz) for at in _ends(scope))
    named = []
    while day <= last:
        start, end = month_bounds(day)
        named.append((f"{start:%Y-%m}", start, end))
        day = end
    return _Steps(named, lambda day: day.replace(day=1))


def _ends(scope: Scope) -> tuple[datetime, datetime]:
    return scope.period.start, scope.period.end - timedelta(microseconds=1)


def _told(scope: Scope, *tables: _Steps) -> list[list[CampaignStep]]:
    parts = {name: definition(key).parts(scope)["included"] for name, key in COLUMNS.items()}
    days = {name: part.daily(scope.tz) for name, part in parts.items()}
    pipeline = iter(_stock(scope, [end for table in tables for _, _, end in table.named]))
    told = []
    for table in tables:
        totals = {name: part.added_up(days[name], table.first_of) for name, part in parts.items()}
        if scope.owner:
            totals["cost"] = {}  # costs have no owner
        told.append([_step(name, start, end, next(pipeline), totals) for name, start, end in table.named])
    return told


def _step(
    name: str, start: date, end: date, stood: int | None, totals: Mapping[str, Mapping[date, Number | None]]
) -> CampaignStep:
    return CampaignStep(
        name=name,
        first=start,
        end=end,
        revenue=None if (earned := totals["revenue"].get(start, 0)) is None else int(earned),
        pipeline=stood,
        cost=None if (spent := totals["cost"].get(start)) is None else int(spent),
        leads=int(totals["leads"].get(start) or 0),
        mqls=int(totals["mqls"].get(start) or 0),
    )


def _stock(scope: Scope, days: list[date]) -> list[int | None]:
    """Credits of the deals that were open at each step's end, at their amounts of then, in a few queries for all steps.
    None where deals were open and none of them had an amount."""
    credits = rows.credits_open_during(scope)
    dates = ("opportunity__opened_at", "opportunity__closed_at", "opportunity__deleted_at")
    grouped = credits.values_list("opportunity", *dates, "opportunity__reporting_cents").annotate(Sum("cents"))
    # A deal that was deleted stood until then, as one that was closed did.
    seen = [
        (deal, opened, min((at for at in (closed, deleted) if at), default=None), None if amount is None else cents)
        for deal, opened, closed, deleted, amount, cents in grouped.order_by()
    ]
    # By their ids: the same subquery in every moment's question would be asked as often as there are moments.
    ids = listed(sorted({deal for deal, *_ in seen}))
    spells = stood.closed_spells(ids)
    ends = [min(midnight(day, scope.tz), scope.period.end, scope.at).astimezone(UTC) for day in days]
    moved = _moved(scope, credits, Opportunity.objects.filter(pk__in=ids), [end for end in ends if end < scope.at])
    out: list[int | None] = []
    for end in ends:
        standing = [
            moved.get((end, deal), cents)
            for deal, opened, closed, cents in seen
            if opened < end
            and _is_later(closed, end)
            and not any(a < end and _is_later(b, end) for a, b in spells.get(deal, ()))
        ]
        known = [cents for cents in standing if cents is not None]
        out.append(sum(known) if known or not standing else None)
    return out


def _moved(
    scope: Scope, credits: QuerySet[Credit], deals: QuerySet[Opportunity], ends: Sequence[datetime]
) -> Mapping[tuple[datetime, int], int | None]:
    """What the credits of a deal came to at moments when it was worth something else than today."""
    shares = shares_then(scope, deals, sorted(set(ends)))
    if not shares:
        return {}
    touches: defaultdict[int, set[int]] = defaultdict(set)
    of = credits.filter(opportunity__in=listed(sorted({deal for told in shares.values() for deal in told}))).order_by()
    for deal, touch in of.values_list("opportunity", "touchpoint"):
        touches[deal].add(touch)
    return {(end, deal): sum_of(given, touches[deal]) for end, told in shares.items() for deal, given in told.items()}


def _is_later(at: datetime | None, end: datetime) -> bool:
    return at is None or at >= end
