"""Members of a campaign: whom it reached or who was added, and who responded. Statuses follow from touchpoints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Min, Q

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
SORTS = ("lead", "since", "responded")
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


def members(campaign: Campaign, user: User, kinds: Sequence[str]) -> list[Member]:
    """The members of a campaign that the person may see, by lead. Two queries, however many they are.

    Whoever has a genuine touchpoint of it was reached; one of the ``kinds`` that count makes it a response. Grouped
    once by lead: asked lead by lead, each of three moments would read the lead's touchpoints again.
    """
    answered = Min("occurred_at", filter=Q(kind__in=kinds))
    visible = Lead.objects.visible_to(user)
    touches = Touchpoint.objects.genuine().filter(campaign=campaign, lead__in=visible).order_by()
    reached = {
        lead_id: (first, answer)
        for lead_id, first, answer in touches.values_list("lead").annotate(first=Min("occurred_at"), answer=answered)
    }
    rows = CampaignMember.objects.filter(campaign=campaign, lead__in=visible)
    added = dict(rows.values_list("lead", "added_at"))
    found = []
    for lead_id in sorted(reached.keys() | added.keys()):
        first, answer = reached.get(lead_id, (None, None))
        since = min(moment for moment in (first, added.get(lead_id)) if moment is not None)
        status = RESPONDED if answer else REACHED if first else ADDED
        found.append(Member(lead_id, status, since, answer))
    return found


def ordered(found: Sequence[Member], sort: str) -> list[Member]:
    """Members by a key of `SORTS`, or with a minus in front the other way round; the newest first without one."""
    name, is_down = sort.removeprefix("-"), sort.startswith("-")
    if name not in SORTS:
        name, is_down = "since", True
    if name == "lead":
        ids = [each.lead_id for each in found]
        names: dict[int, str] = {}
        for start in range(0, len(ids), _AT_ONCE):
            rows = Lead.objects.filter(pk__in=ids[start : start + _AT_ONCE]).values_list("pk", "last_name")
            names |= {pk: last_name.casefold() for pk, last_name in rows}
        return sorted(found, key=lambda each: (names.get(each.lead_id, ""), each.lead_id), reverse=is_down)
    if name == "since":
        return sorted(found, key=lambda each: (each.since, each.lead_id), reverse=is_down)
    responded = [each for each in found if each.responded_at]
    responded.sort(key=lambda each: (each.responded_at, each.lead_id), reverse=is_down)
    # Who did not respond comes last either way.
    return [*responded, *(each for each in found if not each.responded_at)]


def with_leads(found: Sequence[Member]) -> list[tuple[Member, Lead]]:
    """Each member with its lead."""
    leads: dict[int, Lead] = {}
    for start in range(0, len(found), _AT_ONCE):
        leads |= Lead.objects.in_bulk([each.lead_id for each in found[start : start + _AT_ONCE]])
    return [(each, leads[each.lead_id]) for each in found if each.lead_id in leads]


def counts(found: Iterable[Member]) -> dict[str, int]:
    """How many members have each status."""
    return {key: 0 for key, _ in STATUSES} | Counter(each.status for each in found)
