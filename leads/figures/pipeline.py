"""Opportunities as figures: created, open, weighted, won, lost, size, cycle and velocity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from django.db.models import BigIntegerField, F, FloatField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Cast, Round

from leads.figures import columns, selection, stood
from leads.figures.base import (
    Column,
    Definition,
    Derived,
    Number,
    Parts,
    Row,
    RowSet,
    Scope,
    Totals,
    Unit,
    middle,
    ratio,
    register,
)
from leads.figures.rowset import made_once, when_listed
from leads.models import DealStatus, Opportunity, OpportunityChange, PipelineStage

DEAL_PAGE = "leads:opportunity-detail"
PartsOf = Callable[[Scope], Parts]
NO_AMOUNT = "The amount is not known yet"
NO_RATE = "No exchange rate into the company currency"
BACKWARDS = "Closed before it was opened: one of the dates is wrong"
DELETED = "Deleted in the CRM"


@made_once
def created(scope: Scope) -> QuerySet[Opportunity]:
    """Deals opened in the period."""
    rows = selection.deals(scope).filter(selection.within(scope, "opened_at"), opened_at__lte=scope.at)
    return rows.order_by("opened_at", "pk")


@made_once
def open_deals(scope: Scope) -> QuerySet[Any]:
    """Deals open at the scope's moment (the end of the period, or now while it lasts), each as it stood then."""
    return stood.as_stood(_were_open(scope), at=selection.moment(scope), currency=scope.currency)


def _were_open(scope: Scope) -> QuerySet[Opportunity]:
    rows = selection.with_deleted(scope).filter(stood.was_open(selection.moment(scope)))
    return rows.order_by("opened_at", "pk")


@made_once
def closed(scope: Scope, *statuses: str) -> QuerySet[Opportunity]:
    """Deals closed in the period with one of the statuses."""
    rows = selection.deals(scope).filter(selection.within(scope, "closed_at"), closed_at__lte=scope.at)
    return rows.filter(status__in=statuses).order_by("closed_at", "pk")


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
        **without_money(rows),
    }


def without_money(rows: QuerySet[Opportunity]) -> dict[str, RowSet]:
    """Deals that no sum can hold, by reason."""

    def lacking(**why: bool) -> QuerySet[Opportunity]:
        return when_listed(lambda: rows.filter(reporting_cents__isnull=True, **why))

    return {
        "excluded_no_amount": RowSet(lacking(amount_cents__isnull=True), columns.DEAL, NO_AMOUNT),
        "excluded_no_rate": RowSet(lacking(amount_cents__isnull=False), columns.DEAL, NO_RATE),
    }


def stood_money(rows: QuerySet[Any], label: str) -> RowSet:
    """The sum of open deals at the amounts they had then."""
    known = when_listed(lambda: rows.filter(stood_cents__isnull=False))
    return RowSet(known, columns.DEAL_STOOD, label, amount="stood_cents", dated_by="opened_at", among=rows)


def stood_without_money(rows: QuerySet[Any]) -> dict[str, RowSet]:
    """Open deals that no such sum can hold, by reason."""

    def lacking(**why: bool) -> QuerySet[Any]:
        return when_listed(lambda: rows.filter(stood_cents__isnull=True, **why))

    return {
        "excluded_no_amount": RowSet(lacking(stood_amount_cents__isnull=True), columns.DEAL_STOOD, NO_AMOUNT),
        "excluded_no_rate": RowSet(lacking(stood_amount_cents__isnull=False), columns.DEAL_STOOD, NO_RATE),
    }


def days_open(row: Row) -> float:
    """Days from opening to close."""
    seconds: float = (row["closed_at"] - row["opened_at"]).total_seconds()
    return seconds / 86_400


_DAYS = Column("days", "Days", "days", derived=Derived(("opened_at", "closed_at"), days_open))


def _mean_cents(values: Sequence[Number]) -> Number | None:
    return round(fmean(values)) if values else None


def _sized(scope: Scope) -> dict[str, RowSet]:
    parts = {**money_parts(closed(scope, DealStatus.WON), "Won deals", "closed_at"), **_deleted_won(scope)}
    return {**parts, "included": replace(parts["included"], statistic=_mean_cents)}


def _cycle(scope: Scope) -> dict[str, RowSet]:
    won = closed(scope, DealStatus.WON)
    counted = RowSet(
        won.filter(closed_at__gte=F("opened_at")),
        (*columns.DEAL, _DAYS),
        "Won deals",
        amount="days",
        dated_by="closed_at",
        statistic=middle,
    )
    backwards = RowSet(when_listed(lambda: won.filter(closed_at__lt=F("opened_at"))), columns.DEAL, BACKWARDS)
    return {"included": counted, "excluded_backwards": backwards, **_deleted_won(scope)}


def _open(scope: Scope) -> Parts:
    rows = open_deals(scope)
    return {"included": stood_money(rows, "Open deals"), **stood_without_money(rows), **deleted_open(scope)}


