"""Somebody logs a call, an email, a meeting or a note, planned or not, and may plan the next contact with it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from leads.actions.follow_up.complete_follow_up import FollowUpRefused, complete_follow_up
from leads.actions.follow_up.promise_follow_up import promise_follow_up
from leads.models import Activity, FollowUp, Lead, LeadEvent, User

# Clocks differ; more is a slip of the pen.
CLOCK_SKEW = timedelta(minutes=2)
# Whoever was talked to has been answered, whatever way was planned.
_REACHED = frozenset([FollowUp.Outcome.REACHED, FollowUp.Outcome.MEETING_BOOKED])


def log_activity(
    *,
    lead_id: int,
    kind: str,
    outcome: str,
    occurred_at: datetime,
    by: User,
    at: datetime,
    note: str = "",
    next_kind: str = "",
    next_due_at: datetime | None = None,
) -> Activity:
    """Keep what somebody did, complete the follow-up that it fulfills, and plan the next contact where one is given.

    Fulfilled is an open follow-up of the same kind; a contact that reached the person fulfills the one due next. A note
    has no outcome and fulfills none. Raises FollowUpRefused, Lead.DoesNotExist; then nothing is written.
    """
    note = note.strip()
    if kind not in Activity.Kind.values:
        raise FollowUpRefused("kind", "Choose a call, an email, a meeting or a note.")
    if kind == Activity.Kind.NOTE:
        outcome = ""
        if not note:
            raise FollowUpRefused("note", "Write the note.")
    elif outcome not in FollowUp.Outcome.values or outcome == FollowUp.Outcome.NOT_NEEDED:
        raise FollowUpRefused("outcome", "Choose how the contact went.")
    if occurred_at > at + CLOCK_SKEW:
        raise FollowUpRefused("occurred_at", "Choose a time that has passed; a contact to come is a follow-up.")
    occurred_at = min(occurred_at, at)
    with transaction.atomic():
        lead = Lead.objects.live().get(pk=lead_id)
        fulfilled = _fulfilled(lead, kind, outcome, occurred_at)
        if fulfilled is not None:
            complete_follow_up(follow_up_id=fulfilled.pk, outcome=outcome, by=by, at=at, note=note, done_at=occurred_at)
        activity = Activity.objects.create(
            lead=lead,
            kind=kind,
            outcome=outcome,
            note=note,
            occurred_at=occurred_at,
            recorded_at=at,
            by=by,
            follow_up=fulfilled,
        )
        LeadEvent.objects.create(
            lead=lead,
            kind=LeadEvent.Kind.ACTIVITY_LOGGED,
            happened_at=occurred_at,
            recorded_at=at,
            by=by,
            details={"kind": kind, "outcome": outcome},
        )
        if next_kind or next_due_at is not None:
            if next_due_at is None:
                raise FollowUpRefused("next_in", "Choose when to follow up.")
            try:
                promise_follow_up(lead_id=lead.pk, kind=next_kind, due_at=next_due_at, by=by, at=at)
            except FollowUpRefused as refused:
                raise FollowUpRefused(refused.field and f"next_{refused.field}", refused.reason) from refused
    return activity


def _fulfilled(lead: Lead, kind: str, outcome: str, occurred_at: datetime) -> FollowUp | None:
    if kind == Activity.Kind.NOTE:
        return None
    waiting = list(FollowUp.objects.open().filter(lead=lead, planned_at__lte=occurred_at).order_by("due_at", "pk"))
    same = [promise for promise in waiting if promise.kind == kind]
    return next(iter(same or (waiting if outcome in _REACHED else [])), None)
