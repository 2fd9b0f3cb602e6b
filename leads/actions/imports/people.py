"""Take over people whom another system of record had first: known and scored here, owned by whom they have there.

Unlike people who come in through a form they are not assigned and nobody is promised a follow-up: somebody looks after
them already. The touch that says since when they are known was made by our own staff and earns neither points nor
credit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from leads.actions.capture.capture import Captured, CaptureRefused, capture_batch
from leads.actions.lead_changes import LeadChanges
from leads.actions.scoring.score_lead import score_leads
from leads.models import Assignment, Lead, LeadEvent, TouchKind, User
from leads.pure.capture.captured import CapturedEvent, CapturedItem


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFact:
    """A person as the other system holds them. ``key`` is its id of them, unique beside those of all other systems;
    ``email`` is normalized, "" for none. ``owner_elsewhere`` names an owner who is no user here."""

    key: str
    since: datetime
    email: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, object] = field(default_factory=dict)
    owner_id: int | None = None
    owner_elsewhere: str = ""


def take_over_people(
    *, facts: Sequence[PersonFact], source: str, label: str, at: datetime
) -> list[Lead | CaptureRefused]:
    """Take up to 1,000 people in, in one transaction; answers are in the order of the facts. Repeating it changes
    nothing. ``label`` is the system's name for people, ``source`` the one for machines.
    """

    def then(captured: Sequence[Captured | CaptureRefused], changes: LeadChanges) -> None:
        new = [
            (fact, each.lead)
            for fact, each in zip(facts, captured, strict=True)
            if isinstance(each, Captured) and each.is_new
        ]
        _own(new, label, changes)
        score_leads(leads=list({lead.pk: lead for _, lead in new}.values()), at=at, changes=changes)

    items = [_item(fact, label, at) for fact in facts]
    captured = capture_batch(items=items, source=source, at=at, needs_intake=False, keeps_submissions=False, then=then)
    return [each.lead if isinstance(each, Captured) else each for each in captured]


def _item(fact: PersonFact, label: str, at: datetime) -> CapturedItem:
    event = CapturedEvent(kind=TouchKind.CRM_RECORD, occurred_at=min(fact.since, at), name=label[:200])
    details: dict[str, Any] = dict(fact.details)
    return CapturedItem(
        event=event,
        email=fact.email,
        external_id="" if fact.email else fact.key[:120],
        attributes=fact.attributes,
        **details,
    )


def _own(new: Sequence[tuple[PersonFact, Lead]], label: str, changes: LeadChanges) -> None:
    """Give the new leads their owners, told in the log like every other change of hands."""
    users = User.objects.in_bulk({fact.owner_id for fact, _ in new if fact.owner_id})
    for fact, lead in new:
        owner = users.get(fact.owner_id or 0)
        elsewhere = "" if owner else fact.owner_elsewhere[:120]
        if owner is None and not elsewhere:
            continue
        changes.set(lead, owner=owner, owner_elsewhere=elsewhere)
        because = f"{label} names {owner or elsewhere}"[:400]
        if owner is not None:
            changes.add(Assignment(lead=lead, owner=owner, because=because, assigned_at=changes.at))
        changes.tell(lead, LeadEvent.Kind.ASSIGNED, {"owner": str(owner or elsewhere), "because": because})
