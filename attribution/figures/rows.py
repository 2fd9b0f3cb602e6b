"""Which credits and deals a scope selects."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.db.models import BooleanField, Case, Count, Exists, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from attribution.models import AttributionRules, Credit, CreditQuerySet, Milestone
from attribution.queries.past_credits import ensure_credits
from leads.figures import selection, stood
from leads.figures.base import Column, Scope
from leads.models import Company, DealStatus, Opportunity
from leads.past.span import moment

EVERY_TOUCH = "linear"
"""The method that credits every eligible touch: its credits say which touches a journey holds."""

CREDIT = (
    Column("opportunity__name", "Opportunity", link="attribution:journey", link_by="opportunity__public_id"),
    Column("opportunity__account__name", "Account"),
    Column("campaign__name", "Campaign"),
    Column("channel__name", "Channel"),
    Column("touched_at", "Touched", "time"),
    Column("opportunity__closed_at", "Closed", "date"),
    Column("opportunity__reporting_cents", "Deal amount", "money"),
    Column("weight", "Share", "share"),
    Column("cents", "Credit", "money"),
)
CREDIT_THEN = (
    *CREDIT[:6],
    Column("deal_cents", "Deal amount then", "money"),
    CREDIT[7],
    Column("earned_cents", "Credit", "money"),
)
"""Of `attribution.figures.amounts_then`."""


def _deals(scope: Scope) -> Q:
    """Deals the person may see, of the territory and owner; channel and campaign are asked of the touches."""
    wanted = selection.owned(scope)
    if scope.user and not scope.user.sees_all:
        wanted &= Q(owner=scope.user)
    if scope.territory is not None:
        wanted &= Q(territory_id=scope.territory)
    return wanted


def _won(scope: Scope, *, is_dated: bool) -> Q:
    won = Q(status=DealStatus.WON, closed_at__lte=scope.at, deleted_at__isnull=True) & _deals(scope)
    return won & selection.within(scope, "closed_at") if is_dated else won


def _open(scope: Scope) -> Q:
    return stood.was_open(selection.moment(scope)) & _deals(scope)


def _in(deals: Q) -> Q:
    """Credits for these deals.

    Not a join: SQLite would read every credit of the method and look its deal up, which takes 30 times as long as
    finding the few deals first and then their credits.
    """
    return Q(opportunity__in=Opportunity.objects.filter(deals).values("pk"))


def _touched(scope: Scope) -> Q:
    """Under the realised basis a credit belongs to the period of its touch, whenever the deal closed."""
    return selection.within(scope, "touched_at") if scope.basis == "realised" else Q()


def _touchable(scope: Scope) -> Q:
    """Deals that touches of the period may have earned credit in, and more: a touch takes part until the deal's
    milestone, and for as long before it as the look-back says."""
    named = AttributionRules.objects.values_list("milestone", flat=True).get(pk=1)
    if scope.basis != "realised" or named == Milestone.LEAD:
        return Q()
    reached = "opened_at" if named == Milestone.OPPORTUNITY else "closed_at"
    days = Company.current().look_back_days
    start, end = scope.period.start, scope.period.end
    found = Q(**{f"{reached}__gte": start})
    return found if days is None else found & Q(**{f"{reached}__lte": end + timedelta(days=days)})


def _asked(scope: Scope, deals: Q, methods: Collection[str] | None) -> None:
    """In the past, see to it that the credits of these deals are there."""
    if moment():
        ensure_credits(deals=Opportunity.objects.filter(deals), methods=methods, scope=scope.journey_scope)


def credits(scope: Scope) -> CreditQuerySet:
    """Credits of one kind of journey: the scope's, or the company's own where none is named.

    Whoever narrows them to deals has those deals' credits computed first where the past is read: see `_asked`.
    """
    if scope.journey_scope:
        return Credit.objects.of_scope(scope.journey_scope)
    # A subquery, so that asking for the company's own costs no query of its own.
    return Credit.objects.filter(scope=Subquery(AttributionRules.objects.filter(pk=1).values("scope")))


def touch_credits(scope: Scope) -> CreditQuerySet:
    """Those given to touches."""
    return credits(scope).filter(touchpoint__isnull=False)


def won_deals(scope: Scope) -> QuerySet[Opportunity]:
    """Deals won in the period."""
    return Opportunity.objects.filter(_won(scope, is_dated=True)).order_by("closed_at", "pk")


def won_credits(scope: Scope) -> QuerySet[Credit]:
    """Credits of the scope's method for won deals, by close or by touch, of its channel and campaign."""
    found = won_credits_of_all(scope, {scope.method}).by_method(scope.method)
    return found.order_by("opportunity__closed_at", "pk")


def won_credits_of_all(scope: Scope, methods: Collection[str] | None = None) -> CreditQuerySet:
    """The same of every method, for comparing them; whoever needs only some of them may say so."""
    won = _won(scope, is_dated=scope.basis == "simple")
    if moment():
        _asked(scope, won & _touchable(scope), methods)
    return touch_credits(scope).filter(_in(won), _touched(scope), selection.origin(scope))


