"""Deals rather than credits: how many marketing influenced, how much revenue has a journey at all."""

from __future__ import annotations

from dataclasses import replace

from attribution.figures import rows
from leads.figures import columns
from leads.figures.base import Column, Definition, Number, Parts, RowSet, Scope, Totals, ratio, register
from leads.figures.deals import without_money

_DEAL = (replace(columns.DEAL[0], link="attribution:journey"), *columns.DEAL[1:])


def _influenced(scope: Scope) -> Parts:
    return {
        "included": RowSet(
            rows.influenced_deals(scope), _DEAL, "Distinct deals with an eligible touchpoint", dated_by="opened_at"
        )
    }


_FILTERS = frozenset({"channel", "campaign", "territory", "owner", "basis", "scope"})
MET = {"one": "exactly one campaign", "two": "two campaigns", "three": "three campaigns", "more": "four or more"}


def _overlap(scope: Scope) -> Parts:
    deals = rows.influenced_with_campaigns(scope)
    shown = (*_DEAL, Column("campaigns", "Campaigns", "count"))
    met = {
        "one": deals.filter(campaigns=1),
        "two": deals.filter(campaigns=2),
        "three": deals.filter(campaigns=3),
        "more": deals.filter(campaigns__gte=4),
    }
    parts = {
        name: RowSet(found, shown, f"Deals that met {MET[name]}", dated_by="opened_at") for name, found in met.items()
    }
    return {**parts, "excluded_none": RowSet(deals.filter(campaigns=0), shown, "Touched, but through no campaign")}


def _several(totals: Totals) -> Number | None:
    return sum(totals[name] or 0 for name in ("two", "three", "more"))


def overlap(scope: Scope) -> dict[str, int]:
    """The parts of "attribution.overlap" counted, in one query."""
    found = dict.fromkeys(MET, 0)
    for number in rows.influenced_with_campaigns(scope).order_by().values_list("campaigns", flat=True):
        if number:
            found[("one", "two", "three")[number - 1] if number < 4 else "more"] += 1
    return found


def _coverage(scope: Scope) -> Parts:
    won = rows.won_deals(scope)
    priced = won.filter(reporting_cents__isnull=False)
    touched = rows.with_journey(scope, priced)
    return {
        "numerator": RowSet(
            touched, _DEAL, "Won deals with an eligible touchpoint", amount="reporting_cents", dated_by="closed_at"
        ),
        "denominator": RowSet(priced, _DEAL, "Won deals", amount="reporting_cents", dated_by="closed_at"),
        "excluded_untouched": RowSet(
            priced.exclude(pk__in=touched.order_by().values("pk")), _DEAL, "No eligible touchpoint of a contact"
        ),
        **without_money(won),
    }


register(
    Definition(
        key="attribution.influenced",
        version=3,
        name="Influenced opportunities",
        unit="count",
        formula="number of distinct opportunities with an eligible touchpoint",
        meaning="Deals won in the period and deals that were open at its end by their history. Each once, so the "
        "numbers of campaigns must not be added up: most deals meet several.",
        parts=_influenced,
        filters=_FILTERS,
        weekly="each",
    )
)
register(
    Definition(
        key="attribution.overlap",
        version=3,
        name="Deals that met several campaigns",
        unit="count",
        formula="number of influenced opportunities whose eligible touchpoints came through two or more campaigns",
        meaning="Why influenced numbers must not be added over campaigns. A deal influenced by the chosen campaign is "
        "counted by all campaigns it met. Deals count as open by their history.",
        parts=_overlap,
        combine=_several,
        arithmetic="{two} + {three} + {more}",
        better="neither",
        filters=_FILTERS,
        weekly="each",
    )
)
register(
    Definition(
        key="attribution.coverage",
        version=2,
        name="Attribution coverage",
        unit="share",
        formula="closed-won revenue with at least one eligible touchpoint ÷ closed-won revenue",
        meaning="How much of the revenue attribution can say anything about. A low coverage is a finding about "
        "tracking and contact roles, not about campaigns.",
        parts=_coverage,
        combine=ratio,
        arithmetic="{numerator} ÷ {denominator}",
        filters=frozenset({"territory", "owner", "scope"}),
    )
)
