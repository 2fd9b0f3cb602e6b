"""Attributed pipeline and influenced deals of a past moment follow the history of the deals."""

from __future__ import annotations

from datetime import date, datetime
from itertools import pairwise

import pytest

from attribution.actions.runs.run_attribution import run_attribution
from attribution.figures.campaign_series import campaign_months
from leads.figures.base import figure
from leads.models import Company, OpportunityChange, OpportunityContact
from leads.pure.week import Period
from tests.leads.factories import CampaignFactory, LeadFactory, OpportunityFactory, TouchpointFactory, stage
from tests.leads.figures.world import TZ, on, scope


@pytest.fixture
def reopened(company: Company, now: datetime):
    """Lost in October, reopened in November; touched by a campaign before it was opened."""
    campaign, lead = CampaignFactory(), LeadFactory(captured_at=on(1, month=9))
    TouchpointFactory(lead=lead, campaign=campaign, occurred_at=on(2, month=9))
    deal = OpportunityFactory(
        opened_at=on(3, month=9), amount_cents=50_000, stage=stage("discovery"), stage_changed_at=on(5)
    )
    OpportunityContact.objects.create(opportunity=deal, lead=lead, is_primary=True)
    for key, at in (("discovery", on(3, month=9)), ("lost", on(10, month=10)), ("discovery", on(5))):
        OpportunityChange.objects.create(
            opportunity=deal,
            stage=stage(key),
            status=stage(key).status,
            amount_cents=50_000,
            currency="EUR",
            changed_at=at,
            recorded_at=at,
            source_key=str(at),
        )
    run_attribution(at=now, reason="test")
    return campaign


def test_a_deal_that_stood_at_lost_was_no_open_pipeline(reopened) -> None:
    months = [date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1)]
    asked = [scope(Period.of_dates(*days, TZ)) for days in pairwise(months)]
    assert [figure("attribution.pipeline", each).value for each in asked] == [50_000, 0, 50_000]
    assert [figure("attribution.influenced", each).value for each in asked] == [1, 0, 1]
    whole = scope(Period.of_dates(months[0], months[-1], TZ), campaign=str(reopened.public_id))
    assert [step.pipeline for step in campaign_months(whole)] == [50_000, 0, 50_000]
