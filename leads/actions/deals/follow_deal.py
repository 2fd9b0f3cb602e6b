"""Follow a deal: the lead that stands for it becomes an opportunity, a customer, or is recycled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from django.db import transaction
from django.db.models import Max

from leads.actions.lead_changes import LeadChanges, collected
from leads.models import DealStatus, Lead, Opportunity, OpportunityContact, Stage
from leads.pure import lifecycle


class Followed(Protocol):
    """A recorded deal; ``moved`` collects the leads that moved on."""

    opportunity: Opportunity
    moved: list[int]


def follow_deals(*, deals: Sequence[tuple[Followed, int | None]], at: datetime) -> None:
    """Move the lead of each deal to where the deal's status puts it.

    A passage bears the date of the deal's event, but never one before the lead's last passage or after ``at``. A lost
    deal recycles the lead only where no other deal of theirs is open; a customer stays a customer. Statements do not
    grow with the deals.
    """
    ids = [lead_id for _, lead_id in deals if lead_id is not None]
    if not ids:
        return
    with transaction.atomic(savepoint=False), collected(at) as changes:
        rows = Lead.objects.live().select_for_update().filter(pk__in=ids).order_by("pk")
        leads = {lead.pk: lead for lead in rows}
        last = dict(Lead.objects.filter(pk__in=ids).values_list("pk").annotate(last=Max("passages__passed_at")))
        busy = _with_open_deals(ids)
        for followed, lead_id in deals:
            lead = leads.get(lead_id or 0)
            if lead is not None and _follow(lead, followed.opportunity, last.get(lead.pk), lead.pk in busy, changes):
                followed.moved.append(lead.pk)


def _follow(lead: Lead, deal: Opportunity, last: datetime | None, is_busy: bool, changes: LeadChanges) -> bool:
    before = lead.stage
    if before == Stage.CUSTOMER or (deal.status == DealStatus.LOST and _is_past(deal, last, before)):
        return False

    def moment(event: datetime) -> datetime:
        return min(max(event, last or event), changes.at)

    # The passage bears the deal's date; the row itself changes now, and readers of news look at that.
    if not lifecycle.has_reached(lead.stage, Stage.OPPORTUNITY):
        changes.pass_stage(lead, Stage.OPPORTUNITY, f"deal {deal.name} opened", passed_at=moment(deal.opened_at))
    is_refund = deal.amount_cents is not None and deal.amount_cents < 0
    if deal.status == DealStatus.WON and deal.closed_at and not is_refund:
        changes.pass_stage(lead, Stage.CUSTOMER, f"deal {deal.name} won", passed_at=moment(deal.closed_at))
    elif deal.status == DealStatus.LOST and deal.closed_at and not is_busy:
        why = f"deal {deal.name} lost: {deal.lost_reason or 'no reason given'}"
        changes.pass_stage(lead, Stage.RECYCLED, why, passed_at=moment(deal.closed_at))
    return lead.stage != before


def _is_past(deal: Opportunity, last: datetime | None, stage: str) -> bool:
    """A lost deal that closed before the lead's last step says nothing about where the lead stands now."""
    return stage != Stage.OPPORTUNITY and last is not None and deal.closed_at is not None and deal.closed_at < last


def _with_open_deals(lead_ids: Sequence[int]) -> set[int]:
    open_deals = OpportunityContact.objects.filter(
        lead__in=lead_ids,
        is_primary=True,
        opportunity__status=DealStatus.OPEN,
        opportunity__deleted_at__isnull=True,
    )
    return set(open_deals.values_list("lead_id", flat=True))
