"""Take over: open leads and promises of people who have left go to whoever routing names, with the reason logged."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from leads.actions.routing.assign_lead import assign_leads
from leads.models import Account, Assignment, FollowUp, JobRun, Lead, LeadEvent, Transfer
from leads.queries.in_force import in_force

CHUNK = 100
# Nobody is free at once for each of them: those left without an owner are tried again as fresh leads are.
_OWNER_LEFT = Q(owner__isnull=False, owner__is_active=False)
# Whoever deactivated them chose so.
_IS_KEPT = ~Q(owner__book_kept_because="")
# Their books are on the way to somebody a person chose.
_IN_TRANSFER = Q(job__state__in=[JobRun.State.WAITING, JobRun.State.RUNNING])


def take_over_leads(*, at: datetime, limit: int = 2000) -> int:
    """Give open leads whose owner was deactivated, and what was promised to them, to active reps; returns how many.

    Leads that nobody has to work on any more keep the owner they had: it is who won or lost them.
    """
    done = 0
    while done < limit:
        taken = _take(min(CHUNK, limit - done), at)
        done += taken
        if taken < CHUNK:
            break
    _hand_on_promises()
    return done


def _take(most: int, at: datetime) -> int:
    with transaction.atomic():
        busy = Transfer.objects.filter(_IN_TRANSFER, from_rep__isnull=False).values("from_rep")
        free = Lead.objects.open().filter(_OWNER_LEFT).exclude(_IS_KEPT).exclude(owner__in=busy)
        rows = free.select_for_update(skip_locked=True, of=("self",))
        leads = list(rows.select_related("account__owner", "channel", "owner", "territory").order_by("pk")[:most])
        if not leads:
            return 0
        accounts = {lead.account_id for lead in leads if lead.account_id}
        Account.objects.filter(_OWNER_LEFT, pk__in=accounts).update(owner=None)
        _let_go(leads, at)
        assign_leads(leads=leads, at=at, settings=in_force())
        by_owner: dict[int | None, list[int]] = {}
        for lead in leads:
            by_owner.setdefault(lead.owner_id, []).append(lead.pk)
        for owner_id, ids in by_owner.items():
            FollowUp.objects.open().filter(lead__in=ids, owner__is_active=False).update(owner_id=owner_id)
        without = [lead.pk for lead in leads if lead.owner_id is None]
        Lead.objects.filter(pk__in=without).update(intake_due_at=at)
    return len(leads)


def _let_go(leads: list[Lead], at: datetime) -> None:
    """Nobody's for the moment in which another is chosen; the log says why."""
    assignments: list[Assignment] = []
    events: list[LeadEvent] = []
    for lead in leads:
        because = f"{lead.owner} was deactivated"
        assignments.append(
            Assignment(lead=lead, territory=lead.territory, owner=None, because=because[:400], assigned_at=at)
        )
        details = {"territory": str(lead.territory or ""), "owner": "", "because": because}
        kind = LeadEvent.Kind.ASSIGNED
        events.append(LeadEvent(lead=lead, kind=kind, happened_at=at, recorded_at=at, details=details))
        lead.owner, lead.changed_at = None, at
        if lead.account is not None and lead.account.owner is not None and not lead.account.owner.is_active:
            lead.account.owner = None
    Lead.objects.filter(pk__in=[lead.pk for lead in leads]).update(owner=None, changed_at=at)
    Assignment.objects.bulk_create(assignments)
    LeadEvent.objects.bulk_create(events)


def _hand_on_promises() -> None:
    """Promises of people who have left on leads that somebody else owns by now."""
    busy = Transfer.objects.filter(_IN_TRANSFER, from_rep__isnull=False).values("from_rep")
    left = FollowUp.objects.open().filter(owner__is_active=False, lead__owner__is_active=True)
    left = left.exclude(owner__in=busy)
    for follow_up in left.select_related("lead")[:CHUNK]:
        FollowUp.objects.filter(pk=follow_up.pk, done_at__isnull=True).update(owner_id=follow_up.lead.owner_id)
