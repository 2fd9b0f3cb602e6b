"""Import people: capture takes them in, then they get a score and, where the file says so, a stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.db import transaction
from django.db.models import Max, Q, prefetch_related_objects

from leads.actions.capture.capture import Captured, CaptureRefused, capture_batch
from leads.actions.lead_changes import LeadChanges
from leads.actions.scoring.score_lead import score_leads
from leads.models import Assignment, LeadEvent, ShownScore, Stage, TouchKind, Touchpoint
from leads.pure import lifecycle
from leads.pure.capture.captured import CapturedEvent, CapturedItem, Utm
from leads.pure.imports.cells import RowRefused
from leads.pure.imports.records import LeadRecord
from leads.queries.imports import users_named

Outcome = Literal["created", "updated", "unchanged"] | RowRefused


@dataclass(frozen=True, slots=True)
class LeadOptions:
    """``stage``: where these people stand since their first contact ("": as capture decides), unless a row says so
    itself. ``needs_intake``: hand them to reps as if they came in now; without it they are only scored."""

    source: str
    stage: str = ""
    needs_intake: bool = False


def import_leads(*, records: Sequence[LeadRecord], options: LeadOptions, at: datetime) -> list[Outcome]:
    """Take up to 1,000 people in, in one transaction; outcomes are in the order of the records.

    Repeating it changes nothing. A record without a date happened at its earlier import, else now. An owner is only
    given to those who have none: sales may have moved the lead since the file was written.
    """
    moved: frozenset[int] = frozenset()

    def then(captured: Sequence[Captured | CaptureRefused], changes: LeadChanges) -> None:
        nonlocal moved
        taken = [(record, each) for record, each in zip(records, captured, strict=True) if isinstance(each, Captured)]
        _advance(taken, options, changes)
        moved = _give_owners(taken, options, changes) | _unsubscribe(taken, changes)
        if not options.needs_intake:
            news = {each.lead.pk: each.lead for _, each in taken if _outcome(each) != "unchanged"}
            prefetch_related_objects(list(news.values()), "account", "channel")
            score_leads(leads=list(news.values()), at=at, changes=changes)

    with transaction.atomic(savepoint=False):
        known = _imported_at(records)
        captured = capture_batch(
            items=[_item(record, known, at) for record in records],
            source=options.source,
            at=at,
            needs_intake=options.needs_intake,
            keeps_submissions=False,
            then=then,
        )
    return [_outcome(each, moved) for each in captured]


def _outcome(each: Captured | CaptureRefused, moved: frozenset[int] = frozenset()) -> Outcome:
    if isinstance(each, CaptureRefused):
        return RowRefused(each.pointer.strip("/"), each.detail)
    if each.is_new:
        return "created"
    return "updated" if each.is_changed or not each.is_repeat or each.lead.pk in moved else "unchanged"


def _imported_at(records: Sequence[LeadRecord]) -> dict[str, datetime]:
    """When people whose record bears no date were imported before, by email and external id.

    Without this, importing the same file tomorrow would look like another contact.
    """
    undated = [record for record in records if record.occurred_at is None]
    if not undated:
        return {}
    who = Q(lead__email__in=[record.email for record in undated if record.email])
    who |= Q(lead__external_id__in=[record.external_id for record in undated if record.external_id])
    rows = Touchpoint.objects.filter(who, kind=TouchKind.IMPORT)
    found: dict[str, datetime] = {}
    for email, external_id, moment in rows.values_list("lead__email", "lead__external_id").annotate(
        newest=Max("occurred_at")
    ):
        found |= {f"email:{email}": moment, f"external:{external_id}": moment}
    return found


def _item(record: LeadRecord, known: dict[str, datetime], at: datetime) -> CapturedItem:
    earlier = known.get(f"email:{record.email}") or known.get(f"external:{record.external_id}")
    event = CapturedEvent(
        kind=TouchKind.IMPORT,
        occurred_at=record.occurred_at or earlier or at,
        utm=Utm(campaign=record.campaign),
        landing_page=record.landing_page,
        channel=record.channel,
    )
    details: dict[str, Any] = dict(record.details)
    return CapturedItem(
        event=event,
        email=record.email,
        external_id=record.external_id,
        attributes=record.attributes,
        consent=record.consent,
        **details,
    )


def _advance(taken: Sequence[tuple[LeadRecord, Captured]], options: LeadOptions, changes: LeadChanges) -> None:
    """Bring those who stand below the stage up to it, at the date of their contact."""
    for record, each in taken:
        lead, target = each.lead, record.stage or options.stage
        if not target or target == lead.stage:
            continue
        # Only from below: who was sent back or ruled out since must not return because an old file is read again.
        if lead.stage not in (Stage.SUBSCRIBER, Stage.LEAD) or not lifecycle.is_allowed(lead.stage, target):
            continue
        because = f"{options.source} says {Stage(target).label}"[:300]
        moment = min(max(each.touchpoint.occurred_at, lead.captured_at), changes.at)
        changes.pass_stage(lead, target, because, passed_at=moment)


def _give_owners(
    taken: Sequence[tuple[LeadRecord, Captured]], options: LeadOptions, changes: LeadChanges
) -> frozenset[int]:
    """Give the owner that a row names to a lead without one; returns whose owner that changed."""
    owners = users_named({record.owner for record, _ in taken})
    given: set[int] = set()
    for record, each in taken:
        lead, owner = each.lead, owners.get(record.owner)
        if owner is None or not owner.is_active or lead.owner_id is not None:
            continue
        given.add(lead.pk)
        because = f"{options.source} names {owner}"[:400]
        changes.set(lead, owner=owner, changed_at=changes.at)
        changes.add(Assignment(lead=lead, owner=owner, because=because, assigned_at=changes.at))
        details = {"territory": "", "owner": str(owner), "because": because}
        changes.tell(lead, LeadEvent.Kind.ASSIGNED, details)
    return frozenset(given)


def _unsubscribe(taken: Sequence[tuple[LeadRecord, Captured]], changes: LeadChanges) -> frozenset[int]:
    """Mark whom the file knows as unsubscribed; a "no" takes nobody's wish back."""
    leads = [each.lead for record, each in taken if record.is_unsubscribed and not each.lead.is_unsubscribed]
    for lead in leads:
        changes.set(lead, is_unsubscribed=True, changed_at=changes.at)
    ShownScore.objects.filter(lead__in=changes.known(leads)).outdate()
    return frozenset(lead.pk for lead in leads)
