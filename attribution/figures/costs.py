"""What campaigns cost, and what came back for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from attribution.figures import rows
from attribution.figures.credits import revenue_part
from attribution.pure.credits import rollup
from leads.figures import columns
from leads.figures.base import Cause, Definition, Number, Parts, RowSet, Scope, Totals, definition, register
from leads.figures.cost_causes import advertising_causes, cost_causes
from leads.figures.deals import without_money
from leads.figures.refunds import is_sale, refunds
from leads.figures.rowset import when_listed
from leads.models import Opportunity

_CAMPAIGN = frozenset({"channel", "campaign"})
_RETURN = frozenset({"channel", "campaign", "method", "basis", "scope"})


def cost_parts(scope: Scope) -> Parts:
    """The costs of the period, and what of them is not known."""
    return definition("spend.total").parts(scope)


def _return(scope: Scope) -> Parts:
    # Costs belong to no territory: dividing one territory's revenue by everybody's cost would mislead.
    whole = scope.of_company()
    known = dict(cost_parts(whole))
    cost = known.pop("included")
    return {"revenue": revenue_part(whole), "cost": cost, **known, **without_money(rows.won_deals(whole))}


def _roi(totals: Totals) -> Number | None:
    revenue = _whole(totals["revenue"])
    return None if revenue is None else rollup.roi(revenue, _whole(totals["cost"]))


def advertised_revenue(scope: Scope) -> RowSet:
    """The credits of touches through channels whose cost is ad spend."""
    revenue = revenue_part(scope).narrowed(channel__is_advertising=True)
    return replace(revenue, label="Credits of won deals on touchpoints through advertising")


def _advertised(scope: Scope) -> Parts:
    whole = scope.of_company()
    known = dict(definition("spend.advertising").parts(whole))
    cost = known.pop("included")
    return {"revenue": advertised_revenue(whole), "cost": cost, **known, **without_money(rows.won_deals(whole))}


def _roas(totals: Totals) -> Number | None:
    revenue = _whole(totals["revenue"])
    return None if revenue is None else rollup.roas(revenue, _whole(totals["cost"]))


def _whole(cents: Number | None) -> int | None:
    return None if cents is None else int(cents)


def _earlier() -> Exists:
    """A deal that the same account won before."""
    return Exists(
        Opportunity.objects.won()
        .filter(is_sale(), account=OuterRef("account"))
        .filter(Q(closed_at__lt=OuterRef("closed_at")) | Q(closed_at=OuterRef("closed_at"), pk__lt=OuterRef("pk")))
    )


def new_customers(scope: Scope) -> QuerySet[Opportunity]:
    """First won deals of their accounts, in the period. A deal without an account counts as its own, a refund
    as none."""
    return _wins(scope).filter(~_earlier())


def _wins(scope: Scope) -> QuerySet[Opportunity]:
    return rows.won_deals(scope.of_company()).filter(is_sale())


def _acquisition(scope: Scope) -> Parts:
    known = dict(cost_parts(replace(scope, channel="", campaign="")))
    return {
        "cost": known.pop("included"),
        "customers": RowSet(
            new_customers(scope), columns.DEAL, "First won deals of their accounts", dated_by="closed_at"
        ),
        **known,
        "excluded_repeat": RowSet(
            when_listed(lambda: _wins(scope).filter(_earlier())), columns.DEAL, "Further deals of known customers"
        ),
        **refunds(rows.won_deals(scope.of_company())),
    }


def _per_customer(totals: Totals) -> Number | None:
    cost, customers = totals["cost"], totals["customers"]
    return None if cost is None or not customers else round(cost / customers)


def _acquisition_causes(scope: Scope, since: datetime | None) -> list[Cause]:
    return cost_causes(replace(scope, channel="", campaign=""), since)


register(
    Definition(
        key="attribution.cost",
        version=1,
        name="Campaign cost",
        unit="money",
        formula="sum of the campaign costs of the days in the period",
        meaning="By the day the money was spent. No cost reported means unknown, not zero.",
        parts=cost_parts,
        better="neither",
        filters=_CAMPAIGN,
        is_company_wide=True,
        causes=cost_causes,
    )
)
register(
    Definition(
        key="attribution.roi",
        version=2,
        name="ROI",
        unit="share",
        formula="(attributed revenue − cost) ÷ cost",
        meaning="0% means the money came back once. Unknown cost gives an unknown ROI, not an infinite one. Costs have "
        "no territory, so neither has ROI.",
        parts=_return,
        combine=_roi,
        arithmetic="({revenue} − {cost}) ÷ {cost}",
        filters=_RETURN,
        is_company_wide=True,
        causes=cost_causes,
    )
)
register(
    Definition(
        key="attribution.roas",
        version=3,
        name="ROAS",
        unit="ratio",
        formula="attributed revenue of advertising ÷ ad spend",
        meaning="Return on ad spend: what touchpoints through paid media earned per unit of money spent on it. Each "
        "channel says whether its cost is ad spend (search, social, display; not events nor email). It is not ROI.",
        parts=_advertised,
        combine=_roas,
        arithmetic="{revenue} ÷ {cost}",
        filters=_RETURN,
        is_company_wide=True,
        causes=advertising_causes,
    )
)
register(
    Definition(
        key="attribution.marketing_cac",
        version=3,
        name="Marketing CAC",
        unit="money",
        formula="campaign cost ÷ new customers",
        meaning="Marketing cost alone; salaries and sales cost are not in it. A new customer is the first won deal of "
        "an account (a deal without an account counts as its own); a deal with a negative amount is a refund and no "
        "customer.",
        parts=_acquisition,
        combine=_per_customer,
        arithmetic="{cost} ÷ {customers}",
        better="down",
        is_company_wide=True,
        causes=_acquisition_causes,
    )
)
