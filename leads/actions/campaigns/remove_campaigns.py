"""Remove campaigns that should never have been made, where nothing uses them."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.db.models import ProtectedError

from leads.models import Campaign, CampaignCost, CampaignMember, CostEntry, Lead, Touchpoint

REFERRED = "Other records refer to it."


def why_campaigns_stay(*, campaign_ids: Collection[int], without_touches: Collection[int] = ()) -> dict[int, str]:
    """Why a campaign cannot be removed, by id; those that can are left out. A fixed number of queries.

    ``without_touches`` are going to be removed before, and the leads whose first touch they were look for another.
    """
    going = set(without_touches)
    touches = Touchpoint.objects.filter(campaign__in=campaign_ids).values_list("campaign", "pk", "lead")
    orphans = {(campaign, lead) for campaign, pk, lead in touches if pk in going}
    firsts = Lead.objects.filter(campaign__in=campaign_ids).values_list("campaign", "pk")
    below = Campaign.objects.filter(parent__in=campaign_ids).values_list("parent", flat=True)
    costs = CampaignCost.objects.filter(campaign__in=campaign_ids).values_list("campaign", flat=True).distinct()
    edited = Campaign.history.filter(id__in=campaign_ids, history_type="~", history_user__isnull=False)
    members = CampaignMember.objects.filter(campaign__in=campaign_ids).values_list("campaign", flat=True).distinct()
    why = dict.fromkeys(edited.values_list("id", flat=True), "Somebody has changed it.")
    why |= {int(pk): "Other campaigns stand below it." for pk in below if pk is not None}
    why |= dict.fromkeys(members, "It has members.")
    why |= {pk: "Leads name it as their first campaign." for pk, lead in firsts if pk and (pk, lead) not in orphans}
    said = CostEntry.objects.filter(campaign__in=campaign_ids).values_list("campaign", flat=True).distinct()
    why |= dict.fromkeys([*costs, *said], "Its costs are in the reports.")
    return why | {campaign: "It has other touchpoints." for campaign, pk, _ in touches if campaign and pk not in going}


def remove_campaigns(*, campaign_ids: Collection[int]) -> dict[int, str]:
    """Remove them, in one transaction, but those that it returns with the reason why they stay."""
    with transaction.atomic():
        rows = Campaign.objects.select_for_update(of=("self",)).filter(pk__in=campaign_ids).order_by("pk")
        ids = list(rows.values_list("pk", flat=True))
        why = why_campaigns_stay(campaign_ids=ids)
        for pk in ids:
            if pk in why:
                continue
            try:
                with transaction.atomic():
                    Campaign.objects.filter(pk=pk).delete()
            except ProtectedError:
                why[pk] = REFERRED
    return why
