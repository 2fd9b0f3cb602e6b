"""A deal that changed after its week was published, and how pages are asked for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.urls import reverse

from leads.forms.as_of import exact
from leads.models import Opportunity
from leads.past.acting import backdated
from tests.leads.factories import OpportunityFactory, UserFactory

MADE = datetime(2026, 10, 1, tzinfo=UTC)
PUBLISHED = datetime(2026, 11, 23, 6, 0, 0, 123_456, tzinfo=UTC)
CHANGED = PUBLISHED + timedelta(days=6)
WEEK = {"week": "2026-W47"}
PAST = {**WEEK, "as_of": exact(PUBLISHED)}


def changed_deal() -> Opportunity:
    """Won in week 47 for €50,000; after the publication €60,000 were said, and another owner."""
    with backdated(MADE):
        deal = OpportunityFactory(
            name="Analytical engine",
            owner=UserFactory(name="Ada Byron"),
            status="won",
            amount_cents=5_000_000,
            opened_at=datetime(2026, 11, 2, tzinfo=UTC),
            closed_at=datetime(2026, 11, 18, tzinfo=UTC),
        )
    with backdated(CHANGED):
        later = UserFactory(name="Charles Babbage")
        Opportunity.objects.update(amount_cents=6_000_000, reporting_cents=6_000_000, owner=later)
        OpportunityFactory(
            name="Entered late",
            status="won",
            amount_cents=100,
            opened_at=datetime(2026, 11, 3, tzinfo=UTC),
            closed_at=datetime(2026, 11, 19, tzinfo=UTC),
        )
    return deal


def won() -> str:
    return reverse("leads:figure", args=["pipeline.won"])
