"""Why the contacts of a lead are one person's: which rule joined each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from leads.models import Lead, LeadMerge, Submission, TouchKind, Touchpoint
from leads.pure.spelling.identity import InvalidEmail, normalize_email

_FROM_CRM = frozenset({TouchKind.CRM_RECORD, TouchKind.LIST_MEMBERSHIP})
_BY_PEOPLE = frozenset({TouchKind.PORTAL_RECORD})


@dataclass(frozen=True, slots=True)
class Joined:
    """A contact and the rule that made it this lead's; ``merge`` where it came with another lead."""

    at: datetime
    what: str
    rule: str
    merge: LeadMerge | None = None


def merges_of(lead: Lead) -> list[LeadMerge]:
    """The merges into the lead that stand, those into leads merged into it among them; the newest first."""
    found: list[LeadMerge] = []
    survivors = [lead.pk]
    while survivors:
        rows = LeadMerge.objects.filter(survivor__in=survivors, undone_at__isnull=True).select_related("loser", "by")
        level = list(rows.order_by("-merged_at", "-pk"))
        found += level
        survivors = [each.loser_id for each in level]
    return found


def joined_touches(lead: Lead, touches: Sequence[Touchpoint], merges: Sequence[LeadMerge]) -> list[Joined]:
    """Each touchpoint with its rule."""
    # The first merge that moved a touch says whose it was; later ones only took it along.
    moved = {pk: merge for merge in merges for pk in merge.moved.get("touches", ())}
    return [
        Joined(
            touch.occurred_at, touch.name or touch.get_kind_display(), _rule(lead, touch, moved), moved.get(touch.pk)
        )
        for touch in touches
    ]


def _rule(lead: Lead, touch: Touchpoint, moved: Mapping[int, LeadMerge]) -> str:
    if merge := moved.get(touch.pk):
        return f"Merged: it was {called(merge)}'s"
    if touch.kind == TouchKind.PAGE_VIEW and touch.visitor_id:
        return "Same browser as a form they sent"
    if touch.kind in _FROM_CRM:
        return "The CRM's record of this person"
    if touch.kind in _BY_PEOPLE:
        return "Added by a person in the portal"
    return f"Same {known_by(lead)}"


def joined_submissions(lead: Lead, submissions: Sequence[Submission]) -> list[Joined]:
    """Each submission with what of it led to the lead."""
    return [Joined(each.received_at, each.source, _why(lead, each)) for each in submissions]


def _why(lead: Lead, submission: Submission) -> str:
    payload = submission.payload if isinstance(submission.payload, dict) else {}
    given, external = str(payload.get("email") or ""), str(payload.get("external_id") or "")
    try:
        email = normalize_email(given) if given else ""
    except InvalidEmail:
        email = ""
    if email and email == lead.email:
        return f"Same email address: {email}"
    if external and external == lead.external_id:
        return f"Same external ID: {external}"
    if email or external:
        return f"Sent as {email or external}, which leads to this lead"
    return "Sent by a form that knew the person"


def known_by(lead: Lead) -> str:
    """What the lead is known by, in words."""
    return "email address" if lead.email else "external ID"


def called(merge: LeadMerge) -> str:
    """The lead that was merged, by what it had before."""
    return str(merge.lost.get("email") or merge.lost.get("external_id") or merge.loser.display_name)
