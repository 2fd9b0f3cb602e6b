"""Processes that say and take back the same days at the same moment: the history still adds up to what stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection, transaction

from leads.actions.campaigns.keep_cost_history import hold_costs
from leads.models import CostChange, CostEntry
from tests.leads.actions.campaigns.test_cost_history import present, replayed
from tests.leads.actions.identity.test_merge_races import race
from tests.leads.factories import CampaignFactory

pytestmark = [pytest.mark.django_db(transaction=True, serialized_rollback=True), pytest.mark.slow]


def test_the_history_adds_up_whoever_was_first(tmp_path: Path) -> None:
    campaign = CampaignFactory()
    said = race(tmp_path, "tests.leads.actions.campaigns.coster", [(campaign.pk, cents) for cents in (100, 200)])
    assert said == ["said"] * 2
    assert replayed() == present()
    assert set(CostEntry.objects.values_list("by_name", flat=True)) == {"writer 100", "writer 200"}
    assert CostChange.objects.filter(entry__campaign=campaign).count() > 20


def test_touches_of_a_campaign_do_not_wait_for_who_writes_its_costs() -> None:
    campaign, other = CampaignFactory(), connection.copy()
    try:
        with transaction.atomic():
            hold_costs([campaign.pk])
            if connection.vendor == "postgresql":  # elsewhere nobody holds rows
                with other.cursor() as cursor:
                    cursor.execute("SET lock_timeout = '100ms'")
                    # As the database does for each row that names the campaign.
                    cursor.execute("SELECT FROM leads_campaign WHERE id = %s FOR KEY SHARE", [campaign.pk])
    finally:
        other.close()
