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
from django.db.models.functions import Cast, Coalesce, Round
from django.db.models.lookups import Exact, GreaterThanOrEqual

from leads.figures.moments import rows_at_moments
from leads.models import DealStatus, Opportunity, OpportunityChange, PipelineStage

_OPEN = DealStatus.OPEN.value
STAGE_UNKNOWN = "The history does not say in which stage it stood"


def was_open(at: datetime) -> Q:
    """Deals that were open at a moment: a condition on `Opportunity` alone, fit for any query of it.

    Opened before it, not closed for good before it, and the last line of the history before it is not of a close: a
    deal that stood at lost and was reopened later was not open. Without such a line the two dates decide. A deal
    that its source deleted was open until then.

    Closed for good is the deal's own ``closed_at``, the date by which won and lost deals are counted, so that no deal
    is both won in a period and open at its end.
    """
    dated = Q(opened_at__lt=at) & (Q(closed_at__isnull=True) | Q(closed_at__gte=at))
    dated &= Q(deleted_at__isnull=True) | Q(deleted_at__gte=at)
    # Most deals have no line of a close at all, which is found three times as fast as the newest of several lines.
    closes = OpportunityChange.objects.filter(opportunity=OuterRef("pk"), changed_at__lt=at).exclude(status=_OPEN)
    was_never_closed = ~Q(Exists(closes))
    newest = Coalesce(Subquery(_newest(_lines(at)).values("status")[:1]), Value(_OPEN))
    # First what the row alone tells of nearly all of today's open deals, which spares them the look-up.
    return dated & (_has_stood_since_before(at) | was_never_closed | Q(Exact(newest, Value(_OPEN))))


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


def as_stood(rows: QuerySet[Opportunity], *, at: datetime, currency: str) -> QuerySet[Any]:
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
    has PostgreSQL read the whole history.
    """
    newest = _newest(_lines(at))
    moved = Case(When(Exists(_others(at)), then=F("amount_cents")))
    has_later = _has_later(at)
    found: QuerySet[Any] = (
        as_valued(rows, at=at, currency=currency)
        .annotate(
            stood_stage=_stage(newest, at, "stage", BigIntegerField()),
            stood_stage_name=_stage(newest, at, "stage__name", CharField()),
            stood_position=_stage(newest, at, "stage__position", IntegerField()),
            stood_moved_cents=Case(When(has_later, then=Subquery(newest.values(moved=moved)[:1]))),
            stood_moved_currency=Subquery(newest.values("currency")[:1]),
        )
        .annotate(
            stood_amount_cents=Coalesce("stood_moved_cents", "amount_cents"),
            stood_currency=Case(
                When(stood_moved_cents__isnull=True, then=F("currency")), default=F("stood_moved_currency")
            ),
        )
    )
    return found


def as_valued(rows: QuerySet[Opportunity], *, at: datetime, currency: str) -> QuerySet[Any]:
    """`as_stood` of ``stood_cents`` and ``stood_probability`` alone, which is what a sum needs and made in half the
    time."""
    told = _lines(at)
    newest = _newest(told)
    found: QuerySet[Any] = rows.annotate(
        stood_probability=_stage(newest, at, "stage__probability", FloatField()),
        # All in one look-up: each time it is named again, a column that is computed is computed again.
        stood_cents=Case(
            When(
                _has_later(at) & Q(Exists(told)), then=Subquery(newest.values(cents=_cents(_others(at), currency))[:1])
            ),
            default=F("reporting_cents"),
            output_field=BigIntegerField(),
        ),
    )
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
    before = OpportunityChange.objects.filter(opportunity=OuterRef("pk"), changed_at__lt=at)
    stayed = before.filter(~Exists(_later(at).exclude(stage=OuterRef("stage")))).order_by("changed_at", "pk")
    is_told = Q(stood_stage__isnull=False) & Q(Exists(_lines(at)))
    since = Case(
        When(is_told, then=Subquery(stayed.values("changed_at")[:1])),
        When(stood_stage__isnull=False, then=F("stage_changed_at")),
        output_field=DateTimeField(),
    )
    found: QuerySet[Any] = rows.annotate(stood_since=since)
    return found


def stalled(rows: QuerySet[Any], *, at: datetime) -> QuerySet[Any]:
    """Of rows of `as_stood`, those that had stood in their stage for longer than it allows, with ``stood_since``."""
    # One condition per stage: multiplying days by a column reads differently on every database.
    allowed = PipelineStage.objects.filter(status=_OPEN).values_list("pk", "stalled_after_days")
    late = [Q(stood_stage=stage, stood_since__lt=at - timedelta(days=days)) for stage, days in allowed]
    return in_stage_since(rows, at=at).filter(reduce(or_, late, Q(pk__in=[])))


def _priced_later(at: datetime) -> QuerySet[OpportunityChange]:
    return OpportunityChange.objects.filter(changed_at__gte=at, amount_cents__isnull=False)


def _has_later(at: datetime) -> Q:
    """Most often nothing is told after the moment, which is the cheapest to find."""
    return Q(Exists(_priced_later(at).filter(opportunity=OuterRef("pk"))))


def _others(at: datetime) -> QuerySet[OpportunityChange]:
    """Lines of the outer line's deal after the moment that tell another amount."""
    lines = _priced_later(at).filter(opportunity=OuterRef("opportunity"))
    return lines.exclude(amount_cents=OuterRef("amount_cents"), currency=OuterRef("currency"))


def _lines(at: datetime) -> QuerySet[OpportunityChange]:
    """Of the outer deal's history before a moment, the lines that its own row does not overrule."""
    is_known_later = GreaterThanOrEqual(OuterRef("stage_changed_at"), Value(at))
    return OpportunityChange.objects.filter(
        Q(is_known_later) | Q(changed_at__gte=OuterRef("stage_changed_at")),
        opportunity=OuterRef("pk"),
        changed_at__lt=at,
    )


def _later(at: datetime) -> QuerySet[OpportunityChange]:
    """Lines of the same deal after the outer line, and before a moment."""
    later = Q(changed_at__gt=OuterRef("changed_at")) | Q(changed_at=OuterRef("changed_at"), pk__gt=OuterRef("pk"))
    return OpportunityChange.objects.filter(later, opportunity=OuterRef("opportunity"), changed_at__lt=at)


def _newest(lines: QuerySet[OpportunityChange]) -> QuerySet[OpportunityChange]:
    return lines.order_by("-changed_at", "-pk")


def _has_stood_since_before(at: datetime) -> Q:
    """Open deals that have not changed their stage since the moment: their row is how they stood."""
    return Q(status=_OPEN, stage_changed_at__lt=at)


def _stage(newest: QuerySet[OpportunityChange], at: datetime, path: str, kind: Field[Any, Any]) -> Case:
    told = Subquery(newest.values(path)[:1], output_field=kind)
    return Case(When(_has_stood_since_before(at), then=F(path)), default=told, output_field=kind)
