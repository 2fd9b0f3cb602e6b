"""Opportunities with their people and their append-only history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from config.demo.bulk import Bulk
from config.demo.intake import Story
from config.demo.records import Deal, DemoCompany
from config.demo.seed_settings import Ground
from leads.models import Account, Lead, Opportunity, OpportunityChange, OpportunityContact


@dataclass(slots=True)
class Change:
    """The state an opportunity took on at a moment: its stage and its amount."""

    at: datetime
    stage: str
    cents: int


def write_opportunities(
    bulk: Bulk,
    company: DemoCompany,
    ground: Ground,
    accounts: dict[int, Account],
    leads: list[Lead],
    stories: list[Story],
) -> list[Opportunity]:
    """All opportunities in the order of the company's deals; the owner is the lead's."""
    tz = ZoneInfo(company.time_zone)
    rows = []
    for deal in company.deals:
        story, last = stories[deal.lead], changes_of(deal)[-1]
        day = (deal.closed_at or deal.created_at).astimezone(tz).date()
        rows.append(
            Opportunity(
                public_id=bulk.public_id(),
                name=deal.name,
                account=accounts[deal.account] if deal.account is not None else None,
                owner_id=story.owner,
                territory_id=story.territory,
                stage=ground.stages[deal.stage],
                status=deal.status,
                amount_cents=deal.cents,
                currency=deal.currency,
                reporting_cents=ground.rates.reporting_cents(amount_cents=deal.cents, currency=deal.currency, on=day),
                opened_at=deal.created_at,
                closed_at=deal.closed_at,
                expected_close_on=deal.expected_on,
                stage_changed_at=deal.stages[-1].at,
                lost_reason=deal.lost_reason,
                changed_at=last.at,
            )
        )
    written = bulk.put(Opportunity, rows)
    bulk.stream(
        OpportunityContact,
        (
            {"opportunity_id": row.pk, "lead_id": leads[lead].pk, "role": role, "is_primary": lead == deal.lead}
            for deal, row in zip(company.deals, written, strict=True)
            for lead, role in deal.contacts
        ),
    )
    return written


def write_changes(bulk: Bulk, company: DemoCompany, ground: Ground, rows: list[Opportunity], source: str) -> None:
    """The history as the CRM `source` numbers it: one sequence over all opportunities, in their order."""

    def all_changes() -> Iterator[dict[str, Any]]:
        number = 0
        for deal, row in zip(company.deals, rows, strict=True):
            for change in changes_of(deal):
                number += 1
                stage = ground.stages[change.stage]
                yield {
                    "opportunity_id": row.pk,
                    "changed_at": change.at,
                    "recorded_at": change.at,
                    "stage_id": stage.pk,
                    "status": stage.status,
                    "amount_cents": change.cents,
                    "currency": deal.currency,
                    "source": source,
                    "source_key": str(number),
                }

    bulk.stream(OpportunityChange, all_changes())


def changes_of(deal: Deal) -> list[Change]:
    """Stages and amounts merged: one change per moment."""
    moments = sorted({move.at for move in deal.stages} | {move.at for move in deal.amounts})
    stages = {move.at: move.stage for move in deal.stages}
    amounts = {move.at: move.cents for move in deal.amounts}
    changes: list[Change] = []
    stage, cents = deal.stages[0].stage, deal.amounts[0].cents
    for at in moments:
        stage, cents = stages.get(at, stage), amounts.get(at, cents)
        changes.append(Change(at, stage, cents))
    return changes
