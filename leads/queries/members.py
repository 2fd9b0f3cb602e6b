"""Members of a campaign: whom it reached or who was added, and who responded. Statuses follow from touchpoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import (
    Count,
    DateTimeField,
    Exists,
    Expression,
    F,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce, Least, Lower

from leads.models import Campaign, CampaignMember, CampaignResponse, Lead, Role, TouchKind, Touchpoint, User

USUAL = (
    TouchKind.FORM_SUBMISSION,
    TouchKind.EMAIL_SIGNUP,
    TouchKind.WEBINAR_REGISTRATION,
    TouchKind.WEBINAR_ATTENDANCE,
    TouchKind.EMAIL_CLICK,
    TouchKind.EMAIL_REPLY,
    TouchKind.EVENT_VISIT,
    TouchKind.CALL,
    TouchKind.MEETING,
)
"""Kinds of touchpoint that count as a response where a campaign says nothing else."""
RESPONDED, REACHED, ADDED = "responded", "reached", "added"
STATUSES = ((RESPONDED, "Responded"), (REACHED, "Reached"), (ADDED, "Added"))
SORTS = {"lead": "surname", "since": "since", "responded": "responded"}
_AT_ONCE = 500


def may_change_members(user: User) -> bool:
    """Whether a person may say what counts as a response."""
    return user.has_role(Role.ADMIN, Role.MARKETING_DIRECTOR)


def response_kinds(campaign: Campaign) -> tuple[str, ...]:
    """The kinds of touchpoint that count as a response to the campaign."""
    own = CampaignResponse.objects.filter(campaign=campaign).first()
    return tuple(own.kinds) if own else tuple(str(kind) for kind in USUAL)


@dataclass(frozen=True, slots=True)
class Member:
    """A lead in a campaign: since when, and its first response; None for neither yet."""

    lead_id: int
    status: str
    since: datetime
    responded_at: datetime | None


class Members:
    """The members of a campaign that a person may see; the database counts them, sorts them and gives a page of them.

    Whoever has a genuine touchpoint of it was reached; one of the ``kinds`` that count makes it a response. Those are
    grouped once by lead: asked lead by lead, each moment would read the lead's touchpoints again.
    """

    def __init__(self, campaign: Campaign, user: User, kinds: Sequence[str]) -> None:
        touches = _seen(Touchpoint.objects.genuine().filter(campaign=campaign), user).order_by()
        self._touched: QuerySet[Any, Any] = touches.values("lead").annotate(
            responded=Min("occurred_at", filter=Q(kind__in=kinds))
        )
        self._rows = CampaignMember.objects.filter(campaign=campaign)
        reached = touches.filter(lead=OuterRef("lead"))
        self._added = _seen(self._rows.filter(~Exists(reached)), user).order_by()

    def counts(self) -> dict[str, int]:
        """How many have each status."""
        told = self._touched.aggregate(everybody=Count("lead"), answered=Count("responded"))
        answered = told["answered"]
        return {RESPONDED: answered, REACHED: told["everybody"] - answered, ADDED: self._added.count()}

    def ordered(self, sort: str = "", status: str = "", start: int = 0, stop: int | None = None) -> list[Member]:
        """Some or all of them by a key of `SORTS`, or with a minus in front the other way round; the newest first
        without one. Who did not respond comes last either way."""
        name, is_down = sort.removeprefix("-"), sort.startswith("-")
        if name not in SORTS:
            name, is_down = "since", True
        parts = self._parts(status, Lower("lead__last_name") if name == "lead" else Value(""))
        rows = parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]
        key = F(SORTS[name])
        rows = rows.order_by(
            key.desc(nulls_last=True) if is_down else key.asc(nulls_last=True), "-lead" if is_down else "lead"
        )
        return [_member(*row) for row in rows[start:stop]]

    def _parts(self, status: str, surname: Expression) -> list[QuerySet[Any, Any]]:
        added_at = self._rows.filter(lead=OuterRef("lead")).values("added_at")[:1]
        first = Min("occurred_at")
        touched = self._touched.annotate(
            since=Least(first, Coalesce(Subquery(added_at), first)), surname=surname
        ).values_list("lead", "since", "responded", "surname", Value(1))
        if status in (RESPONDED, REACHED):
            return [touched.filter(responded__isnull=status == REACHED)]
        nothing = Value(None, output_field=DateTimeField())
        added = self._added.annotate(since=F("added_at"), responded=nothing, surname=surname)
        other = added.values_list("lead", "since", "responded", "surname", Value(0))
        return [other] if status == ADDED else [touched, other]


def _seen(rows: QuerySet[Any, Any], user: User) -> QuerySet[Any, Any]:
    """Rows of leads that the person may see. Of all leads the few that were merged are left out: a list of all others
    has SQLite look up the touchpoints of every lead there is."""
    if user.sees_all:
        return rows.exclude(lead__in=Lead.objects.filter(merged_into__isnull=False).values("pk"))
    return rows.filter(lead__in=Lead.objects.visible_to(user))


def with_leads(found: Sequence[Member]) -> list[tuple[Member, Lead]]:
    """Each member with its lead."""
    leads: dict[int, Lead] = {}
    for start in range(0, len(found), _AT_ONCE):
        leads |= Lead.objects.in_bulk([each.lead_id for each in found[start : start + _AT_ONCE]])
    return [(each, leads[each.lead_id]) for each in found if each.lead_id in leads]


def _member(lead_id: int, since: datetime, responded: datetime | None, _surname: str, is_touched: int) -> Member:
    return Member(lead_id, RESPONDED if responded else REACHED if is_touched else ADDED, since, responded)
