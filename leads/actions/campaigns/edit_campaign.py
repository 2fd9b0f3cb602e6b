"""Edit a campaign as people do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from leads.models import Campaign
from leads.pure.refused import Refused

COLUMNS = ("channel_id", "parent_id", "starts_on", "ends_on")


class CampaignRefused(Refused):
    """The campaign cannot be kept so; the message says why."""


@transaction.atomic
def edit_campaign(*, campaign_id: int, values: Mapping[str, Any]) -> Campaign:
    """Write values by column of ``COLUMNS``. Raises CampaignRefused, Campaign.DoesNotExist."""
    campaign = Campaign.objects.select_for_update().get(pk=campaign_id)
    for name, value in values.items():
        if name not in COLUMNS:
            raise ValueError(f"{name} is not edited here.")
        setattr(campaign, name, value)
    if campaign.starts_on and campaign.ends_on and campaign.ends_on < campaign.starts_on:
        raise CampaignRefused("It would end before it starts.")
    if "parent_id" in values and campaign.parent_id is not None:
        _check_program(campaign)
    campaign.save(update_fields=[*values])  # one by one, so that the history of settings knows it
    return campaign


def _check_program(campaign: Campaign) -> None:
    """A program is a top campaign, so that nothing is ever below itself or nested too deep."""
    if campaign.parent_id == campaign.pk:
        raise CampaignRefused("A campaign cannot be below itself.")
    if campaign.children.exists():
        raise CampaignRefused("It has campaigns of its own below it.")
    if campaign.parent is None or campaign.parent.parent_id is not None:
        raise CampaignRefused("A program has no program above it.")
