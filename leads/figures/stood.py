"""Deals as they stood at a moment: one way of asking for every stock, today's and any past one's.

What a deal says of itself (its stage, its amount) is how it stands today. How it stood before is in its history,
`OpportunityChange`, by the time things happened. The deal's own row counts as one more line of that history, dated
``stage_changed_at``: where a source keeps no history, or one that does not lead to today's stage, the row still tells
how the deal has stood since then. Owners and territories have no history: a deal is always its present owner's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import (
    BigIntegerField,
    Case,
    CharField,
    DateTimeField,
    Exists,
    F,
    Field,
    FloatField,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast, Round
from django.db.models.lookups import Exact

from leads.figures import deal_history as history
from leads.figures.deal_history import Told
from leads.figures.moments import rows_at_moments
from leads.models import DealStatus, Opportunity, OpportunityChange, PipelineStage

_OPEN = DealStatus.OPEN.value
STAGE_UNKNOWN = "The history does not say in which stage it stood"


def was_open(at: datetime, *, is_today: bool = False) -> Q:
    """Deals that were open at a moment: a condition on `Opportunity` alone, fit for any query of it.

    Opened before it, not closed for good before it, and the last line of the history before it is not of a close: a
    deal that stood at lost and was reopened later was not open. Without such a line the two dates decide. A deal
    that its source deleted was open until then.

    Closed for good is the deal's own ``closed_at``, the date by which won and lost deals are counted, so that no deal
    is both won in a period and open at its end.

    ``is_today``: nothing is dated ``at`` or later, so that the deal's own row tells (`deal_history.is_latest`).
    """
    if is_today:
        is_kept = Q(deleted_at__isnull=True) | Q(deleted_at__gte=at)
        return Q(is_kept, status=_OPEN, opened_at__lt=at)
    return Q(history.stood_open(at))


def closed_spells(deals: QuerySet[Any] | RawSQL) -> Mapping[int, list[tuple[datetime, datetime | None]]]:
    """When deals stood at a close by their history, as `was_open` reads it for one moment: (after, until) by id, for
    deals that ever did. ``deals`` are ids."""
    lines = OpportunityChange.objects.filter(
        opportunity__in=OpportunityChange.objects.filter(opportunity__in=deals)
        .exclude(status=_OPEN)
        .values("opportunity")
    )
    told: defaultdict[int, list[tuple[datetime, bool]]] = defaultdict(list)
    fields = ("opportunity", "changed_at", "status", "opportunity__stage_changed_at")
    own: dict[int, tuple[datetime, bool]] = {}
    for deal, at, status, row_at in lines.order_by("changed_at", "pk").values_list(*fields):
        told[deal].append((at, status != _OPEN))
        own[deal] = (row_at, False)
    spells: defaultdict[int, list[tuple[datetime, datetime | None]]] = defaultdict(list)
    for deal, known in told.items():
        # Where the row overrules the history its two dates decide; at the same moment the history's line counts.
        states = sorted([own[deal], *known], key=lambda state: state[0])
        for place, (at, is_closed) in enumerate(states):
            if is_closed:
                spells[deal].append((at, states[place + 1][0] if place + 1 < len(states) else None))
    return spells


def as_stood(rows: QuerySet[Opportunity], *, at: datetime, currency: str, is_today: bool = False) -> QuerySet[Any]:
    """Adds how each deal stood at a moment.

    - ``stood_stage``, ``stood_stage_name``, ``stood_position``, ``stood_probability``: its stage then; None where the
      history begins later, or where it stood in no open stage.
    - ``stood_cents``: its amount then in the company's ``currency``. The deal's own ``reporting_cents``, unless the
      history shows another amount after the moment than before it; then the amount of before at the deal's own rate,
      so that what moves a stock is the amount and never the rate. None where there is no amount, or where it was in
      another currency than today's, for which the deal has no rate.
    - ``stood_amount_cents``, ``stood_currency``: the same in the currency of the deal then.

    A line without an amount does not say that there was none: many sources keep the stages and not the amounts.

    Subqueries for each deal and no join: only the few deals that were open are looked up, by an index, while a join
    has PostgreSQL read the whole history. ``is_today``: nothing is dated ``at`` or later, and the row is read.
    """
    weighted: QuerySet[Any] = as_weighted(rows, at=at, currency=currency, is_today=is_today)
    found: QuerySet[Any]
    if is_today:
        found = weighted.annotate(
            stood_stage=F("stage_id"),
            stood_stage_name=F("stage__name"),
            stood_position=F("stage__position"),
            stood_amount_cents=F("amount_cents"),
            stood_currency=F("currency"),
        )
        return found
    found = weighted.annotate(
        stood_stage=_stage("id", "stage_id", at, BigIntegerField()),
        stood_stage_name=_stage("name", "stage__name", at, CharField()),
        stood_position=_stage("position", "stage__position", at, IntegerField()),
        stood_amount_cents=Told(history.AMOUNT, at=at, output_field=BigIntegerField()),
        stood_currency=Told(history.CURRENCY, at=at, output_field=CharField()),
    )
    return found


def as_weighted(rows: QuerySet[Opportunity], *, at: datetime, currency: str, is_today: bool = False) -> QuerySet[Any]:
    """`as_stood` of ``stood_cents`` and ``stood_probability`` alone."""
    own = "stage__probability"
    found: QuerySet[Any] = as_valued(rows, at=at, currency=currency, is_today=is_today).annotate(
        stood_probability=F(own) if is_today else _stage("probability", own, at, FloatField())
    )
    return found


def as_valued(rows: QuerySet[Opportunity], *, at: datetime, currency: str, is_today: bool = False) -> QuerySet[Any]:
    """`as_stood` of ``stood_cents`` alone, which is what a sum needs."""
    then = Told(history.CENTS, at=at, output_field=BigIntegerField(), company=currency)
    found: QuerySet[Any] = rows.annotate(stood_cents=F("reporting_cents") if is_today else then)
    return found


_AT_ONCE = 50
"""So many moments are asked for in one statement; databases limit its length."""


def amounts_moved(
    deals: QuerySet[Opportunity], *, moments: Sequence[datetime], currency: str
) -> dict[tuple[datetime, int], int | None]:
    """``stood_cents`` of deals that were worth something else at a moment than today, by moment and id.

    One query for fifty moments, of the few deals alone whose history goes on after the moment.
    """

    def asked(at: datetime) -> QuerySet[Any, Any]:
        later = OpportunityChange.objects.filter(
            opportunity=OuterRef("pk"), changed_at__gte=at, amount_cents__isnull=False
        )
        rows = as_valued(deals.order_by().filter(Exists(later)), at=at, currency=currency)
        return rows.values_list("pk", "stood_cents", "reporting_cents")

    found: dict[tuple[datetime, int], int | None] = {}
    for start in range(0, len(moments), _AT_ONCE):
        for at, (deal, then, today) in rows_at_moments(asked, moments[start : start + _AT_ONCE]):
            if then != today:
                found[at, deal] = then
    return found


def as_moved(lines: QuerySet[OpportunityChange], *, currency: str) -> QuerySet[Any]:
    """Adds ``moved_cents`` to lines of the history: what the deal was worth then, by the rules of `as_stood`."""
    told = OpportunityChange.objects.filter(
        Q(changed_at__lt=OuterRef("changed_at")) | Q(changed_at=OuterRef("changed_at"), pk__lte=OuterRef("pk")),
        opportunity=OuterRef("opportunity"),
        amount_cents__isnull=False,
    )
    later = Q(changed_at__gt=OuterRef("changed_at")) | Q(changed_at=OuterRef("changed_at"), pk__gt=OuterRef("pk"))
    lines_later = OpportunityChange.objects.filter(
        later, opportunity=OuterRef("opportunity"), amount_cents__isnull=False
    )
    other = lines_later.exclude(amount_cents=OuterRef("amount_cents"), currency=OuterRef("currency"))
    cents = _cents(other, currency, of="opportunity__")
    found: QuerySet[Any] = lines.annotate(
        moved_cents=Case(
            When(Q(Exists(told)), then=Subquery(_newest(told).values(cents=cents)[:1])),
            default=F("opportunity__reporting_cents"),
            output_field=BigIntegerField(),
        )
    )
    return found


def _cents(other: QuerySet[OpportunityChange], currency: str, *, of: str = "") -> Case:
    """What a line's deal was worth then, where ``other`` are the lines after the moment that tell another amount. The
    deal is the outer query's row, or at the end of the path ``of`` from it."""
    own, reporting = OuterRef(f"{of}amount_cents"), OuterRef(f"{of}reporting_cents")
    rate = Cast(reporting, FloatField()) / Cast(own, FloatField())
    at_own_rate = Round(Cast("amount_cents", FloatField()) * rate, output_field=FloatField())
    return Case(
        When(~Q(Exists(other)), then=reporting),
        When(currency=currency, then=F("amount_cents")),
        When(
            ~Q(Exact(own, Value(0))) & Q(currency=OuterRef(f"{of}currency")), then=Cast(at_own_rate, BigIntegerField())
        ),
        output_field=BigIntegerField(),
    )


