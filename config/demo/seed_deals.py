"""Opportunities with their people and their append-only history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from config.demo.bulk import Bulk
from config.demo.deals import changes_of
from config.demo.histories import CRM, DEAL_COLUMNS, Histories
from config.demo.records import DemoCompany
from config.demo.seed_settings import Ground
from config.demo.stories import Story
from leads.models import Account, ForecastCategory, Lead, Opportunity, OpportunityChange, OpportunityContact


def write_opportunities(
    bulk: Bulk,
    company: DemoCompany,
    ground: Ground,
    accounts: dict[int, Account],
    leads: list[Lead],
    stories: list[Story],
    histories: Histories,
) -> list[Opportunity]:
    """All opportunities in the order of the company's deals; the owner is the lead's."""
    rows: list[Opportunity] = []
    for deal in company.deals:
        story, last = stories[deal.lead], changes_of(deal)[-1]
        day = company.day_of(deal.closed_at or deal.created_at)
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
                forecast_category=_category(len(rows), ground.stages[deal.stage].probability),
                changed_at=last.at,
            )
        )
    past = (histories.deal(number, deal) for number, deal in enumerate(company.deals))
    written = bulk.put(Opportunity, rows, known=lambda _: list(next(past)), changing=DEAL_COLUMNS)
    joined = (max(deal.created_at, leads[lead].captured_at) for deal in company.deals for lead, _ in deal.contacts)
    bulk.stream(
        OpportunityContact,
        (
            {"opportunity_id": row.pk, "lead_id": leads[lead].pk, "role": role, "is_primary": lead == deal.lead}
            for deal, row in zip(company.deals, written, strict=True)
            for lead, role in deal.contacts
        ),
        known=lambda _: ((histories.note(next(joined), CRM),),),
    )
    return written


def _category(number: int, probability: float) -> str:
    """How sure sales is: by the stage, with a few that are called otherwise."""
    if number % 23 == 0:
        return ForecastCategory.OMITTED
    if probability >= 0.7:
        return ForecastCategory.BEST_CASE if number % 4 == 0 else ForecastCategory.COMMIT
    return ForecastCategory.BEST_CASE if probability >= 0.5 and number % 3 else ForecastCategory.PIPELINE


def write_changes(
    bulk: Bulk,
    company: DemoCompany,
    ground: Ground,
    rows: list[Opportunity],
    source: str,
    histories: Histories,
) -> None:
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

    bulk.stream(OpportunityChange, all_changes(), known=lambda row: ((histories.note(row["recorded_at"], CRM),),))