def unattributed_credits(scope: Scope) -> QuerySet[Credit]:
    """What the method gave nobody, for deals won in the period. It has no touch, so no channel nor touch date."""
    found = unattributed_by_all(scope, {scope.method}).by_method(scope.method)
    return found.order_by("opportunity__closed_at", "pk")


def unattributed_by_all(scope: Scope, methods: Collection[str] | None = None) -> CreditQuerySet:
    """The same of every method, for comparing them."""
    won = _won(scope, is_dated=True)
    _asked(scope, won, methods)
    return credits(scope).unattributed().filter(_in(won))


def other_credits_of_all(scope: Scope, methods: Collection[str] | None = None) -> CreditQuerySet:
    """Credits for deals won in the period that the filters leave out: of other channels or campaigns, or, under the
    realised basis, of touches outside the period."""
    inside = selection.origin(scope) & _touched(scope)
    if not inside:
        return Credit.objects.none()
    won = _won(scope, is_dated=True)
    _asked(scope, won, methods)
    return touch_credits(scope).filter(_in(won)).exclude(inside)


def period_credits_of_all(scope: Scope, methods: Collection[str] | None = None) -> CreditQuerySet:
    """Credits for deals won in the period, those that no touch earned among them, whatever the filters say of touches,
    with ``is_inside``: whether these count the touch. `unattributed_by_all`, `other_credits_of_all` and, by close
    date, `won_credits_of_all` read together.
    """
    won = _won(scope, is_dated=True)
    _asked(scope, won, methods)
    inside = selection.origin(scope) & _touched(scope)
    counted = Case(When(inside, then=True), default=False, output_field=BooleanField()) if inside else Value(True)
    return credits(scope).filter(_in(won)).annotate(is_inside=counted)


def beyond_credits_of_all(scope: Scope, methods: Collection[str] | None = None) -> CreditQuerySet:
    """Credits that the realised basis counts although their deal was won outside the period."""
    if scope.basis == "simple":
        return Credit.objects.none()
    return won_credits_of_all(scope, methods).exclude(selection.within(scope, "opportunity__closed_at"))


def open_credits(scope: Scope) -> QuerySet[Credit]:
    """Credits for deals open at the end of the period, or now while it lasts."""
    still_open = _open(scope)
    _asked(scope, still_open, {scope.method})
    rows = touch_credits(scope).filter(_in(still_open), selection.origin(scope))
    return rows.by_method(scope.method).filter(_touched(scope)).order_by("opportunity__opened_at", "pk")


def credits_open_during(scope: Scope) -> QuerySet[Credit]:
    """Credits for deals that were open at any moment of the period, lost and won since among them."""
    during = Q(closed_at__isnull=True) | Q(closed_at__gte=scope.period.start)
    during &= Q(opened_at__lt=scope.period.end) & _deals(scope)
    during &= Q(deleted_at__isnull=True) | Q(deleted_at__gte=scope.period.start)
    _asked(scope, during, {scope.method})
    rows = touch_credits(scope).filter(_in(during), selection.origin(scope), _touched(scope))
    return rows.by_method(scope.method)


def open_deals(scope: Scope) -> QuerySet[Opportunity]:
    """Deals open at the end of the period, or now while it lasts."""
    return Opportunity.objects.filter(_open(scope)).order_by("opened_at", "pk")


def influenced_deals(scope: Scope) -> QuerySet[Opportunity]:
    """Won deals of the period and deals open at its end, with an eligible touch of the channel and campaign."""
    touches = touch_credits(scope).filter(selection.origin(scope), _touched(scope))
    touches = touches.by_method(EVERY_TOUCH).filter(opportunity=OuterRef("pk"))
    won, still_open = _won(scope, is_dated=scope.basis == "simple"), _open(scope)
    if moment():
        _asked(scope, (won & _touchable(scope)) | still_open, {EVERY_TOUCH})
    deals = won | still_open
    return Opportunity.objects.filter(deals, Exists(touches)).order_by("opened_at", "pk")


def influenced_with_campaigns(scope: Scope) -> QuerySet[Any]:
    """The same with `campaigns`: how many distinct ones the deal's eligible touches came through, the scope's own and
    all others."""
    met = touch_credits(scope).by_method(EVERY_TOUCH).filter(opportunity=OuterRef("pk")).order_by()
    number = met.values("opportunity").annotate(number=Count("campaign", distinct=True)).values("number")
    return influenced_deals(scope).annotate(campaigns=Coalesce(Subquery(number), 0))


def with_journey(scope: Scope, deals: QuerySet[Opportunity]) -> QuerySet[Opportunity]:
    """Those with at least one eligible touch, whatever the method."""
    ensure_credits(deals=deals, methods={EVERY_TOUCH}, scope=scope.journey_scope)
    touches = touch_credits(scope).filter(opportunity=OuterRef("pk"))
    return deals.filter(Exists(touches.by_method(EVERY_TOUCH)))


def deal_credits(deal: Opportunity, scope: str, methods: Collection[str] | None = None) -> CreditQuerySet:
    """All credits of one deal under a scope, of these methods or of all."""
    ensure_credits(deals=Opportunity.objects.filter(pk=deal.pk), methods=methods, scope=scope)
    found = Credit.objects.of_scope(scope).filter(opportunity=deal)
    return found if methods is None else found.filter(method__in=methods)
