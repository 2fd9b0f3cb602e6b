"""Deals rather than credits: how many marketing influenced, how much revenue has a journey at all."""

from __future__ import annotations

from dataclasses import replace

from attribution.figures import rows
from attribution.figures.credits import unpriced
from leads.figures import columns
from leads.figures.base import Definition, Parts, RowSet, Scope, ratio, register

_DEAL = (replace(columns.DEAL[0], link="attribution:journey"), *columns.DEAL[1:])


def _influenced(scope: Scope) -> Parts:
    return {
        "included": RowSet(
            rows.influenced_deals(scope), _DEAL, "Distinct deals with an eligible touch", dated_by="opened_at"
        )
    }


def _coverage(scope: Scope) -> Parts:
    won = rows.won_deals(scope)
    priced = won.filter(reporting_cents__isnull=False)
    touched = rows.with_journey(priced)
    return {
        "numerator": RowSet(
            touched, _DEAL, "Won deals with an eligible touch", amount="reporting_cents", dated_by="closed_at"
        ),
        "denominator": RowSet(priced, _DEAL, "Won deals", amount="reporting_cents", dated_by="closed_at"),
        "excluded_untouched": RowSet(
            priced.exclude(pk__in=touched.order_by().values("pk")), _DEAL, "No eligible touch of a contact"
        ),
        **unpriced(won),
    }


register(
    Definition(
        key="attribution.influenced",
        version=1,
        name="Influenced opportunities",
        unit="count",
        formula="number of distinct opportunities with an eligible touch",
        meaning="Deals won in the period and deals open at its end. Each once, so the numbers of campaigns must not be "
        "added up: most deals meet several.",
        parts=_influenced,
        filters=frozenset({"channel", "campaign", "territory", "basis"}),
        weekly="each",
    )
)
register(
    Definition(
        key="attribution.coverage",
        version=1,
        name="Attribution coverage",
        unit="share",
        formula="closed-won revenue with at least one eligible touch ÷ closed-won revenue",
        meaning="How much of the revenue attribution can say anything about. A low coverage is a finding about "
        "tracking and contact roles, not about campaigns.",
        parts=_coverage,
        combine=ratio,
        arithmetic="{numerator} ÷ {denominator}",
        filters=frozenset({"territory"}),
    )
)
