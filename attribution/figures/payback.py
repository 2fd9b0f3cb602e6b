"""How long a campaign took to earn back what it cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from attribution.figures import rows
from attribution.figures.costs import cost_parts
from leads.figures.base import Cause, Definition, Number, Parts, RowSet, Scope, Totals, register
from leads.figures.cost_causes import cost_causes
from leads.pure.money import format_money
from leads.pure.week import Period, midnight, month_bounds

_EVER = datetime(1990, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Payback:
    """``months`` counts calendar months, that of the first cost included; None with the reason why there is none."""

    months: int | None
    reason: str
    earned_by: date | None = None


@dataclass(frozen=True, slots=True)
class _Ledger:
    """All that a campaign cost and earned until the scope's moment, whatever the period."""

    cost: RowSet
    revenue: RowSet
    unknown: Parts
    payback: Payback


def payback(scope: Scope) -> Payback:
    """Months from the first cost until attributed revenue, added up month by month, reached all that is known to have
    been spent until the scope's moment. The period does not matter; the basis says how revenue is dated."""
    return _ledger(scope).payback


def _ledger(scope: Scope) -> _Ledger:
    whole = scope.of_company().during(Period(_EVER, scope.at))
    known = dict(cost_parts(whole))
    cost = known.pop("included")
    # The simple basis, whichever is asked for, keeps what touches of any time earned: the dates are chosen below.
    credits = rows.won_credits(replace(whole, basis="simple")).filter(opportunity__reporting_cents__isnull=False)
    dated_by = "opportunity__closed_at" if scope.basis == "simple" else "touched_at"
    revenue = RowSet(credits, rows.CREDIT, "Attributed revenue to date", amount="cents", dated_by=dated_by)
    return _Ledger(cost, revenue, known, _reached(cost, revenue, scope))


def _reached(cost: RowSet, revenue: RowSet, scope: Scope) -> Payback:
    spent = cost.monthly(scope.tz)
    total = sum(cents for cents in spent.values() if cents is not None)
    if not spent:
        return Payback(None, "no cost is reported")
    if not total:
        return Payback(None, "nothing was spent")
    month, months = min(spent), 0
    by_month = revenue.monthly(scope.tz)
    # Money that was earned before the first cost was recorded counts, too: it is the campaign's.
    earned = sum(cents or 0 for start, cents in by_month.items() if start < month)
    today = scope.at.astimezone(scope.tz).date()
    while month <= today:
        months += 1
        earned += by_month.get(month) or 0
        end = month_bounds(month)[1]
        if earned >= total:
            return Payback(months, "", end)
        month = end
    back, whole = (format_money(int(cents), scope.currency, is_short=True) for cents in (earned, total))
    return Payback(None, f"{back} of {whole} earned back so far")


def _parts(scope: Scope) -> Parts:
    found = _ledger(scope)
    if found.payback.earned_by is None:
        until = RowSet(
            found.revenue.queryset.none(),
            rows.CREDIT,
            f"Not reached: {found.payback.reason}",
            amount="cents",
            statistic=lambda values: None,
        )
    else:
        end = midnight(found.payback.earned_by, scope.tz)
        until = replace(
            found.revenue,
            queryset=found.revenue.queryset.filter(**{f"{found.revenue.dated_by}__lt": end}),
            label="Credits until the cost was earned back",
            statistic=lambda values: found.payback.months,
        )
    return {"cost": found.cost, "revenue": found.revenue, "months": until, **found.unknown}


def _causes(scope: Scope, since: datetime | None) -> list[Cause]:
    return cost_causes(replace(scope, period=Period(_EVER, scope.at)), since)


def _months(totals: Totals) -> Number | None:
    return totals["months"]


register(
    Definition(
        key="attribution.payback",
        version=1,
        name="Payback",
        unit="months",
        formula="calendar months, that of the first cost included, until attributed revenue added up reaches all known "
        "cost",
        meaning="Over the whole life of the campaign until now, whatever the period. Revenue by close date, or by "
        "touchpoint date where that is the basis. Not known without a cost, and not reached while less came "
        "back than was spent.",
        parts=_parts,
        combine=_months,
        better="down",
        filters=frozenset({"channel", "campaign", "method", "basis", "scope"}),
        is_company_wide=True,
        causes=_causes,
    )
)
