"""Credits follow news within a minute, and nothing is computed without news."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db.models.deletion import Collector

from attribution.actions.runs.recompute_when_due import recompute_when_due
from attribution.models import AttributionRules, AttributionRun, Credit
from leads.models import Opportunity, Touchpoint
from tests.attribution.factories import run
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

    # What changed without a word is found by the look at everything, once in a while.
    assert look(later + 3 * MINUTE) is None
    Touchpoint.objects.filter(pk=touch.pk).update(occurred_at=now - 5 * MINUTE)
    assert look(later + 17 * MINUTE) is None
    assert look(later + 62 * MINUTE) == 1
    runs = AttributionRun.objects.count()
    assert look(later + 125 * MINUTE) is None
    assert AttributionRun.objects.count() == runs

    # A deleted touch takes its credits along: no look leaves a deal short of its amount.
    touch.delete()
    assert not Credit.objects.filter(method="linear").exists()
    assert look(later + 126 * MINUTE) == 1
    assert Credit.objects.get(method="linear").cents == 5_000

    # Also when a run that saw it commits while it is being deleted.
    touch = TouchpointFactory(lead=lead, recorded_at=later + 126 * MINUTE, occurred_at=now - 4 * MINUTE)
    assert look(later + 126 * MINUTE) == 1
    collector = Collector(using="default", origin=touch)
    collector.collect([touch])
    run(kind="full", at=later + 126 * MINUTE)
    collector.delete()
    assert look(later + 126 * MINUTE) == 1

    # So does a deleted person; collecting what would go, as a page that asks does, is no news.
    TouchpointFactory(lead=lead, recorded_at=later + 126 * MINUTE, occurred_at=now - 4 * MINUTE)
    assert look(later + 127 * MINUTE) == 1
    Collector(using="default", origin=lead).collect([lead])
    assert look(later + 129 * MINUTE) is None
    lead.delete()
    assert look(later + 129 * MINUTE) == 1
    assert Credit.objects.unattributed().get(method="linear").cents == 5_000
    # Credits that vanish by themselves are missed by the look at everything.
    Credit.objects.filter(method="linear").delete()
    assert look(later + 190 * MINUTE) == 1
    assert look(later + 191 * MINUTE) is None
    later += 70 * MINUTE

    # Other rules need no waiting, even where no credit changes.
    AttributionRules.objects.update(milestone="opportunity")
    assert look(later + 126 * MINUTE) == 1
    AttributionRules.objects.update(kept_scopes=["contacts", "account"])
    assert look(later + 127 * MINUTE) == 1
    assert set(Credit.objects.values_list("scope", flat=True)) == {"contacts", "account"}
    AttributionRules.objects.update(kept_scopes=[])
    assert look(later + 128 * MINUTE) == 0
    assert set(Credit.objects.values_list("scope", flat=True)) == {"contacts"}


def test_a_clock_that_was_set_back_hides_nothing(now: datetime) -> None:
    deal = OpportunityFactory(status="won", opened_at=now - 3 * MINUTE, closed_at=now - 2 * MINUTE)
    assert look(now + timedelta(days=300)) == 1
    for minute in (1, 2):
        # Recorded by the same clock, long before the last look.
        Opportunity.objects.filter(pk=deal.pk).update(reporting_cents=minute, changed_at=now + minute * MINUTE)
        assert look(now + minute * MINUTE) == 1
        assert Credit.objects.get(method="linear").cents == minute
