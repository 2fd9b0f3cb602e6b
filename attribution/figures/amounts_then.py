"""Credits of open deals at the amounts that the deals had then.

A run divides a deal's amount of today. Where the deal had another one at the moment asked about, that is divided by the
same shares instead, to the cent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import Case, Count, F, Q, QuerySet, Sum, Value, When

from attribution.figures import rows
from attribution.models import Credit
from attribution.pure.credits.credits import allocate_again
from attribution.queries.columns import listed, looked_up
from leads.figures import selection, stood
from leads.figures.base import Scope
from leads.models import DealStatus, Opportunity

Shares = Mapping[int, Mapping[int, int | None]]
"""Cents by deal and touch; under the touch _DEAL the deal's whole amount, None where it is unknown."""
_DEAL = 0

PRICED = Q(deal_cents__isnull=False)
SUMS = {
    "known_cents": Sum("earned_cents", filter=PRICED, default=0),
    "priced": Count("pk", filter=PRICED),
    "unpriced": Count("pk", filter=~PRICED),
}
"""Of grouped `standing_credits`: what those with an amount come to, how many they are, and how many lack theirs."""


def standing_credits(scope: Scope) -> QuerySet[Any]:
    """`rows.open_credits` with ``deal_cents``, what the deal was worth then, and ``earned_cents``, the touch's part."""
    return _at_amounts_then(rows.open_credits(scope), scope, rows.open_deals(scope))


def won_and_standing_credits(scope: Scope) -> QuerySet[Any]:
    """The same with `rows.won_credits`, those at what their deals were won for."""
    deals = rows.open_deals(scope)
    if scope.basis == "realised":
        # Won after the period by touches of it: counted as won.
        deals = deals.exclude(status=DealStatus.WON)
    return _at_amounts_then(rows.won_credits(scope) | rows.open_credits(scope), scope, deals)


def _at_amounts_then(credits: QuerySet[Credit], scope: Scope, deals: QuerySet[Opportunity]) -> QuerySet[Any]:
    at = selection.moment(scope)
    return _valued(credits, shares_then(scope, deals, [at]).get(at, {}) if at < scope.at else {})


def shares_then(scope: Scope, deals: QuerySet[Opportunity], moments: Sequence[datetime]) -> Mapping[datetime, Shares]:
    """What touches got of deals that were worth something else at these moments, under the scope's method; two queries
    for up to fifty moments."""
    amounts = stood.amounts_moved(deals, moments=moments, currency=scope.currency)
    weights = _weights(scope, {deal for _, deal in amounts})
    found: defaultdict[datetime, dict[int, Mapping[int, int | None]]] = defaultdict(dict)
    if not amounts:
        return found
    touched = [weights.get(deal, []) for _, deal in amounts]
    split = [(cents or 0, len(touches)) for cents, touches in zip(amounts.values(), touched, strict=True) if touches]
    given = iter(
        allocate_again(
            np.array([weight for touches in touched for _, weight in touches], dtype=np.float64),
            np.array([cents for cents, _ in split], dtype=np.int64),
            np.array([length for _, length in split], dtype=np.int64),
        ).tolist()
    )
    for ((at, deal), cents), touches in zip(amounts.items(), touched, strict=True):
        found[at][deal] = {_DEAL: cents, **{touch: next(given) for touch, _ in touches}}
    return found


def sum_of(given: Mapping[int, int | None], touches: Collection[int]) -> int | None:
    """What these touches got of a deal; None where its amount was unknown."""
    return None if given[_DEAL] is None else sum(given[touch] or 0 for touch in touches)


def _weights(scope: Scope, deals: Collection[int]) -> Mapping[int, list[tuple[int, float]]]:
    found: defaultdict[int, list[tuple[int, float]]] = defaultdict(list)
    if deals:
        credits = rows.touch_credits(scope).by_method(scope.method).filter(opportunity__in=listed(sorted(deals)))
        ordered = credits.order_by("opportunity", "touched_at", "touchpoint")
        for deal, touch, weight in ordered.values_list("opportunity", "touchpoint", "weight"):
            found[deal].append((touch, weight))
    return found


def _valued(credits: QuerySet[Credit], shares: Shares) -> QuerySet[Any]:
    if not shares:
        return credits.annotate(deal_cents=F("opportunity__reporting_cents"), earned_cents=F("cents"))
    moved = Q(opportunity__in=listed(sorted(shares)))
    return credits.annotate(
        deal_cents=Case(
            When(moved, then=looked_up(shares, "opportunity_id", Value(str(_DEAL)))),
            default=F("opportunity__reporting_cents"),
        ),
        earned_cents=Case(When(moved, then=looked_up(shares, "opportunity_id", "touchpoint_id")), default=F("cents")),
    )
