"""What a scope selects of each kind of row: visibility, territory, owner, channel, campaign."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeVar

from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from leads.figures.base import NO_CAMPAIGN, NO_OWNER, Scope
from leads.models import (
    Campaign,
    Channel,
    FollowUp,
    Lead,
    LifecyclePassage,
    Opportunity,
    OpportunityContact,
    Touchpoint,
    User,
)

Rows = TypeVar("Rows", bound=Model)

BY_LEAD = frozenset({"channel", "campaign", "territory", "owner"})


def origin(scope: Scope, prefix: str = "") -> Q:
    """Channel and campaign, each with all below it, at the end of a path such as ``lead__``."""
    wanted = Q()
    if scope.channel:
        wanted &= Q(**{f"{prefix}channel__in": Channel.objects.below(scope.channel).values("pk")})
    if scope.campaign == NO_CAMPAIGN:
        wanted &= Q(**{f"{prefix}campaign__isnull": True})
    elif scope.campaign:
        wanted &= Q(**{f"{prefix}campaign__in": Campaign.objects.below(scope.campaign).values("pk")})
    return wanted


def owned(scope: Scope, prefix: str = "") -> Q:
    """Rows whose owner, at the end of a path such as ``lead__``, is the scope's."""
    if not scope.owner:
        return Q()
    if scope.owner == NO_OWNER:
        return Q(**{f"{prefix}owner__isnull": True})
    return Q(**{f"{prefix}owner__in": User.objects.filter(public_id=scope.owner).values("pk")})


def of_lead(scope: Scope, prefix: str = "lead__") -> Q:
    """Leads that the person may see, of the territory and owner, first touched through the channel and campaign."""
    wanted = origin(scope, prefix) & owned(scope, prefix)
    if scope.user and not scope.user.sees_all:
        wanted &= Q(**{f"{prefix}owner": scope.user})
    if scope.territory is not None:
        wanted &= Q(**{f"{prefix}territory_id": scope.territory})
    return wanted


def leads(scope: Scope) -> QuerySet[Lead]:
    """Leads of the scope that were not merged into another, of any time."""
    return Lead.objects.live().filter(of_lead(scope, ""))


def passages(scope: Scope) -> QuerySet[LifecyclePassage]:
    """Lifecycle passages of the scope's leads, known at the scope's moment."""
    return LifecyclePassage.objects.filter(of_lead(scope), lead__merged_into__isnull=True, passed_at__lte=scope.at)


def follow_ups(scope: Scope) -> QuerySet[FollowUp]:
    """Follow-ups of the scope's leads; for a rep or an owner, those they promised themselves."""
    wanted = origin(scope, "lead__") & owned(scope)
    if scope.user and not scope.user.sees_all:
        wanted &= Q(owner=scope.user)
    if scope.territory is not None:
        wanted &= Q(lead__territory_id=scope.territory)
    return FollowUp.objects.filter(wanted, lead__merged_into__isnull=True)


def touches(scope: Scope) -> QuerySet[Touchpoint]:
    """Touches of the scope by their own channel and campaign, excluded ones among them."""
    wanted = origin(scope) & owned(scope, "lead__")
    if scope.user and not scope.user.sees_all:
        wanted &= Q(lead__owner=scope.user)
    if scope.territory is not None:
        wanted &= Q(lead__territory_id=scope.territory)
    return Touchpoint.objects.filter(wanted)


def deals(scope: Scope, *, by_origin: bool = True) -> QuerySet[Opportunity]:
    """Opportunities the person may see, of the territory and owner, and with a contact first touched through the
    channel and campaign; those that their source deleted are not among them."""
    return with_deleted(scope, by_origin=by_origin).filter(deleted_at__isnull=True)


def with_deleted(scope: Scope, *, by_origin: bool = True) -> QuerySet[Opportunity]:
    """The same with the deleted ones."""
    rows = Opportunity.objects.filter(owned(scope))
    if scope.user:
        rows = rows.visible_to(scope.user)
    if scope.territory is not None:
        rows = rows.filter(territory_id=scope.territory)
    if by_origin and (scope.channel or scope.campaign):
        contacts = OpportunityContact.objects.filter(origin(scope, "lead__"), opportunity=OuterRef("pk"))
        rows = rows.filter(Exists(contacts))
    return rows


def moment(scope: Scope) -> datetime:
    """When a stock is counted: at the end of the period, or now while it lasts."""
    return min(scope.period.end, scope.at).astimezone(UTC)


def within(scope: Scope, path: str) -> Q:
    """Rows dated in the period."""
    return Q(**{f"{path}__gte": scope.period.start, f"{path}__lt": scope.period.end})
