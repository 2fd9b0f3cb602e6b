"""Keep what a person says brought a deal."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from attribution.models import SourceCheck
from leads.models import Campaign, Channel, DealStatus, Opportunity, User
from leads.pure.refused import Refused


class CheckRefused(Refused):
    """The answer cannot be kept; the message tells a person why."""


def record_source_check(
    *,
    opportunity: Opportunity,
    origin: str,
    campaign: Campaign | None,
    channel: Channel | None,
    note: str,
    by: User | None,
    at: datetime,
) -> SourceCheck:
    """One answer per deal and origin; a campaign implies its channel, neither of both means that nobody knows.

    Raises CheckRefused for a deal that is not won, another channel than the campaign's, and a second answer: an
    answer that could be changed after looking at the credits would measure nothing.
    """
    if opportunity.status != DealStatus.WON:
        raise CheckRefused("Only won deals are checked.")
    if origin not in SourceCheck.Origin.values:
        raise CheckRefused(f"There is no origin {origin!r}.")
    if campaign is not None and channel is not None and campaign.channel_id != channel.pk:
        raise CheckRefused(f"{campaign} belongs to another channel than {channel}.")
    try:
        with transaction.atomic():
            return SourceCheck.objects.create(
                opportunity=opportunity,
                origin=origin,
                campaign=campaign,
                channel=campaign.channel if campaign else channel,
                note=note.strip()[:200],
                answered_by=by,
                answered_at=at,
            )
    except IntegrityError:
        raise CheckRefused("This deal was answered already.") from None
