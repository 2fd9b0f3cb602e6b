"""Deals with a negative amount: refunds and corrections, which lower revenue and are no wins."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from leads.figures import columns
from leads.figures.base import Parts, RowSet
from leads.figures.rowset import when_listed
from leads.models import Opportunity

REFUND = "Refunds and corrections: a negative amount lowers revenue and is no win"


def is_sale() -> Q:
    """Deals that can be a win. One with a negative amount is a refund or a correction; an unknown amount is neither."""
    return Q(amount_cents__isnull=True) | Q(amount_cents__gte=0)


def refunds(rows: QuerySet[Opportunity]) -> Parts:
    """Those of the rows that are refunds or corrections: listed, and counted as no win."""
    return {"excluded_refunds": RowSet(when_listed(lambda: rows.filter(amount_cents__lt=0)), columns.DEAL, REFUND)}
