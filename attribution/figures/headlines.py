"""The values of the page's tiles, without listing what is left out: that is read when somebody opens a figure."""

from __future__ import annotations

from dataclasses import replace

from django.db.models import Sum

from attribution.figures import rows
from attribution.figures.costs import advertised_revenue, new_customers
from attribution.figures.credits import revenue_part
from attribution.pure.credits import rollup
from leads.figures import spend
from leads.figures.base import Number, Scope, figure

TILES = ("cost", "revenue", "roi", "roas", "marketing_cac", "influenced", "coverage")


def headlines(scope: Scope) -> dict[str, Number | None]:
    """The figures attribution.* of TILES by the last part of their key, equal to what `figure` gives for each."""
    cost, revenue = _spent(scope), revenue_part(scope).total()
    whole = revenue_part(scope.of_company()).total() if scope.owner else revenue
    return {
        "cost": cost,
        "revenue": revenue,
        "roi": None if whole is None else rollup.roi(int(whole), cost),
        "roas": _roas(scope),
        "marketing_cac": _per_customer(scope),
        "influenced": rows.influenced_deals(scope).order_by().count(),
        "coverage": figure("attribution.coverage", scope).value,
    }


def _spent(scope: Scope, **only: bool) -> int | None:
    known: int | None = spend.costs(scope).filter(**only).order_by().aggregate(cents=Sum("reporting_cents"))["cents"]
    return known


def _roas(scope: Scope) -> float | None:
    whole = scope.of_company()
    earned = advertised_revenue(whole).total()
    return None if earned is None else rollup.roas(int(earned), _spent(whole, campaign__channel__is_advertising=True))


def _per_customer(scope: Scope) -> Number | None:
    cost = _spent(replace(scope, channel="", campaign=""))
    customers = new_customers(scope).order_by().count() if cost is not None else 0
    return None if cost is None or not customers else round(cost / customers)
