"""Deals as rows of figures: opened, open, closed and deleted ones, and those that a sum can hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet

from leads.figures import columns, selection, stood
from leads.figures.base import Parts, Row, RowSet, Scope
from leads.figures.deal_history import is_latest
from leads.figures.moments import is_of_many_moments
from leads.figures.rowset import made_once, when_listed
from leads.models import DealStatus, Opportunity

DEAL_PAGE = "leads:opportunity-detail"
NO_AMOUNT = "The amount is not known yet"
NO_RATE = "No exchange rate into the company currency"
BACKWARDS = "Closed before it was opened: one of the dates is wrong"
DELETED = "Deleted in the CRM"


@made_once
def open_deals(scope: Scope) -> QuerySet[Any]:
    """Deals open at the scope's moment (the end of the period, or now while it lasts), each as it stood then."""
    return _then(scope, stood.as_stood)


@made_once
def were_open(scope: Scope) -> QuerySet[Opportunity]:
    """The same deals as they are now."""
    return _were_open(scope, stands_today(scope))


@made_once
def _were_open(scope: Scope, is_today: bool) -> QuerySet[Opportunity]:
    is_open = stood.was_open(selection.moment(scope), is_today=is_today)
    return selection.with_deleted(scope).filter(is_open).order_by("opened_at", "pk")


@made_once
def valued_then(scope: Scope) -> QuerySet[Any]:
    """The same deals with what they were worth then alone."""
    return _then(scope, stood.as_valued)


@made_once
def weighted_then(scope: Scope) -> QuerySet[Any]:
    """The same with the probability of the stage then."""
    return _then(scope, stood.as_weighted)


def _then(scope: Scope, told: Callable[..., QuerySet[Any]]) -> QuerySet[Any]:
    is_today = stands_today(scope)
    rows = _were_open(scope, is_today)
    return told(rows, at=selection.moment(scope), currency=scope.currency, is_today=is_today)


@made_once
def stands_today(scope: Scope) -> bool:
    """Whether deals stood at the scope's moment as they stand now: it asks of its own present, and nothing known is
    dated later. One look at three indexes spares the look-ups of every deal's history."""
    at = selection.moment(scope)
    return at == scope.at and not is_of_many_moments() and is_latest(at)


def deleted(scope: Scope, dated_by: str, *statuses: str) -> Parts:
    """Deals that would count in the period by this date, had their source not deleted them: listed, never counted."""

    def found() -> QuerySet[Opportunity]:
        rows = selection.with_deleted(scope).filter(
            selection.within(scope, dated_by), deleted_at__isnull=False, **{f"{dated_by}__lte": scope.at}
        )
        return (rows.filter(status__in=statuses) if statuses else rows).order_by(dated_by, "pk")

    return {"excluded_deleted": RowSet(when_listed(found), columns.DEAL_DELETED, DELETED)}


def deleted_open(scope: Scope) -> Parts:
    """Open deals that were deleted in the period, before its end."""

    def found() -> QuerySet[Opportunity]:
        rows = selection.with_deleted(scope).filter(
            selection.within(scope, "deleted_at"), status=DealStatus.OPEN, deleted_at__lt=selection.moment(scope)
        )
        return rows.order_by("deleted_at", "pk")

    return {"excluded_deleted": RowSet(when_listed(found), columns.DEAL_DELETED, DELETED)}


def money_parts(rows: QuerySet[Opportunity], label: str, dated_by: str) -> dict[str, RowSet]:
    """Deals whose amount can be added up, and the two reasons why one cannot. Where none can, the sum is unknown."""
    known = when_listed(lambda: rows.filter(reporting_cents__isnull=False))
    return {
        "included": RowSet(known, columns.DEAL, label, amount="reporting_cents", dated_by=dated_by, among=rows),
        **without_money(rows, lacking_in=("included",)),
    }


def without_money(rows: QuerySet[Opportunity], *, lacking_in: tuple[str, ...] = ()) -> dict[str, RowSet]:
    """Deals that no sum can hold, by reason; ``lacking_in`` are the sums over just these rows."""

    def lacking(**why: bool) -> QuerySet[Opportunity]:
        return when_listed(lambda: rows.filter(reporting_cents__isnull=True, **why))

    return {
        "excluded_no_amount": RowSet(
            lacking(amount_cents__isnull=True), columns.DEAL, NO_AMOUNT, lacking_in=lacking_in
        ),
        "excluded_no_rate": RowSet(lacking(amount_cents__isnull=False), columns.DEAL, NO_RATE, lacking_in=lacking_in),
    }


def stood_money(rows: QuerySet[Any], label: str, *, among: QuerySet[Any] | None = None) -> RowSet:
    """The sum of open deals at the amounts they had then; ``among`` may be the same deals with less of each."""
    known = when_listed(lambda: rows.filter(stood_cents__isnull=False))
    among = rows if among is None else among
    return RowSet(known, columns.DEAL_STOOD, label, amount="stood_cents", dated_by="opened_at", among=among)


def counted_open(scope: Scope) -> RowSet:
    """Every open deal."""
    rows = when_listed(lambda: open_deals(scope))
    return RowSet(rows, columns.DEAL_STOOD, "Open deals", dated_by="opened_at", among=were_open(scope))


def stood_without_money(rows: QuerySet[Any], *, lacking_in: tuple[str, ...] = ()) -> dict[str, RowSet]:
    """Open deals that no such sum can hold, by reason; ``lacking_in`` are the sums over just these rows."""

    def lacking(**why: bool) -> QuerySet[Any]:
        return when_listed(lambda: rows.filter(stood_cents__isnull=True, **why))

    return {
        "excluded_no_amount": RowSet(
            lacking(stood_amount_cents__isnull=True), columns.DEAL_STOOD, NO_AMOUNT, lacking_in=lacking_in
        ),
        "excluded_no_rate": RowSet(
            lacking(stood_amount_cents__isnull=False), columns.DEAL_STOOD, NO_RATE, lacking_in=lacking_in
        ),
    }


def days_open(row: Row) -> float:
    """Days from opening to close."""
    seconds: float = (row["closed_at"] - row["opened_at"]).total_seconds()
    return seconds / 86_400
