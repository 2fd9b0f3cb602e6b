"""How many leads come on from stage to stage: by cohort (the default) and by period."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from leads.figures import columns, selection
from leads.figures.base import Column, Definition, Parts, RowSet, Scope, ratio, register
from leads.figures.dated_deals import created, won
from leads.figures.lifecycle import captured, first_passages
from leads.figures.refunds import is_sale, refunds
from leads.figures.rowset import when_listed
from leads.models import DealStatus, LifecyclePassage, Opportunity, Stage
from leads.pure.lifecycle import LADDER

_ENDED = (Stage.DISQUALIFIED, Stage.RECYCLED)
_NAMES = {"lead": "Lead", "mql": "MQL", "sal": "SAL", "sql": "SQL", "opportunity": "Opportunity", "won": "Won"}
STEPS = (("lead", "mql"), ("mql", "sal"), ("mql", "sql"), ("sql", "opportunity"), ("opportunity", "won"))


def _entries(scope: Scope, stage: str, of_deals: bool) -> tuple[QuerySet[Any], tuple[Column, ...], str]:
    """Rows of those who entered a stage in the period, how to show them, and the column that dates them.

    Up to Opportunity we count persons, from there on deals.
    """
    if stage == "lead":
        return captured(scope), columns.LEAD, "captured_at"
    if of_deals and stage == "opportunity":
        return _opened(scope), columns.DEAL, "opened_at"
    if stage == "won":
        return won(scope), columns.DEAL, "closed_at"
    return first_passages(scope, stage), columns.PASSAGE, "passed_at"


def _opened(scope: Scope) -> QuerySet[Opportunity]:
    return created(scope).filter(is_sale())


def _refunds(scope: Scope, start: str) -> Parts:
    return refunds(created(scope)) if start == "opportunity" else {}


def _passed(scope: Scope, start: str, end: str) -> QuerySet[LifecyclePassage]:
    """The passages of an entry's lead that prove it reached the end by the scope's moment."""
    # Whoever stands on a higher rung has passed this one, even if nobody wrote the passage down.
    beyond = LADDER[LADDER.index(Stage.CUSTOMER if end == "won" else end) :]
    lead = OuterRef("pk" if start == "lead" else "lead")
    return LifecyclePassage.objects.filter(lead=lead, to_stage__in=beyond, passed_at__lte=scope.at)


def _reached(scope: Scope, start: str, end: str) -> tuple[Q | Exists, Q]:
    """Conditions on an entry: that it reached the end by the scope's moment; that it never will."""
    if start == "opportunity":
        closed = Q(closed_at__lte=scope.at)
        return closed & Q(status=DealStatus.WON), closed & Q(status=DealStatus.LOST)
    return Exists(_passed(scope, start, end)), Q(**{("" if start == "lead" else "lead__") + "stage__in": _ENDED})


def _cohort(start: str, end: str, scope: Scope) -> Parts:
    entries, shown, dated_by = _entries(scope, start, of_deals=end == "won")
    reached, ended = _reached(scope, start, end)
    here, there = _NAMES[start], _NAMES[end]
    arrived, shown_arrived = entries.filter(reached), shown
    told = arrived
    if start != "opportunity":  # a deal has the day it closed among its columns
        told = when_listed(lambda: _with_arrival(arrived, _passed(scope, start, end)))
        shown_arrived = (*shown, Column("arrived_at", f"Reached {there}", "time"))
    return {
        "numerator": RowSet(told, shown_arrived, f"Of these, reached {there}", dated_by=dated_by, among=arrived),
        "denominator": RowSet(entries, shown, f"Entered {here} in the period", dated_by=dated_by),
        # Counted within the entries; shown apart, because a cohort with many of them is not finished.
        "pending": RowSet(
            when_listed(lambda: entries.exclude(reached).exclude(ended)),
            shown,
            f"Of these, may still reach {there}",
            dated_by=dated_by,
        ),
        **_refunds(scope, start),
    }


def _with_arrival(arrived: QuerySet[Any], passages: QuerySet[LifecyclePassage]) -> QuerySet[Any]:
    """Adds when the entry first reached the end."""
    first = passages.order_by("passed_at", "pk").values("passed_at")[:1]
    found: QuerySet[Any] = arrived.annotate(arrived_at=Subquery(first))
    return found


def _by_period(start: str, end: str, scope: Scope) -> Parts:
    entries, shown, dated_by = _entries(scope, start, of_deals=end == "won")
    ends, shown_ends, ends_dated_by = _entries(scope, end, of_deals=end == "won")
    return {
        "numerator": RowSet(ends, shown_ends, f"Reached {_NAMES[end]} in the period", dated_by=ends_dated_by),
        "denominator": RowSet(entries, shown, f"Entered {_NAMES[start]} in the period", dated_by=dated_by),
        **_refunds(scope, start),
    }


def _register(kind: str, start: str, end: str, parts: Callable[[Scope], Parts], formula: str, meaning: str) -> None:
    register(
        Definition(
            key=f"leads.{kind}.{start}_to_{end}",
            version=2 if start == "opportunity" else 1,
            name=f"{_NAMES[start]} → {_NAMES[end]}{'' if kind == 'conversion' else ', by period'}",
            unit="share",
            formula=formula,
            meaning=meaning,
            parts=parts,
            combine=ratio,
            filters=selection.BY_LEAD,
            arithmetic="{numerator} ÷ {denominator}",
        )
    )


for _start, _end in STEPS:
    _here, _there = _NAMES[_start], _NAMES[_end]
    _register(
        "conversion",
        _start,
        _end,
        partial(_cohort, _start, _end),
        f"of those who entered {_here} in the period, the share that has ever reached {_there}",
        "Cohort: everybody is counted in the period they entered. Recent cohorts are not finished and will rise; "
        "those who may still come are listed apart.",
    )
    _register(
        "period_conversion",
        _start,
        _end,
        partial(_by_period, _start, _end),
        f"entries to {_there} in the period ÷ entries to {_here} in the period",
        "By period: the two groups are different people, so that it can exceed 100 %.",
    )

# From end to end by cohort only: by period it would compare people with deals.
_register(
    "conversion",
    "lead",
    "won",
    partial(_cohort, "lead", "won"),
    "of the persons captured in the period, the share that has ever become a customer",
    "Cohort: everybody is counted in the period they were captured. Recent cohorts are not finished and will rise; "
    "those who may still come are listed apart.",
)
