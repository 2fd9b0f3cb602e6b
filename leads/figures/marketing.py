"""What marketing touched of the pipeline: influenced opportunities."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Exists, OuterRef, QuerySet

from leads.figures import columns, selection
from leads.figures.base import Definition, Parts, RowSet, Scope, register
from leads.figures.deals import money_parts
from leads.figures.rowset import when_listed
from leads.models import Company, Opportunity, Touchpoint


def _opened(scope: Scope) -> QuerySet[Opportunity]:
    """Deals opened in the period; channel and campaign are asked of the touches instead."""
    rows = selection.deals(scope, by_origin=False).filter(selection.within(scope, "opened_at"))
    return rows.filter(opened_at__lte=scope.at).order_by("opened_at", "pk")


def _touches() -> QuerySet[Touchpoint]:
    return Touchpoint.objects.genuine().filter(lead__deal_roles__opportunity=OuterRef("pk"))


def _influenced(scope: Scope) -> Parts:
    touches = _touches().filter(selection.origin(scope), occurred_at__lt=OuterRef("opened_at"))
    look_back = Company.current().look_back_days
    if look_back is not None:
        touches = touches.filter(occurred_at__gte=OuterRef("opened_at") - timedelta(days=look_back))
    touches = touches.filter(channel__is_self_initiated=False)
    deals = _opened(scope)
    return {
        **money_parts(
            deals.filter(Exists(touches)), "Deals with an eligible touchpoint before the opening", "opened_at"
        ),
        "excluded_untouched": RowSet(
            when_listed(lambda: deals.exclude(Exists(touches))),
            columns.DEAL,
            "No eligible touchpoint of a contact within the look-back",
        ),
    }


register(
    Definition(
        key="pipeline.influenced",
        version=1,
        name="Influenced pipeline",
        unit="money",
        formula="sum of the amounts of the distinct opportunities opened in the period with an eligible touchpoint "
        "before",
        meaning="Eligible: a genuine touchpoint of a contact, not self-initiated, before the opening and within the "
        "company's look-back. Each deal once, so it must not be summed over campaigns nor added to sourced pipeline.",
        parts=_influenced,
        filters=selection.BY_LEAD,
    )
)
