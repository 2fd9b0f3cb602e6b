"""Turns owed and taken per rep of a territory: who took part in each turn, and who was passed over and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from django.db.models import QuerySet

from leads.models import Assignment, Territory, TerritoryRep, User


@dataclass(slots=True)
class Turns:
    """A rep in a territory over a period. ``owed`` adds up the rep's share of every turn they could have taken."""

    rep: User
    weight: int | None
    owed: float = 0.0
    taken: int = 0
    by_account: int = 0
    by_hand: int = 0
    passed_over: Counter[str] = field(default_factory=Counter)

    @property
    def difference(self) -> float:
        """Turns taken more than owed; a turn or two is as near as whole leads come."""
        return round(self.taken - self.owed, 1)

    @property
    def times_passed_over(self) -> int:
        """How often they could not take a lead."""
        return sum(self.passed_over.values())

    @property
    def reasons(self) -> str:
        """Why they were passed over: "away (12), at capacity (3)"."""
        return ", ".join(f"{why} ({count:,})" for why, count in self.passed_over.most_common())


@dataclass(slots=True)
class Fairness:
    """Every rep's turns, with the counts of the period. ``unlogged`` assignments are older than the log of turns."""

    rows: list[Turns]
    assignments: int = 0
    turns: int = 0
    unlogged: int = 0
    waiting: int = 0


def assignments_of(territory: Territory, since: datetime, until: datetime) -> QuerySet[Assignment]:
    """What was assigned in a territory in a period."""
    return Assignment.objects.filter(territory=territory, assigned_at__gte=since, assigned_at__lt=until)


def fairness(territory: Territory, since: datetime, until: datetime) -> Fairness:
    """Turns of a territory in a period, by rep."""
    shares = list(TerritoryRep.objects.filter(territory=territory).select_related("rep").order_by("rep__name"))
    found = {share.rep_id: Turns(share.rep, share.weight) for share in shares}
    by_name = {str(share.rep): share.rep_id for share in shares}
    result = Fairness([])
    rows = assignments_of(territory, since, until).order_by("pk")
    listed = list(rows.values_list("owner_id", "rotation", "passed_over", "by_id"))
    foreign = {owner for owner, *_ in listed if owner} - found.keys()
    found |= {user.pk: Turns(user, None) for user in User.objects.filter(pk__in=foreign).order_by("name")}
    for row in listed:
        # A list in JSON may be unknown, which its field's type does not say.
        owner, rotation, passed_over, by = cast("tuple[int | None, dict[str, int] | None, list[Any], int | None]", row)
        result.assignments += 1
        result.waiting += owner is None
        for entry in passed_over:
            rep = by_name.get(entry["rep"])
            if rep is not None:
                found[rep].passed_over[_kind(entry["why"])] += 1
        if rotation is None:
            if by is None:
                result.unlogged += 1
            elif owner:
                found[owner].by_hand += 1
            continue
        weight = sum(rotation.values())
        if owner is None:
            continue
        if not rotation:
            found[owner].by_account += 1
            continue
        result.turns += 1
        found[owner].taken += 1
        for rep_id, part in rotation.items():
            if int(rep_id) in found:
                found[int(rep_id)].owed += part / weight
    for turn in found.values():
        turn.owed = round(turn.owed, 1)
    result.rows = list(found.values())
    return result


_KINDS = (
    ("is away", "away"),
    ("is at capacity", "at capacity"),
    ("is not at work", "not at work"),
    ("is not active", "deactivated"),
    ("is deactivated", "deactivated in the CRM"),
    ("has no working hours", "no working hours"),
    ("takes no new leads", "takes no new leads"),
    ("gives their leads away", "gave their leads away"),
)


def _kind(why: str) -> str:
    """The reason without its date or numbers."""
    return next((kind for beginning, kind in _KINDS if why.startswith(beginning)), why)
