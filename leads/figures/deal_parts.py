"""What figures about deals are made of: the parts of each, with what they leave out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from django.db.models import BigIntegerField, F, FloatField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Cast, Round

from leads.figures import columns, selection, stood
from leads.figures.base import (
    Column,
    Derived,
    Number,
    Parts,
    RowSet,
    Scope,
    Totals,
    middle,
    ratio,
)
from leads.figures.dated_deals import closed, created, decided, won
from leads.figures.deals import (
    BACKWARDS,
    DEAL_PAGE,
    counted_open,
    days_open,
    deleted,
    deleted_open,
    money_parts,
    open_deals,
    stood_money,
    stood_without_money,
    valued_then,
    weighted_then,
)
from leads.figures.refunds import is_sale, refunds
from leads.figures.rowset import when_listed
from leads.models import DealStatus, Opportunity, OpportunityChange, PipelineStage

_DAYS = Column("days", "Days", "days", derived=Derived(("opened_at", "closed_at"), days_open))


def _mean_cents(values: Sequence[Number]) -> Number | None:
    return round(fmean(values)) if values else None


def sized_parts(scope: Scope) -> dict[str, RowSet]:
    parts = {**money_parts(won(scope), "Won deals", "closed_at"), **not_won(scope)}
    return {**parts, "included": replace(parts["included"], statistic=_mean_cents)}


def cycle_parts(scope: Scope) -> dict[str, RowSet]:
    wins = won(scope)
    counted = RowSet(
        wins.filter(closed_at__gte=F("opened_at")),
        (*columns.DEAL, _DAYS),
        "Won deals",
        amount="days",
        dated_by="closed_at",
        statistic=middle,
    )
    backwards = RowSet(when_listed(lambda: wins.filter(closed_at__lt=F("opened_at"))), columns.DEAL, BACKWARDS)
    return {"included": counted, "excluded_backwards": backwards, **not_won(scope)}


def open_parts(scope: Scope) -> Parts:
    rows = when_listed(lambda: open_deals(scope))
    return {
        "included": stood_money(rows, "Open deals", among=valued_then(scope)),
        **stood_without_money(rows, lacking_in=("included",)),
        **deleted_open(scope),
    }


def weighted(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Adds ``weighted_cents`` to open deals: the amount times the probability of the stage, both as they were."""
    cents = Round(F("stood_cents") * F("stood_probability"), output_field=FloatField())
    found: QuerySet[Any] = rows.annotate(weighted_cents=Cast(cents, BigIntegerField()))
    return found


def weighted_parts(scope: Scope) -> Parts:
    rows = when_listed(lambda: weighted(open_deals(scope)))
    shown = (
        *columns.DEAL_STOOD,
        Column("stood_probability", "Probability", "share"),
        Column("weighted_cents", "Weighted", "money"),
    )
    return {
        "included": RowSet(
            when_listed(lambda: rows.filter(stood_cents__isnull=False, stood_probability__isnull=False)),
            shown,
            "Open deals",
            amount="weighted_cents",
            dated_by="opened_at",
            among=weighted(weighted_then(scope)),
        ),
        **stood_without_money(rows, lacking_in=("included",)),
        "excluded_no_stage": RowSet(
            when_listed(lambda: rows.filter(stood_cents__isnull=False, stood_probability__isnull=True)),
            columns.DEAL_STOOD,
            stood.STAGE_UNKNOWN,
            lacking_in=("included",),
        ),
        **deleted_open(scope),
    }


def by_stage(rows: QuerySet[Any]) -> dict[str, tuple[str, QuerySet[Any]]]:
    """Open deals by the stage they stood in: label and rows by part, in the order of the stages. Every deal is in one
    part, so that the parts add up; the last is of those whose stage then is not known."""
    stages = list(PipelineStage.objects.filter(status=DealStatus.OPEN).order_by("position", "pk"))
    known = {f"stage_{stage.key}": (stage.name, rows.filter(stood_stage=stage.pk)) for stage in stages}
    others = Q(stood_stage__isnull=True) | ~Q(stood_stage__in=[stage.pk for stage in stages])
    return {**known, STAGE_UNKNOWN: ("Stage not known", rows.filter(others))}


STAGE_UNKNOWN = "stage_unknown"


def stage_parts(scope: Scope) -> Parts:
    rows = open_deals(scope)
    parts = {name: stood_money(found, label) for name, (label, found) in by_stage(rows).items()}
    return {**parts, **stood_without_money(rows, lacking_in=tuple(parts)), **deleted_open(scope)}


def stage_counts(scope: Scope) -> Parts:
    return {
        name: RowSet(found, columns.DEAL_STOOD, label, dated_by="opened_at")
        for name, (label, found) in by_stage(open_deals(scope)).items()
    }