def in_stage_since(rows: QuerySet[Any], *, at: datetime) -> QuerySet[Any]:
    """Adds ``stood_since`` to rows of `as_stood`: when the deal entered the stage it stood in, whatever became of its
    amount there. None where the stage is not known."""
    since = Told(history.SINCE, "stood_stage", at=at, output_field=DateTimeField())
    found: QuerySet[Any] = rows.annotate(stood_since=since)
    return found


def stalled(rows: QuerySet[Any], *, at: datetime) -> QuerySet[Any]:
    """Of rows of `as_stood`, those that had stood in their stage for longer than it allows, with ``stood_since``."""
    # One condition per stage: multiplying days by a column reads differently on every database.
    allowed = PipelineStage.objects.filter(status=_OPEN).values_list("pk", "stalled_after_days")
    late = [Q(stood_stage=stage, stood_since__lt=at - timedelta(days=days)) for stage, days in allowed]
    return in_stage_since(rows, at=at).filter(reduce(or_, late, Q(pk__in=[])))


def _newest(lines: QuerySet[OpportunityChange]) -> QuerySet[OpportunityChange]:
    return lines.order_by("-changed_at", "-pk")


def _stage(column: str, own: str, at: datetime, kind: Field[Any, Any]) -> Told:
    return Told(history.of_stage(column), own, at=at, output_field=kind)
