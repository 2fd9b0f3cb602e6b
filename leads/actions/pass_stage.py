"""Passing from stage to stage: the passages, skipped ones included, the lead's stage and the news."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from leads.models import Lead, LeadEvent, LifecyclePassage, User
from leads.pure import lifecycle
from leads.pure.refused import Refused


class StageRefused(Refused):
    """The lead cannot get there from where it is; the message tells a person why."""


def passages_of(
    *, lead: Lead, to: str, passed_at: datetime, because: str, reason: str = "", by: User | None = None
) -> list[LifecyclePassage]:
    """Unsaved passages from the lead's present stage to another, skipped rungs inferred; none when it is there.

    Raises lifecycle.PassageRefused when there is no way.
    """
    return [
        LifecyclePassage(
            lead=lead,
            from_stage=step.from_stage,
            to_stage=step.to_stage,
            is_inferred=step.is_inferred,
            passed_at=passed_at,
            because=because[:300],
            reason="" if step.is_inferred else reason,
            by=by,
        )
        for step in lifecycle.passages_to(lead.stage, to)
    ]


def pass_stage(
    *, lead: Lead, to: str, at: datetime, by: User | None = None, because: str = "", reason: str = ""
) -> list[LifecyclePassage]:
    """Bring a lead to a stage; nothing happens when it is there already.

    Skipped rungs get inferred passages of the same moment. ``reason`` is a RejectionReason for the ways out. Raises
    StageRefused when there is no way, or when somebody else moved the lead since it was read.
    """
    try:
        passages = passages_of(lead=lead, to=to, passed_at=at, because=because, reason=reason, by=by)
    except lifecycle.PassageRefused as error:
        raise StageRefused(str(error)) from error
    if not passages:
        return []
    before = lead.stage
    with transaction.atomic():
        moved = Lead.objects.filter(pk=lead.pk, stage=before).update(stage=to, changed_at=at)
        if moved != 1:
            raise StageRefused("Somebody else has just changed this lead; look at it again.")
        LifecyclePassage.objects.bulk_create(passages)
        LeadEvent.objects.create(
            lead=lead,
            kind=LeadEvent.Kind.STAGE_CHANGED,
            happened_at=at,
            recorded_at=at,
            by=by,
            details={"from": before, "to": to, "because": because, "reason": reason},
        )
    lead.stage, lead.changed_at = to, at
    return passages
