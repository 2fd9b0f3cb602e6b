"""Who wants to be told what, and by which channel."""

from __future__ import annotations

from collections.abc import Iterable

from leads.models import ChatDestination, NotificationPreference, Role, User
from leads.models.notification import MessageChannel
from leads.pure.notifications import KINDS, Kind, kinds_for

# A message a person switched off entirely is not kept for them in the portal either.
CHANNELS = (MessageChannel.PORTAL, MessageChannel.EMAIL)


def default(kind: Kind, channel: str, user: User) -> bool:
    """What holds until somebody chooses: nothing of kinds that are not for the person's role."""
    if kind.roles and user.role not in kind.roles:
        return False
    return channel == MessageChannel.PORTAL or kind.by_email


def wanting(users: Iterable[User], *, kind: str, channel: str) -> list[User]:
    """Those of active people who want a kind by a channel, in one query."""
    people = [user for user in users if user.is_active]
    chosen = dict(
        NotificationPreference.objects.filter(
            user__in=[user.pk for user in people], kind=kind, channel=channel
        ).values_list("user_id", "is_on")
    )
    return [user for user in people if chosen.get(user.pk, default(KINDS[kind], channel, user))]


def preferences_of(user: User) -> list[tuple[Kind, dict[str, bool]]]:
    """Every kind that can reach a person, with what holds by channel."""
    chosen = {
        (row.kind, row.channel): row.is_on for row in NotificationPreference.objects.filter(user=user).order_by("pk")
    }
    return [
        (kind, {channel: chosen.get((kind.key, channel), default(kind, channel, user)) for channel in CHANNELS})
        for kind in KINDS.values()
        if kind in kinds_for(user.role) or any(key == kind.key for key, _ in chosen)
    ]


def readers() -> list[User]:
    """Active people who may open the weekly report; by default only some of their roles are told of it."""
    roles = (Role.MARKETING_DIRECTOR, Role.SALES_LEADER, Role.ADMIN)
    return list(User.objects.active().filter(role__in=roles).order_by("pk"))


def destinations_for(kind: str) -> list[ChatDestination]:
    """The chat channels that take a kind."""
    return [each for each in ChatDestination.objects.filter(is_active=True).order_by("pk") if kind in each.kinds]


def may_set_destinations(user: User) -> bool:
    """Whether a person may say where the portal posts."""
    return user.has_role(Role.ADMIN)
