"""Figures that need estimates: the sales cycle with open deals counted for as long as they have lasted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.db.models import F

from alignment.pure.survival import Curve, survival
from leads.figures import columns, selection
from leads.figures.base import Column, Definition, Derived, Number, Parts, Row, RowSet, Scope, definition, register
from leads.figures.dated_deals import created
from leads.figures.deals import BACKWARDS
from leads.figures.refunds import is_sale, refunds

KEY = "pipeline.cycle_survival"


def _median(spans: Sequence[tuple[float, bool]]) -> Number | None:
    return _curve(spans).median()


def _curve(spans: Sequence[tuple[float, bool]]) -> Curve:
    return survival([days for days, _ in spans], [is_closed for _, is_closed in spans])


def cycle_curve(scope: Scope) -> Curve:
    """The whole curve behind ``pipeline.cycle_survival``, for its interval."""
    part = definition(KEY).parts(scope)["included"]
    spans = replace(part, columns=tuple(column for column in part.columns if column.derived))
    return _curve([(row["days"], row["is_closed"]) for row in spans.rows()])


def _spans(scope: Scope) -> Parts:
    def until(row: Row) -> datetime:
        closed: datetime | None = row["closed_at"]
        return closed if closed is not None and closed <= scope.at else scope.at

    def days(row: Row) -> float:
        seconds: float = (until(row) - row["opened_at"]).total_seconds()
        return seconds / 86_400

    def is_closed(row: Row) -> bool:
        return row["closed_at"] is not None and row["closed_at"] <= scope.at

    rows = created(scope).filter(is_sale())
    # A close before the opening is a slip of the pen in a CRM, not a cycle.
    return {
        "included": RowSet(
            rows.exclude(closed_at__lt=F("opened_at")),
            (
                *columns.DEAL,
                Column("days", "Days so far", "days", derived=Derived(("opened_at", "closed_at"), days)),
                Column("is_closed", "Decided", derived=Derived(("closed_at",), is_closed)),
            ),
            "Deals opened in the period",
            amount="days",
            event="is_closed",
            dated_by="opened_at",
            statistic=_median,
        ),
        "excluded_backwards": RowSet(rows.filter(closed_at__lt=F("opened_at")), columns.DEAL, BACKWARDS),
        **refunds(created(scope)),
    }


register(
    Definition(
        key=KEY,
        version=2,
        name="Sales cycle, all deals",
        unit="days",
        formula="Kaplan–Meier median of the days from opening to a decision, over the deals opened in the period",
        meaning="Open deals count for as long as they have lasted, so that recent periods do not look faster than they "
        "are. Unknown while fewer than half of the deals would be decided. A deal with a negative amount is a refund "
        "or a correction and has no cycle: it is listed.",
        parts=_spans,
        better="down",
        filters=selection.BY_LEAD,
    )
)
