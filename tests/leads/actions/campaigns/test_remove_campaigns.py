"""Which campaigns a takeover leaves behind when it is taken back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from leads.actions.campaigns.add_members import add_members
from leads.actions.campaigns.remove_campaigns import remove_campaigns, why_campaigns_stay
from leads.models import Campaign
from tests.leads.factories import CampaignFactory, LeadFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 2, 9, tzinfo=UTC)


def test_a_campaign_with_members_stays_as_the_preview_says() -> None:
    used, unused = CampaignFactory(), CampaignFactory()
    add_members(campaign=used, leads=[LeadFactory()], because="Invited to the fair.", by=None, at=AT)
    assert why_campaigns_stay(campaign_ids=[used.pk, unused.pk]) == {used.pk: "It has members."}
    assert remove_campaigns(campaign_ids=[used.pk, unused.pk]) == {used.pk: "It has members."}
    assert list(Campaign.objects.filter(pk__in=[used.pk, unused.pk])) == [used]
