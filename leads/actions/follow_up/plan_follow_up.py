"""Plan the first follow-up of an MQL, due by the service level in the working hours of its owner."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog

from leads.actions.lead_changes import LeadChanges
from leads.models import Company, FollowUp, Lead, LeadEvent, LifecyclePassage, Stage
from leads.pure.calendar import BusinessHours, NeverOpen, due_at
from leads.queries.look_up import Asked, look_up
from leads.queries.mail import opt_outs

log = structlog.get_logger(__name__)


def plan_follow_ups(*, leads: Sequence[Lead], at: datetime, company: Company, changes: LeadChanges) -> list[FollowUp]:
    """Promise a first contact to each MQL with an owner that has none since it became an MQL.

    The service level runs from the moment of becoming an MQL, not from the assignment: the person waits from then on.
    It counts the owner's working hours. Owners come with the leads, their hours with them. ``changes`` are those of the
    same transaction; the caller writes them.
    """
    due = [lead for lead in leads if lead.stage == Stage.MQL and lead.owner_id is not None]
    if not due:
        return []
    known = changes.known(due)
    became, planned, is_open = _known(known) if known else ({}, {}, frozenset())
    became |= changes.moments_of(Stage.MQL)
    unmailable = opt_outs([lead for lead in due if not lead.phone], changes.stored)
    usual = company.hours
    promises: list[FollowUp] = []
    for lead in due:
        start = became.get(lead.pk, at)
        if lead.pk in is_open or (lead.pk in planned and planned[lead.pk] >= start):
            continue
        promises.append(
            FollowUp(
                lead=lead,
                owner_id=lead.owner_id,
                # Whoever wants no mail is called, also where the number has to be found first.
                kind=FollowUp.Kind.CALL if lead.phone or lead.pk in unmailable else FollowUp.Kind.EMAIL,
                because=f"became MQL; service level {company.follow_up_hours} business hours",
                planned_at=at,
                due_at=_due(start, company.follow_up_hours, _hours(lead, usual)),
            )
        )
    for promise in promises:
        changes.add(promise)
        details = {"kind": promise.kind, "due_at": promise.due_at.isoformat()}
        changes.tell(promise.lead, LeadEvent.Kind.FOLLOW_UP_PLANNED, details)
        changes.story_of(promise.lead).follow_up = promise
    return promises


def _known(leads: Sequence[Lead]) -> tuple[dict[int, datetime], dict[int, datetime], frozenset[int]]:
    """When leads last became an MQL, when the last follow-up was planned, and who waits for one."""
    ids = [lead.pk for lead in leads]
    passages, follow_ups = look_up(Asked(LifecyclePassage, {"lead_id": ids}), Asked(FollowUp, {"lead_id": ids}))
    became: dict[int, datetime] = {}
    for passage in passages:
        if passage.to_stage == Stage.MQL:
            became[passage.lead_id] = max(passage.passed_at, became.get(passage.lead_id, passage.passed_at))
    planned: dict[int, datetime] = {}
    for each in follow_ups:
        planned[each.lead_id] = max(each.planned_at, planned.get(each.lead_id, each.planned_at))
    return became, planned, frozenset(each.lead_id for each in follow_ups if each.done_at is None)


def _hours(lead: Lead, usual: BusinessHours) -> BusinessHours:
    owner = lead.owner
    # A missing one-to-one row raises on access; hasattr is Django's way to ask.
    return owner.working_hours.within(usual) if owner is not None and hasattr(owner, "working_hours") else usual


def _due(start: datetime, hours: int, calendar: BusinessHours) -> datetime:
    try:
        return due_at(start, hours, calendar)
    except NeverOpen:
        # A calendar without an open day is a mistake in the settings; the lead should not wait for its correction.
        log.warning("business_hours_never_open")
        return start