def weighted(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Adds ``weighted_cents`` to open deals: the amount times the probability of the stage, both as they were."""
    cents = Round(F("stood_cents") * F("stood_probability"), output_field=FloatField())
    found: QuerySet[Any] = rows.annotate(weighted_cents=Cast(cents, BigIntegerField()))
    return found


def _weighted(scope: Scope) -> Parts:
    rows = when_listed(lambda: weighted(open_deals(scope)))
    valued = stood.as_valued(_were_open(scope), at=selection.moment(scope), currency=scope.currency)
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
            among=weighted(valued),
        ),
        **stood_without_money(rows),
        "excluded_no_stage": RowSet(
            when_listed(lambda: rows.filter(stood_cents__isnull=False, stood_probability__isnull=True)),
            columns.DEAL_STOOD,
            stood.STAGE_UNKNOWN,
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


def _stages(scope: Scope) -> Parts:
    rows = open_deals(scope)
    parts = {name: stood_money(found, label) for name, (label, found) in by_stage(rows).items()}
    return {**parts, **stood_without_money(rows), **deleted_open(scope)}


def _stages_count(scope: Scope) -> Parts:
    return {
        name: RowSet(found, columns.DEAL_STOOD, label, dated_by="opened_at")
        for name, (label, found) in by_stage(open_deals(scope)).items()
    }


def _win_rate(scope: Scope) -> dict[str, RowSet]:
    return {
        "won": RowSet(closed(scope, DealStatus.WON), columns.DEAL, "Won deals", dated_by="closed_at"),
        "closed": RowSet(
            closed(scope, DealStatus.WON, DealStatus.LOST), columns.DEAL, "Won and lost deals", dated_by="closed_at"
        ),
        **deleted(scope, "closed_at", DealStatus.WON, DealStatus.LOST),
    }


def _share_won(totals: Totals) -> float | None:
    return ratio({"numerator": totals["won"], "denominator": totals["closed"]})


def _velocity(scope: Scope) -> Parts:
    size, cycle = _sized(scope), _cycle(scope)
    left_out = {**size, **cycle}
    return {
        "open": RowSet(open_deals(scope), columns.DEAL_STOOD, "Open deals", dated_by="opened_at"),
        **_win_rate(scope),
        "size": replace(size["included"], label="Average amount of won deals"),
        "cycle": replace(cycle["included"], label="Median days to win"),
        **{name: part for name, part in left_out.items() if name.startswith("excluded")},
    }


def _per_day(totals: Totals) -> Number | None:
    rate, size, days, deals = _share_won(totals), totals["size"], totals["cycle"], totals["open"]
    if rate is None or size is None or not days or deals is None:
        return None
    return round(deals * rate * size / days)


def _stalled(scope: Scope) -> Parts:
    rows = stood.stalled(open_deals(scope), at=selection.moment(scope))
    shown = (*columns.DEAL_STOOD, Column("stood_since", "In stage since", "date"))
    return {"included": RowSet(rows, shown, "Stalled deals", dated_by="stood_since")}


def _moves(scope: Scope, label: str, **condition: Any) -> Parts:
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


def _deleted_won(scope: Scope) -> Parts:
    return deleted(scope, "closed_at", DealStatus.WON)


def _created(scope: Scope) -> Parts:
    return {**money_parts(created(scope), "Deals opened", "opened_at"), **deleted(scope, "opened_at")}


def _created_count(scope: Scope) -> Parts:
    return {**_counted(created(scope), "Deals opened", "opened_at"), **deleted(scope, "opened_at")}


def _won(scope: Scope) -> Parts:
    return {**money_parts(closed(scope, DealStatus.WON), "Won deals", "closed_at"), **_deleted_won(scope)}


def _closed_count(scope: Scope, status: DealStatus, label: str) -> Parts:
    return {**_counted(closed(scope, status), label, "closed_at"), **deleted(scope, "closed_at", status)}


def _open_count(scope: Scope) -> Parts:
    rows = open_deals(scope)
    return {
        "included": RowSet(rows, columns.DEAL_STOOD, "Open deals", dated_by="opened_at"),
        **deleted_open(scope),
    }


def _define(
    key: str, name: str, unit: Unit, formula: str, meaning: str, parts: PartsOf, *, version: int = 1, **more: Any
) -> None:
    more = {"filters": selection.BY_LEAD, **more}
    register(Definition(f"pipeline.{key}", version, name, unit, formula, meaning, parts, **more))


_SIGNED = "A negative amount (a refund) lowers the sum."
_BY_CLOSE = f"By close date, in the company currency at the rate of the close. {_SIGNED}"
_STOCK = (
    "A stock: as it stood at the end of the period, or stands now while the period lasts. How a deal stood is taken "
    "from its history: one that stood at lost then and was reopened later is not among them."
)
_WITHOUT_DELETED = "Deals deleted in the CRM do not count; they are listed."
_AMOUNT = f"At the amount it had then, where its history knows it. {_SIGNED}"

_define(
    "created",
    "Pipeline created",
    "money",
    "sum of the amounts of the opportunities opened in the period",
    f"By opening date, in the company currency, with the amount known now. {_SIGNED}",
    _created,
    version=2,
)
_define(
    "created_count",
    "Opportunities created",
    "count",
    "number of opportunities opened in the period",
    "Every deal by its opening date, whatever became of it.",
    _created_count,
    version=2,
)
_define(
    "open",
    "Open pipeline",
    "money",
    "sum of the amounts of the opportunities open at the end of the period",
    f"{_STOCK} {_AMOUNT}",
    _open,
    version=2,
    weekly="each",
)
_define(
    "open_count",
    "Open opportunities",
    "count",
    "number of opportunities open at the end of the period",
    _STOCK,
    _open_count,
    version=2,
    weekly="each",
)
_define(
    "stages",
    "Open pipeline by stage",
    "money",
    "sum of the amounts of the opportunities open at the end of the period, by the stage they stood in",
    f"{_STOCK} {_AMOUNT} Each deal is in the stage it stood in then, so the stages add up to open pipeline. Deals "
    "whose stage then is not known are a part of their own.",
    _stages,
    is_whole=True,
    weekly="each",
)
_define(
    "stages_count",
    "Open opportunities by stage",
    "count",
    "number of opportunities open at the end of the period, by the stage they stood in",
    f"{_STOCK} Each deal is in the stage it stood in then, so the stages add up to open opportunities.",
    _stages_count,
    is_whole=True,
    weekly="each",
)
_define(
    "weighted",
    "Weighted pipeline",
    "money",
    "sum of amount × win probability of the stage, over the opportunities open at the end of the period",
    f"{_STOCK} {_AMOUNT} The probability is that of the stage it stood in then. Each deal is rounded to the cent "
    "before adding up.",
    _weighted,
    version=2,
    weekly="each",
)
_define(
    "won",
    "Won revenue",
    "money",
    "sum of the amounts of the opportunities won in the period",
    f"{_BY_CLOSE} {_WITHOUT_DELETED}",
    _won,
    version=2,
)
_define(
    "won_count",
    "Deals won",
    "count",
    "number of opportunities won in the period",
    f"By close date. {_WITHOUT_DELETED}",
    lambda scope: _closed_count(scope, DealStatus.WON, "Won deals"),
    version=2,
)
_define(
    "lost_count",
    "Deals lost",
    "count",
    "number of opportunities lost in the period",
    f"By close date. {_WITHOUT_DELETED}",
    lambda scope: _closed_count(scope, DealStatus.LOST, "Lost deals"),
    better="down",
    version=2,
)
_define(
    "win_rate",
    "Win rate",
    "share",
    "won ÷ (won + lost), by close date",
    f"Of the deals decided in the period, the share that was won. {_WITHOUT_DELETED}",
    _win_rate,
    combine=_share_won,
    arithmetic="{won} ÷ {closed}",
    version=2,
)
_define(
    "deal_size",
    "Average deal size",
    "money",
    "sum of the amounts of the deals won in the period ÷ their number",
    f"{_BY_CLOSE} Deals without a usable amount count in neither.",
    _sized,
    version=2,
)
_define(
    "cycle_median",
    "Sales cycle, won deals",
    "days",
    "median days from opening to close of the deals won in the period",
    "Looks shorter than it is, because deals that take long are not closed yet: read it beside the survival median.",
    _cycle,
    better="down",
    version=2,
)
_define(
    "stalled",
    "Stalled opportunities",
    "count",
    "number of open opportunities that have stood in their stage for longer than the stage allows",
    f"{_STOCK} By the stage it stood in then, since it entered it, and the days allowed in that stage; a change of the "
    "amount does not start them anew.",
    _stalled,
    version=2,
    better="down",
    weekly="each",
)
_define(
    "advanced",
    "Moved forward",
    "count",
    "number of moves of open opportunities to a later stage in the period",
    "Every move counts, from the stage history. Deals won are counted apart.",
    lambda scope: _moves(scope, "Moves to a later stage", stage__position__gt=F("position_before")),
)
_define(
    "slipped",
    "Moved backward",
    "count",
    "number of moves of opportunities back to an earlier open stage in the period",
    "Every move counts, from the stage history. Deals reopened after a close are among them.",
    lambda scope: _moves(scope, "Moves to an earlier stage", stage__position__lt=F("position_before")),
    better="down",
)
_define(
    "velocity",
    "Pipeline velocity per day",
    "money_per_day",
    "open opportunities × win rate × average deal size ÷ cycle days",
    "Revenue the pipeline yields per day. Open deals at the end of the period; the other three factors from the deals "
    "closed in it. Stale open deals inflate it. How a deal stood is taken from its history.",
    _velocity,
    version=3,
    combine=_per_day,
    arithmetic="{open} × ({won} ÷ {closed}) × {size} ÷ {cycle}",
    weekly="each",
)
