"""What marketing did for the pipeline: sourced and influenced opportunities."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db.models import DateTimeField, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Least

from leads.figures import columns, selection
from leads.figures.base import Column, Definition, Parts, RowSet, Scope, register
from leads.figures.pipeline import money_parts
from leads.models import Company, FollowUp, Opportunity, Touchpoint


def _opened(scope: Scope) -> QuerySet[Opportunity]:
    """Deals opened in the period; channel and campaign are asked of the touches instead."""
    rows = selection.deals(scope, by_origin=False).filter(selection.within(scope, "opened_at"))
    return rows.filter(opened_at__lte=scope.at).order_by("opened_at", "pk")


def _touches() -> QuerySet[Touchpoint]:
    return Touchpoint.objects.genuine().filter(lead__deal_roles__opportunity=OuterRef("pk"))


# --- sourced -------------------------------------------------------------------------------------------------------


def _with_first_touch(scope: Scope) -> QuerySet[Any]:
    """Adds `first_touch` (id or None) and `sales_at`, the first follow-up done for a contact or else the opening."""
    first = _touches().filter(occurred_at__lt=OuterRef("opened_at")).order_by("occurred_at", "pk")
    done = FollowUp.objects.filter(lead__deal_roles__opportunity=OuterRef("pk"), done_at__isnull=False)
    done = done.exclude(outcome=FollowUp.Outcome.NOT_NEEDED).order_by("done_at")
    # Least() of a NULL is NULL on SQLite and ignored on PostgreSQL, so there must be none.
    first_done = Coalesce(Subquery(done.values("done_at")[:1]), F("opened_at"), output_field=DateTimeField())
    return _opened(scope).annotate(
        first_touch=Subquery(first.values("pk")[:1]),
        first_touch_at=Subquery(first.values("occurred_at")[:1]),
        first_channel=Subquery(first.values("channel__name")[:1]),
        sales_at=Least(first_done, F("opened_at"), output_field=DateTimeField()),
    )


def _sourced(scope: Scope) -> Parts:
    first = Touchpoint.objects.filter(selection.origin(scope), pk=OuterRef("first_touch"))
    deals = _with_first_touch(scope)
    touched = deals.filter(Exists(first))
    by_marketing = Exists(first.filter(channel__is_self_initiated=False))
    in_time = Q(first_touch_at__lt=F("sales_at"))
    shown = (
        *columns.DEAL,
        Column("first_channel", "First touch"),
        Column("first_touch_at", "First touched", "time"),
        Column("sales_at", "First sales activity", "time"),
    )
    parts = money_parts(touched.filter(by_marketing, in_time), "Deals marketing originated", "opened_at")
    parts = {name: replace(part, columns=shown) for name, part in parts.items()}
    parts["excluded_sales_first"] = RowSet(
        touched.filter(by_marketing).exclude(in_time), shown, "Sales was in contact before the first touch"
    )
    parts["excluded_self_initiated"] = RowSet(
        touched.exclude(by_marketing), shown, "The first touch was self-initiated (direct, organic, brand search)"
    )
    if not scope.channel and not scope.campaign:
        parts["excluded_untouched"] = RowSet(
            deals.filter(first_touch__isnull=True), columns.DEAL, "No touch of a contact before the opening"
        )
    return parts


# --- influenced ----------------------------------------------------------------------------------------------------


def _influenced(scope: Scope) -> Parts:
    touches = _touches().filter(selection.origin(scope), occurred_at__lt=OuterRef("opened_at"))
    look_back = Company.current().look_back_days
    if look_back is not None:
        touches = touches.filter(occurred_at__gte=OuterRef("opened_at") - timedelta(days=look_back))
    touches = touches.filter(channel__is_self_initiated=False)
    deals = _opened(scope)
    return {
        **money_parts(deals.filter(Exists(touches)), "Deals with an eligible touch before the opening", "opened_at"),
        "excluded_untouched": RowSet(
            deals.exclude(Exists(touches)), columns.DEAL, "No eligible touch of a contact within the look-back"
        ),
    }


register(
    Definition(
        key="pipeline.sourced",
        version=1,
        name="Sourced pipeline",
        unit="money",
        formula="sum of the amounts of the opportunities opened in the period that marketing originated",
        meaning="Full amount, once. Test: the first genuine touch of the deal's contacts came through a channel "
        "that is not self-initiated, and precedes the first sales activity (the first follow-up done, or the opening). "
        "Channel and campaign are those of that touch. Never add it to influenced pipeline.",
        parts=_sourced,
        filters=selection.BY_LEAD,
    )
)
register(
    Definition(
        key="pipeline.influenced",
        version=1,
        name="Influenced pipeline",
        unit="money",
        formula="sum of the amounts of the distinct opportunities opened in the period with an eligible touch before",
        meaning="Eligible: a genuine touch of a contact, not self-initiated, before the opening and within the "
        "company's look-back. Each deal once, so it must not be summed over campaigns nor added to sourced pipeline.",
        parts=_influenced,
        filters=selection.BY_LEAD,
    )
)
