"""Remove touches that should never have been recorded; the first touch of their leads is found anew."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import transaction

from leads.models import Campaign, Lead, LeadEvent, Touchpoint, User

BATCH = 500
# A lead's first touch as its channel and campaign.
First = tuple[int | None, int | None]
_FIRST = ("lead_id", "channel_id", "campaign_id")


def remove_touches(
    *, touch_ids: Collection[int], first_before: Mapping[int, First], source: str, at: datetime, by: User | None
) -> None:
    """Delete them with the credit they earned, in one transaction.

    ``first_before`` is, by lead, what held before one of these touches became the first; it counts where no other
    touch is left to tell, but for a campaign that was removed meanwhile. The lifecycle of the leads stays: passages are
    kept for ever. Scores follow by the intake.
    """
    with transaction.atomic():
        gone = Touchpoint.objects.filter(pk__in=touch_ids)
        theirs = {(lead, (channel, campaign)) for lead, channel, campaign in gone.values_list(*_FIRST)}
        ids = {lead for lead, _ in theirs}
        rows = Lead.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk")
        leads = {lead.pk: lead for lead in rows}
        gone.delete()
        left = _present(first_before) | _first_of(ids)
        for lead in leads.values():
            lead.intake_due_at = at
            held = (lead.channel_id, lead.campaign_id)
            first = left.get(lead.pk, held)
            if (lead.pk, held) in theirs and first != held:
                lead.channel_id, lead.campaign_id = first
                lead.changed_at = at
        Lead.objects.bulk_update(leads.values(), ["channel", "campaign", "changed_at", "intake_due_at"], BATCH)
        LeadEvent.objects.bulk_create(
            [
                LeadEvent(
                    lead_id=pk,
                    kind=LeadEvent.Kind.UPDATED,
                    happened_at=at,
                    recorded_at=at,
                    by=by,
                    details={"fields": ["touches"], "source": source},
                )
                for pk in sorted(ids)
            ],
            batch_size=BATCH,
        )


def _present(first: Mapping[int, First]) -> dict[int, First]:
    campaigns = Campaign.objects.filter(pk__in={campaign for _, campaign in first.values()})
    there = set(campaigns.values_list("pk", flat=True))
    return {pk: (channel, campaign if campaign in there else None) for pk, (channel, campaign) in first.items()}


def _first_of(lead_ids: Collection[int]) -> dict[int, First]:
    """The earliest genuine touch of each lead that has one left."""
    rows = Touchpoint.objects.genuine().filter(lead__in=lead_ids).order_by("-occurred_at", "-pk")
    return {lead: (channel, campaign) for lead, channel, campaign in rows.values_list(*_FIRST)}
