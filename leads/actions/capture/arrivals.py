"""How a contact reached us: its channel by the admin's rules, and its campaign, which may be new to us."""

from __future__ import annotations

from collections.abc import Sequence

from leads.models import Campaign, Channel
from leads.pure.capture.captured import CHANNEL_BY_KIND, CapturedEvent, campaign_code
from leads.pure.channels import channels
from leads.pure.channels.landing import click_of, parameters
from leads.queries.in_force import InForce
from leads.queries.look_up import Asked, look_up


def asking(events: Sequence[CapturedEvent]) -> Asked:
    """The campaigns that events name."""
    return Asked(Campaign, {"code": {campaign_code(event) for event in events} - {""}})


class Arrivals:
    """Channels, rules and campaigns for the events of one batch."""

    def __init__(
        self, events: Sequence[CapturedEvent], settings: InForce, campaigns: Sequence[Campaign] | None = None
    ) -> None:
        """``campaigns`` are the rows of `asking`, where the caller has asked."""
        self.company, self.channels, self.rules = settings.company, settings.channels, settings.channel_rules
        rows = look_up(asking(events))[0] if campaigns is None else campaigns
        self.campaigns = {one.code: one for one in rows}
        self.new_campaigns: dict[str, Campaign] = {}

    def discovered(self) -> list[Campaign]:
        """Campaigns that an unknown ``utm_campaign`` made, in a fixed order; not saved yet."""
        return [self.new_campaigns[code] for code in sorted(self.new_campaigns)]

    def came_through(self, event: CapturedEvent) -> tuple[Channel, Campaign | None]:
        """The channel of an event, and its campaign if it names one."""
        utm, code = event.utm, campaign_code(event)
        campaign = self.campaigns.get(code) if code else None
        told = event.channel or utm.source or utm.medium or event.referrer or click_of(parameters(event.landing_page))
        if campaign and not told:
            # Named campaign, nothing else: the admin who filed the campaign under a channel knows best.
            return next(one for one in self.channels.values() if one.pk == campaign.channel_id), campaign
        visit = channels.Visit(utm.source, utm.medium, utm.campaign, event.referrer, event.landing_page)
        key = event.channel or channels.classify(visit, self.rules, self.company.internal_domains).channel_key
        if not event.channel and not utm and not event.referrer and key == "direct":
            key = CHANNEL_BY_KIND.get(event.kind, key)
        channel = self.channels.get(key) or self.channels[channels.OTHER]
        if code and campaign is None:
            campaign = self.campaigns[code] = self.new_campaigns[code] = Campaign(
                name=utm.campaign.strip() or code,
                code=code,
                channel=channel,
                currency=self.company.currency,
                is_discovered=True,
            )
        return channel, campaign
