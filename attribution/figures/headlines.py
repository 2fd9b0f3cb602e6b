"""The values of the page's tiles, without listing what is left out: that is read when somebody opens a figure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from django.db.models import Sum

from attribution.figures import rows
from attribution.figures.campaign_table import SUMS, Sums
from attribution.figures.costs import new_customers
from attribution.pure.credits import rollup
from leads.figures import spend
from leads.figures.base import Number, Scope, figure

_ALL, _ADVERTISED = "all", "advertised"
TILES = ("cost", "revenue", "roi", "roas", "marketing_cac", "influenced", "coverage")


def headlines(scope: Scope) -> dict[str, Number | None]:
    """The figures attribution.* of TILES by the last part of their key, equal to what `figure` gives for each."""
    whole = scope.of_company()
    earned = _earned(scope)
    of_all = earned if whole == scope else _earned(whole)
    spent = _spent(scope)
    cost, revenue, everywhere = _sum(spent.values()), earned.value(_ALL), of_all.value(_ALL)
    advertised = of_all.value(_ADVERTISED)
    return {
        "cost": cost,
        "revenue": revenue,
        "roi": None if everywhere is None else rollup.roi(everywhere, cost),
        "roas": None if advertised is None else rollup.roas(advertised, spent.get(True)),
        "marketing_cac": _per_customer(scope, cost),
        "influenced": rows.influenced_deals(scope).order_by().count(),
        "coverage": figure("attribution.coverage", scope).value,
    }


def _earned(scope: Scope) -> Sums:
    """What touches earned, all of them and those through advertising, in one query."""
    found = Sums()
    by_kind = rows.won_credits(scope).order_by().values_list("channel__is_advertising").annotate(**SUMS)
    for is_advertising, *sums in by_kind:
        found.add(_ALL, *sums)
        if is_advertising:
            found.add(_ADVERTISED, *sums)
    return found


def _spent(scope: Scope) -> dict[bool, int | None]:
    """What campaigns cost, by whether their channel is advertising, in one query."""
    by_kind = spend.costs(scope).order_by().values_list("campaign__channel__is_advertising")
    return dict(by_kind.annotate(Sum("reporting_cents")))


def _sum(parts: Iterable[int | None]) -> int | None:
    known = [cents for cents in parts if cents is not None]
    return sum(known) if known else None


def _per_customer(scope: Scope, cost: int | None) -> Number | None:
    if scope.channel or scope.campaign:
        cost = _sum(_spent(replace(scope, channel="", campaign="")).values())
    customers = new_customers(scope).order_by().count() if cost is not None else 0
    return None if cost is None or not customers else round(cost / customers)
