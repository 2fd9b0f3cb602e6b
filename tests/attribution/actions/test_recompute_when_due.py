"""Credits follow news within a minute, and nothing is computed without news."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from attribution.actions.recompute_when_due import recompute_when_due
from attribution.models import Credit
from tests.leads.factories import LeadFactory, OpportunityFactory, TouchpointFactory

MINUTE = timedelta(minutes=1)
pytestmark = pytest.mark.django_db


def look(at: datetime) -> int | None:
    run = recompute_when_due(at=at, reason="test")
    return run.opportunities_recomputed if run else None


def test_only_news_and_time_start_a_run(now: datetime) -> None:
    lead = LeadFactory()
    deal = OpportunityFactory(status="won", opened_at=now - 3 * MINUTE, closed_at=now - 2 * MINUTE)
    deal.contacts.create(lead=lead, is_primary=True)
    assert look(now) == 1
    quiet = now + 5 * MINUTE
    assert look(quiet) is None

    # A touch of somebody without a deal is no news; one of the deal's people is.
    TouchpointFactory(recorded_at=quiet, occurred_at=now - 4 * MINUTE)
    assert look(quiet + MINUTE) is None
    touch = TouchpointFactory(lead=lead, recorded_at=quiet, occurred_at=now - 4 * MINUTE)
    assert look(quiet + MINUTE) == 1
    assert Credit.objects.get(method="linear").touchpoint == touch

    # So is a deal that changed.
    later = quiet + 5 * MINUTE
    type(deal).objects.filter(pk=deal.pk).update(reporting_cents=5_000, amount_cents=5_000, changed_at=later)
    assert look(later + MINUTE) == 1
    assert Credit.objects.get(method="linear").cents == 5_000

    # Everything is looked at once in a while, news or not.
    assert look(later + 17 * MINUTE) == 0
