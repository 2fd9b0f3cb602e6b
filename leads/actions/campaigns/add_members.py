"""Add people to a campaign, take them out again, and say what counts as a response to it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import transaction

from leads.models import Campaign, CampaignMember, CampaignResponse, Lead, TouchKind, User
from leads.pure.refused import Refused


class MembersRefused(Refused):
    """It cannot be kept so; the message says why."""


@transaction.atomic
def add_members(
    *, campaign: Campaign, leads: Collection[Lead], at: datetime, because: str = "", by: User | None = None
) -> int:
    """Add people to a campaign; returns how many were not in it by a row. Repeats change nothing."""
    before = CampaignMember.objects.filter(campaign=campaign).count()
    rows = [CampaignMember(campaign=campaign, lead=lead, added_at=at, because=because[:300], by=by) for lead in leads]
    CampaignMember.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    return CampaignMember.objects.filter(campaign=campaign).count() - before


@transaction.atomic
def remove_members(*, campaign: Campaign, lead_ids: Collection[int]) -> set[int]:
    """Take people out again who were added; returns who was in by a row. Touchpoints keep people members."""
    rows = CampaignMember.objects.filter(campaign=campaign, lead__in=lead_ids)
    gone = set(rows.values_list("lead_id", flat=True))
    rows.delete()
    return gone


@transaction.atomic
def save_response(*, campaign: Campaign, kinds: Sequence[str], by: User, at: datetime) -> None:
    """Say which kinds of touchpoint count as a response. Raises MembersRefused."""
    if not kinds or any(kind not in TouchKind.values for kind in kinds):
        raise MembersRefused("Choose at least one kind of touchpoint.")
    CampaignResponse.objects.update_or_create(
        campaign=campaign, defaults={"kinds": sorted(set(kinds)), "saved_by": by, "saved_at": at}
    )
