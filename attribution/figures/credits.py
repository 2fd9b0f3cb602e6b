"""Money given to touches: attributed revenue, Unattributed, attributed pipeline."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from attribution.figures import rows
from attribution.figures.amounts_then import PRICED, standing_credits
from attribution.models import Credit
from leads.figures import selection
from leads.figures.base import Definition, Number, Parts, RowSet, Scope, Totals, register
from leads.figures.deals import stood_without_money, without_money
from leads.figures.rowset import when_listed
from leads.figures.stood import as_stood

ORIGIN = frozenset({"channel", "campaign", "territory", "owner", "method", "basis", "scope"})


def priced(credits: QuerySet[Credit], label: str, dated_by: str) -> RowSet:
    """Credits of deals with an amount. Where no deal has one the sum is unknown, though each credit says 0."""
    known = Q(opportunity__reporting_cents__isnull=False)
    return RowSet(
        when_listed(lambda: credits.filter(known)),
        rows.CREDIT,
        label,
        amount="cents",
        dated_by=dated_by,
        among=credits,
        known=known,
    )


def revenue_part(scope: Scope) -> RowSet:
    """The credits behind attributed revenue."""
    dated_by = "opportunity__closed_at" if scope.basis == "simple" else "touched_at"
    return priced(rows.won_credits(scope), "Credits of won deals", dated_by)


def _revenue(scope: Scope) -> Parts:
    return {"included": revenue_part(scope), **without_money(rows.won_deals(scope))}


def _unattributed(scope: Scope) -> Parts:
    label = "Won deals, or parts of them, that no touchpoint earned"
    return {
        "included": priced(rows.unattributed_credits(scope), label, "opportunity__closed_at"),
        **without_money(rows.won_deals(scope)),
    }


def _elsewhere(scope: Scope) -> Parts:
    def part(found: QuerySet[Credit], label: str) -> RowSet:
        ordered = found.filter(method=scope.method).order_by("opportunity__closed_at", "pk")
        return priced(ordered, label, "opportunity__closed_at")

    return {
        "other": part(
            rows.other_credits_of_all(scope, {scope.method}),
            "Credits of deals won in the period that the filters leave out",
        ),
        "beyond": part(
            rows.beyond_credits_of_all(scope, {scope.method}),
            "Credits of touchpoints of the period for deals won outside it",
        ),
    }


def _difference(totals: Totals) -> Number | None:
    other, beyond = totals["other"], totals["beyond"]
    return None if other is None or beyond is None else other - beyond


def _pipeline(scope: Scope) -> Parts:
    credits = standing_credits(scope)
    stood = when_listed(lambda: as_stood(rows.open_deals(scope), at=selection.moment(scope), currency=scope.currency))
    return {
        "included": RowSet(
            when_listed(lambda: credits.filter(PRICED)),
            rows.CREDIT_THEN,
            "Credits of open deals",
            amount="earned_cents",
            dated_by="opportunity__opened_at",
            among=credits,
            known=PRICED,
        ),
        **stood_without_money(stood),
    }


register(
    Definition(
        key="attribution.revenue",
        version=2,
        name="Attributed revenue",
        unit="money",
        formula="sum of amount × share over the credited touchpoints of won deals",
        meaning="By close date: deals won in the period. By touchpoint date: touchpoints of the period, whenever "
        "their deal was "
        "won. Credits are exact to the cent per deal and model; with Unattributed they sum to closed-won revenue.",
        parts=_revenue,
        filters=ORIGIN,
    )
)
register(
    Definition(
        key="attribution.unattributed",
        version=2,
        name="Unattributed revenue",
        unit="money",
        formula="closed-won revenue of the period that the model credits to no touchpoint",
        meaning="Deals without an eligible touchpoint, and what a model leaves over. It came through no known "
        "channel or "
        "campaign and is dated by the close under both bases.",
        parts=_unattributed,
        better="down",
        filters=frozenset({"territory", "owner", "method", "scope"}),
    )
)
register(
    Definition(
        key="attribution.elsewhere",
        version=2,
        name="Attributed elsewhere",
        unit="money",
        formula="credits of deals won in the period that the filters leave out − credits inside them of deals won "
        "outside the period",
        meaning="What is missing between attributed revenue plus Unattributed and closed-won revenue: other channels "
        "and campaigns and, by touchpoint date, touchpoints of other periods. Attributed + Unattributed + elsewhere "
        "is closed-won revenue, to the cent, in every filter.",
        parts=_elsewhere,
        combine=_difference,
        arithmetic="{other} − {beyond}",
        better="neither",
        filters=ORIGIN,
    )
)
register(
    Definition(
        key="attribution.pipeline",
        version=3,
        name="Attributed pipeline",
        unit="money",
        formula="sum of amount × share over the credited touchpoints of open deals",
        meaning="Deals open at the end of the period, or now while it lasts, at the amount they had then, where their "
        "history knows it. A deal that stood at lost then and was reopened later is not among them. By touchpoint "
        "date only "
        "touchpoints of the period count.",
        parts=_pipeline,
        filters=ORIGIN,
        weekly="each",
    )
)
