"""Deals by the dates of their opening and their close: opened, closed, won and decided in a period."""

from __future__ import annotations

from django.db.models import QuerySet

from leads.figures import selection
from leads.figures.base import Scope
from leads.figures.refunds import is_sale
from leads.figures.rowset import made_once
from leads.models import DealStatus, Opportunity


@made_once
def created(scope: Scope) -> QuerySet[Opportunity]:
    """Deals opened in the period."""
    rows = selection.deals(scope).filter(selection.within(scope, "opened_at"), opened_at__lte=scope.at)
    return rows.order_by("opened_at", "pk")


@made_once
def closed(scope: Scope, *statuses: str) -> QuerySet[Opportunity]:
    """Deals closed in the period with one of the statuses."""
    rows = selection.deals(scope).filter(selection.within(scope, "closed_at"), closed_at__lte=scope.at)
    return rows.filter(status__in=statuses).order_by("closed_at", "pk")


@made_once
def won(scope: Scope) -> QuerySet[Opportunity]:
    """Wins of the period, without refunds."""
    return closed(scope, DealStatus.WON).filter(is_sale())


@made_once
def decided(scope: Scope) -> QuerySet[Opportunity]:
    """Wins and losses of the period, without refunds."""
    return closed(scope, DealStatus.WON, DealStatus.LOST).filter(is_sale())
