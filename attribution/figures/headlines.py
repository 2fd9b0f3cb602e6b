"""The values of the page's tiles, without listing what is left out: that is read when somebody opens a figure."""

from __future__ import annotations

from django.db.models import Sum

from attribution.figures import rows
from attribution.figures.credits import revenue_part
from attribution.pure import rollup
from leads.figures import spend
from leads.figures.base import Number, Scope, figure

TILES = ("cost", "revenue", "roi", "influenced", "coverage")


def headlines(scope: Scope) -> dict[str, Number | None]:
    """The figures attribution.* of TILES by the last part of their key, equal to what `figure` gives for each."""
    known = spend.costs(scope).order_by().aggregate(cents=Sum("reporting_cents"))
    cost, revenue = known["cents"], revenue_part(scope).total() or 0
    return {
        "cost": cost,
        "revenue": revenue,
        "roi": rollup.roi(int(revenue), cost),
        "influenced": rows.influenced_deals(scope).order_by().count(),
        "coverage": figure("attribution.coverage", scope).value,
    }