def win_rate_parts(scope: Scope) -> dict[str, RowSet]:
    return {
        "won": RowSet(won(scope), columns.DEAL, "Won deals", dated_by="closed_at"),
        "closed": RowSet(decided(scope), columns.DEAL, "Won and lost deals", dated_by="closed_at"),
        **refunds(closed(scope, DealStatus.WON, DealStatus.LOST)),
        **deleted(scope, "closed_at", DealStatus.WON, DealStatus.LOST),
    }


def share_won(totals: Totals) -> float | None:
    return ratio({"numerator": totals["won"], "denominator": totals["closed"]})


def velocity_parts(scope: Scope) -> Parts:
    size, cycle = sized_parts(scope), cycle_parts(scope)
    left_out = {**size, **cycle}
    return {
        "open": counted_open(scope),
        **win_rate_parts(scope),
        "size": replace(size["included"], label="Average amount of won deals"),
        "cycle": replace(cycle["included"], label="Median days to win"),
        **{name: part for name, part in left_out.items() if name.startswith("excluded")},
    }


def per_day(totals: Totals) -> Number | None:
    rate, size, days, deals = share_won(totals), totals["size"], totals["cycle"], totals["open"]
    if rate is None or size is None or not days or deals is None:
        return None
    return round(deals * rate * size / days)


def stalled_parts(scope: Scope) -> Parts:
    rows = stood.stalled(open_deals(scope), at=selection.moment(scope))
    shown = (*columns.DEAL_STOOD, Column("stood_since", "In stage since", "date"))
    return {"included": RowSet(rows, shown, "Stalled deals", dated_by="stood_since")}


def move_parts(scope: Scope, label: str, **condition: Any) -> Parts:
    """Changes of the period to another open stage, compared with the change before."""
    before = OpportunityChange.objects.filter(
        Q(changed_at__lt=OuterRef("changed_at")) | Q(changed_at=OuterRef("changed_at"), pk__lt=OuterRef("pk")),
        opportunity=OuterRef("opportunity"),
    ).order_by("-changed_at", "-pk")
    rows: QuerySet[Any] = OpportunityChange.objects.filter(
        selection.within(scope, "changed_at"),
        changed_at__lte=scope.at,
        status=DealStatus.OPEN,
        opportunity__in=selection.deals(scope),
    ).annotate(position_before=Subquery(before.values("stage__position")[:1]))
    moves = rows.filter(**condition).order_by("changed_at", "pk")
    shown = (
        Column("opportunity__name", "Opportunity", link=DEAL_PAGE, link_by="opportunity__public_id"),
        Column("stage_before", "From"),
        Column("stage__name", "To"),
        Column("opportunity__owner__name", "Owner"),
        Column("moved_cents", "Amount then", "money"),
        Column("changed_at", "When", "time"),
    )

    def listed() -> QuerySet[Any]:
        told = moves.annotate(stage_before=Subquery(before.values("stage__name")[:1]))
        return stood.as_moved(told, currency=scope.currency)

    return {"included": RowSet(when_listed(listed), shown, label, dated_by="changed_at", among=moves)}


def _counted(rows: QuerySet[Opportunity], label: str, dated_by: str) -> Parts:
    return {"included": RowSet(rows, columns.DEAL, label, dated_by=dated_by)}


def deleted_won(scope: Scope) -> Parts:
    return deleted(scope, "closed_at", DealStatus.WON)


def not_won(scope: Scope) -> Parts:
    """What no figure about wins counts."""
    return {**refunds(closed(scope, DealStatus.WON)), **deleted_won(scope)}


def created_parts(scope: Scope) -> Parts:
    return {**money_parts(created(scope), "Deals opened", "opened_at"), **deleted(scope, "opened_at")}


def created_counts(scope: Scope) -> Parts:
    return {**_counted(created(scope), "Deals opened", "opened_at"), **deleted(scope, "opened_at")}


def won_parts(scope: Scope) -> Parts:
    return {**money_parts(closed(scope, DealStatus.WON), "Won deals", "closed_at"), **deleted_won(scope)}


def won_counts(scope: Scope) -> Parts:
    return {**_counted(won(scope), "Won deals", "closed_at"), **not_won(scope)}


def lost_counts(scope: Scope) -> Parts:
    lost = closed(scope, DealStatus.LOST)
    parts = _counted(lost.filter(is_sale()), "Lost deals", "closed_at")
    return {**parts, **refunds(lost), **deleted(scope, "closed_at", DealStatus.LOST)}


def open_counts(scope: Scope) -> Parts:
    return {"included": counted_open(scope), **deleted_open(scope)}
