"""Every touch of every lead, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from config.demo.bulk import Bulk
from config.demo.histories import WEBSITE, Histories
from config.demo.records import DemoCompany, Touch
from config.demo.seed_settings import Ground
from leads.models import Lead, Touchpoint
from leads.pure.capture.bots import BOT, MAIL_SCANNER

_SITE = "https://www.fernhill.example"


def write_touchpoints(
    bulk: Bulk, company: DemoCompany, ground: Ground, leads: list[Lead], histories: Histories
) -> None:
    """Every touch, with the tags its campaign's links carry; what came before the person is recorded with them."""
    note = histories.note
    imported = {
        lead.pk: writer
        for lead, made in zip(leads, company.leads, strict=True)
        if (writer := histories.arrival(made)) is not WEBSITE
    }

    def known(row: dict[str, Any]) -> Sequence[tuple[int]]:
        writer = imported.get(row["lead_id"], WEBSITE) if row["kind"] == "event_visit" else WEBSITE
        return ((note(row["recorded_at"], writer),),)

    bulk.stream(Touchpoint, _touchpoints(bulk, company, ground, leads), known=known)


def _touchpoints(bulk: Bulk, company: DemoCompany, ground: Ground, leads: list[Lead]) -> Iterator[dict[str, Any]]:
    channels = {key: channel.pk for key, channel in ground.channels.items()}
    campaigns = [campaign.pk for campaign in ground.campaigns]
    for number, touch in enumerate(company.touches):
        made = company.campaigns[touch.campaign] if touch.campaign is not None else None
        yield {
            "public_id": bulk.public_id(),
            "lead_id": leads[touch.lead].pk,
            "campaign_id": campaigns[touch.campaign] if touch.campaign is not None else None,
            "channel_id": channels[touch.channel],
            "kind": touch.kind,
            "name": touch.name,
            "occurred_at": touch.at,
            "recorded_at": max(touch.at, leads[touch.lead].captured_at),
            "utm_source": made.source if made else "",
            "utm_medium": made.medium if made else "",
            "utm_campaign": made.slug if made else "",
            "landing_page": _SITE + touch.page if touch.page else "",
            "referrer": "https://www.google.com/" if touch.channel == "organic-search" else "",
            "exclusion": _exclusion(company, touch),
            "dedupe_key": f"demo-{company.seed}-{number}",
        }


def _exclusion(company: DemoCompany, touch: Touch) -> str:
    if not touch.is_bot:
        return ""
    return BOT if company.leads[touch.lead].is_bot else MAIL_SCANNER
