"""A campaign filter takes everything below it, however deep the hierarchy."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from leads.figures.base import Scope, figure
from leads.models import CampaignCost, Company
from leads.pure.week import Period
from tests.leads.factories import CampaignFactory, LeadFactory


@pytest.mark.django_db
def test_three_levels_of_campaigns_count_as_one(company: Company, now: datetime) -> None:
    program = CampaignFactory()
    campaign = CampaignFactory(parent=program)
    part = CampaignFactory(parent=campaign)
    day = now - timedelta(days=3)
    for row in (program, campaign, part, CampaignFactory()):
        LeadFactory(campaign=row, channel=row.channel, captured_at=day)
        CampaignCost.objects.create(
            campaign=row, spent_on=day, amount_cents=100, currency="EUR", reporting_cents=100, recorded_at=day
        )
    for root, expected in ((program, 3), (campaign, 2), (part, 1)):
        scope = Scope(
            period=Period(now - timedelta(days=10), now),
            at=now,
            tz=company.tz,
            currency="EUR",
            campaign=str(root.public_id),
        )
        assert figure("leads.captured", scope).value == expected
        assert figure("spend.total", scope).value == expected * 100
