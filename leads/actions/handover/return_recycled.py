"""Recycled leads come back on their day: to their owner's list, or to whom the territory rules choose."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from leads.actions.pass_stage import pass_stage
from leads.models import Company, FollowUp, Lead, LeadEvent, Recycling, Stage
from leads.pure.calendar import NeverOpen, due_at

CHUNK = 100


def return_recycled(*, at: datetime, limit: int = 2000) -> int:
    """Bring back what is due by the company's day; returns how many leads came back. Repeats are harmless.

    Each becomes a Lead again, is scored and, where the rules say so, an MQL; the owner gets a follow-up of that day.
    One that moved on by itself is no longer waited for.
    """
    done = 0
    while done < limit:
        taken, returned = _take(at)
        done += returned
        if taken < CHUNK:
            break
    return done


def _take(at: datetime) -> tuple[int, int]:
    company = Company.current()
    today = at.astimezone(company.tz).date()
    with transaction.atomic():
        waiting = Recycling.objects.waiting().filter(comes_back_on__lte=today)
        rows = list(
            waiting.select_for_update(skip_locked=True, of=("self",))
            .select_related("lead__owner")
            .order_by("comes_back_on", "pk")[:CHUNK]
        )
        back = [row for row in rows if row.lead.stage == Stage.RECYCLED and row.lead.merged_into_id is None]
        for row in back:
            _return(row, at, company)
        Recycling.objects.filter(pk__in=[row.pk for row in rows]).update(returned_at=at)
    return len(rows), len(back)


def _return(row: Recycling, at: datetime, company: Company) -> None:
    lead, because = row.lead, f"recycled on {row.created_at.astimezone(company.tz):%-d %b %Y}: {row.because}"[:200]
    pass_stage(lead=lead, to=Stage.LEAD, at=at, because=because)
    # Scored anew, and assigned where the owner has left.
    Lead.objects.filter(pk=lead.pk).update(intake_due_at=at)
    if lead.owner is None or not lead.owner.is_active:
        Lead.objects.filter(pk=lead.pk).update(owner=None)
        return
    kind = FollowUp.Kind.CALL if lead.phone else FollowUp.Kind.EMAIL
    if FollowUp.objects.open().filter(lead=lead, kind=kind).exists():
        return
    try:
        due = due_at(at, company.follow_up_hours, company.hours)
    except NeverOpen:
        due = at
    FollowUp.objects.create(lead=lead, owner=lead.owner, kind=kind, because=because, planned_at=at, due_at=due)
    LeadEvent.objects.create(
        lead=lead,
        kind=LeadEvent.Kind.FOLLOW_UP_PLANNED,
        happened_at=at,
        recorded_at=at,
        details={"kind": kind, "due_at": due.isoformat()},
    )
