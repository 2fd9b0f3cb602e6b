"""A figure by owner, territory or channel: the same figure asked for each, in as few queries as their totals allow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from django.db.models import Exists, OuterRef, Q

from leads.figures.base import NO_OWNER, Definition, Figure, Scope
from leads.figures.together import figures
from leads.models import Channel, Lead, Opportunity, Territory, User

NOBODY = "Nobody"
DIMENSIONS = {"owner": "Owner", "territory": "Territory", "channel": "Channel"}


@dataclass(frozen=True, slots=True)
class Group:
    """One owner, territory or channel: its public key, its name, the scope that leads to it, and what it comes to."""

    key: str
    name: str
    scope: Scope
    figures: tuple[Figure, ...]

    @property
    def is_empty(self) -> bool:
        """Nothing counted and nothing lacking."""
        return not any(any(found.totals.values()) or found.lacking for found in self.figures)


def dimensions(meaning: Definition) -> list[tuple[str, str]]:
    """By what a figure may be grouped, as (key, name)."""
    return [(name, label) for name, label in DIMENSIONS.items() if name in meaning.filters]


def groups(keys: Sequence[str], scope: Scope, by: str) -> list[Group]:
    """These figures for every owner, territory or channel that has anything in the scope, in the order of their names.

    Owners are those of the rows as they were at the moment that is read. What the scope itself is limited to stays: of
    one owner there is one group. Channels are those at the top, each with all below it.
    """
    each = list(_scopes(scope, by))
    found = figures([(key, narrowed) for _, _, narrowed in each for key in keys])
    size = len(keys)
    made = [
        Group(key, name, narrowed, tuple(found[place * size : (place + 1) * size]))
        for place, (key, name, narrowed) in enumerate(each)
    ]
    return [group for group in made if not group.is_empty]


def _scopes(scope: Scope, by: str) -> Iterator[tuple[str, str, Scope]]:
    if by == "owner":
        for key, name in _owners(scope):
            yield key, name, replace(scope, owner=key)
    elif by == "territory":
        rows = Territory.objects.order_by("name", "pk")
        rows = rows if scope.territory is None else rows.filter(pk=scope.territory)
        for row in rows:
            yield str(row.pk), str(row), replace(scope, territory=row.pk)
    elif by == "channel":
        channels = Channel.objects.order_by("position", "pk")
        found = channels.filter(key=scope.channel) if scope.channel else channels.filter(parent__isnull=True)
        for channel in found:
            yield channel.key, channel.name, replace(scope, channel=channel.key)
    else:
        raise ValueError(f"no figure is grouped by {by!r}")


def _owners(scope: Scope) -> Iterator[tuple[str, str]]:
    if scope.owner == NO_OWNER:
        yield NO_OWNER, NOBODY
        return
    owning = Exists(Opportunity.objects.filter(owner=OuterRef("pk"))) | Exists(
        Lead.objects.filter(owner=OuterRef("pk"))
    )
    people = User.objects.filter(Q(owning)).order_by("name", "pk")
    if scope.owner:
        people = people.filter(public_id=scope.owner)
    elif scope.user and not scope.user.sees_all:
        people = people.filter(pk=scope.user.pk)
    for user in people:
        yield str(user.public_id), str(user)
    if not scope.owner and (scope.user is None or scope.user.sees_all):
        yield NO_OWNER, NOBODY
