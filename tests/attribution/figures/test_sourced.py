"""Three tests of sourced deals, worked out by hand."""

from __future__ import annotations

from datetime import date

import pytest

from attribution.figures.sourced import verdicts
from attribution.models import AttributionRules, SourcedTest
from leads.figures.base import Scope, figure
from leads.models import Company, Lead
from leads.pure.week import Period
from tests.attribution.factories import AT, day, deal, touched
from tests.leads.factories import CampaignFactory, LeadFactory, channel

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]


def scope(**more: object) -> Scope:
    tz = Company.current().tz
    return Scope(Period.of_dates(date(2026, 9, 1), date(2026, 12, 1), tz), AT, tz, "EUR", **more)  # type: ignore[arg-type]


def made_known(at: float) -> Lead:
    return LeadFactory(captured_at=day(at))


def value(key: str, **more: object) -> object:
    return figure(key, scope(**more)).value


@pytest.fixture
def social() -> object:
    """Three deals, each sourced by another set of tests."""
    campaign = CampaignFactory(name="Social", channel=channel("paid-social"))
    direct = channel("direct")
    # First touch by marketing, but direct when the person became known; nothing in the 90 days before.
    early = made_known(-150)
    touched(early, campaign, -160)
    touched(early, None, -151, channel=direct)
    deal(early, opened=20, closed=40, amount_cents=1_00)
    # First touch direct, then marketing made the person known, long before the opening.
    middle = made_known(-140)
    touched(middle, None, -145, channel=direct)
    touched(middle, campaign, -141)
    deal(middle, opened=20, closed=40, amount_cents=10_00)
    # First touch and becoming known direct; marketing only shortly before the opening.
    late = made_known(1)
    touched(late, None, 0, channel=direct)
    touched(late, campaign, 10)
    deal(late, opened=20, closed=40, amount_cents=100_00)
    return campaign


@pytest.mark.parametrize(
    ("test", "cents"), [("first_touch", 1_00), ("lead_creation", 10_00), ("opportunity_creation", 100_00)]
)
def test_each_test_says_something_else(social: object, test: str, cents: int) -> None:
    assert value(f"pipeline.sourced.{test}") == value(f"pipeline.sourced_revenue.{test}") == cents
    AttributionRules.objects.update(sourced_test=test)
    assert value("pipeline.sourced") == value("pipeline.sourced_revenue") == cents
    first, *others = verdicts(scope())
    assert (first.test, first.is_agreed, first.pipeline, first.revenue) == (test, True, cents, cents)
    assert {other.pipeline for other in others} == {1_00, 10_00, 100_00} - {cents}


def test_channel_and_campaign_are_those_of_the_deciding_touch(social: object) -> None:
    for test in SourcedTest.values:
        key = f"pipeline.sourced.{test}"
        assert value(key, channel="paid-social") == value(key, campaign=str(social.public_id)) == value(key)  # type: ignore[attr-defined]
        assert value(key, channel="direct") == 0


def test_every_deal_of_the_period_is_sourced_or_left_out_with_a_reason(social: object) -> None:
    deal(made_known(1), opened=20, closed=40, amount_cents=5_00)
    for test in SourcedTest.values:
        parts = figure(f"pipeline.sourced.{test}", scope()).parts
        assert sum(part.count() for part in parts.values()) == 4
