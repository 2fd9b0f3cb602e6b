"""Import people: capture takes them in, then they get a score and, where the file says so, a stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.db import transaction
from django.db.models import Max, Q

from leads.actions.capture.capture import Captured, CaptureRefused, capture_batch
from leads.actions.pass_stage import passages_of
from leads.actions.scoring.score_lead import score_leads
from leads.models import Lead, LeadEvent, LifecyclePassage, Stage, TouchKind, Touchpoint
from leads.pure import lifecycle
from leads.pure.capture.captured import CapturedEvent, CapturedItem, Utm
from leads.pure.imports.rows import LeadRecord, RowRefused

Outcome = Literal["created", "updated", "unchanged"] | RowRefused


@dataclass(frozen=True, slots=True)
class LeadOptions:
    """``stage``: where these people stand since their first contact ("": as capture decides). ``needs_intake``: hand
    them to reps as if they came in now; without it they are only scored."""

    source: str
    stage: str = ""
    needs_intake: bool = False


def import_leads(*, records: Sequence[LeadRecord], options: LeadOptions, at: datetime) -> list[Outcome]:
    """Take up to 1,000 people in, in one transaction; outcomes are in the order of the records.

    Repeating it changes nothing. A record without a date happened at its earlier import, else now.
    """
    with transaction.atomic():
        known = _imported_at(records)
        items = [_item(record, known, at) for record in records]
        captured = capture_batch(
            items=items,
            source=options.source,
            at=at,
            needs_intake=options.needs_intake,
            keeps_submissions=False,
        )
        taken = [(record, each) for record, each in zip(records, captured, strict=True) if isinstance(each, Captured)]
        if options.stage:
            _advance(taken, options, at)
        if not options.needs_intake:
            news = [each.lead.pk for _, each in taken if _outcome(each) != "unchanged"]
            rows = Lead.objects.filter(pk__in=news).select_related("account", "channel")
            score_leads(leads=list(rows), at=at)
    return [_outcome(each) for each in captured]


def _outcome(each: Captured | CaptureRefused) -> Outcome:
    if isinstance(each, CaptureRefused):
        return RowRefused(each.pointer.strip("/"), each.detail)
    if each.is_new:
        return "created"
    return "updated" if each.is_changed or not each.is_repeat else "unchanged"


def _imported_at(records: Sequence[LeadRecord]) -> dict[str, datetime]:
    """When people whose record bears no date were imported before, by e-mail and external id.

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
        event=event, email=record.email, external_id=record.external_id, attributes=record.attributes, **details
    )


def _advance(taken: Sequence[tuple[LeadRecord, Captured]], options: LeadOptions, at: datetime) -> None:
    """Bring those who stand below the stage up to it, at the date of their contact.

    The set-based twin of ``pass_stage``, which asks the database five times a lead. Leads are still locked by capture.
    """
    passages: list[LifecyclePassage] = []
    events: list[LeadEvent] = []
    moved: dict[str, list[int]] = {}
    because = f"{options.source} says {Stage(options.stage).label}"[:300]
    for _, each in taken:
        lead, before = each.lead, each.lead.stage
        # Only from below: who was sent back or ruled out since must not return because an old file is read again.
        if before not in (Stage.SUBSCRIBER, Stage.LEAD) or not lifecycle.is_allowed(before, options.stage):
            continue
        moment = min(max(each.touchpoint.occurred_at, lead.captured_at), at)
        passages += passages_of(lead=lead, to=options.stage, passed_at=moment, because=because)
        details = {"from": before, "to": options.stage, "because": because, "reason": ""}
        kind = LeadEvent.Kind.STAGE_CHANGED
        events.append(LeadEvent(lead=lead, kind=kind, happened_at=moment, recorded_at=at, details=details))
        moved.setdefault(before, []).append(lead.pk)
        lead.stage = options.stage
    for before, ids in moved.items():
        Lead.objects.filter(pk__in=ids, stage=before).update(stage=options.stage, changed_at=at)
    LifecyclePassage.objects.bulk_create(passages)
    LeadEvent.objects.bulk_create(events)
