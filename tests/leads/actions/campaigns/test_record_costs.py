"""Costs written down by hand and by machines: exact, idempotent, in the company currency of the day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.actions.campaigns.forget_costs import forget_costs
from leads.actions.campaigns.keep_cost_history import Said
from leads.actions.campaigns.record_costs import CostRefused, record_costs, spread
from leads.models import CampaignCost, CostDoor, ExchangeRate
from tests.leads.factories import CampaignFactory

AT = datetime(2026, 11, 21, 10, tzinfo=UTC)
LATER = datetime(2026, 11, 22, 10, tzinfo=UTC)
FIRST = date(2026, 10, 1)
SAID = Said(door=CostDoor.PAGE)


@given(st.integers(0, 10**12), st.integers(1, 400))
def test_a_period_is_spread_evenly_and_exactly(cents: int, days: int) -> None:
    last = date.fromordinal(FIRST.toordinal() + days - 1)
    found = spread(campaign=1, first=FIRST, last=last, amount_cents=cents, currency="EUR", today=last)
    amounts = [cost.amount_cents for cost in found]
    assert sum(amounts) == cents
    assert len(amounts) == days
    assert max(amounts) - min(amounts) <= 1
    assert (found[0].spent_on, found[-1].spent_on) == (FIRST, last)


@pytest.mark.parametrize(
    ("last", "cents", "says"),
    [
        (date(2026, 9, 30), 1, "before the first"),
        (FIRST, -1, "negative"),
        (date(2046, 1, 1), 1, "At most"),
        (date(2026, 10, 4), 1, "2026-10-04 lies in the future"),
    ],
)
def test_a_period_that_makes_no_sense_is_refused(last: date, cents: int, says: str) -> None:
    with pytest.raises(CostRefused, match=says):
        spread(campaign=1, first=FIRST, last=last, amount_cents=cents, currency="EUR", today=date(2026, 10, 3))


@pytest.mark.django_db
@pytest.mark.usefixtures("company")
def test_said_again_it_changes_nothing_and_another_amount_replaces() -> None:
    campaign = CampaignFactory()

    def record(cents: int, source: str = "manual", at: datetime = AT) -> list[str]:
        last = date(2026, 10, 3)
        costs = spread(
            campaign=campaign.pk, first=FIRST, last=last, amount_cents=cents, currency="EUR", today=at.date()
        )
        return record_costs(costs=costs, source=source, said=SAID, at=at)

    assert record(100) == ["created"] * 3
    assert record(100, at=LATER) == ["unchanged"] * 3
    assert set(CampaignCost.objects.values_list("recorded_at", flat=True)) == {AT}
    assert record(101, at=LATER) == ["unchanged", "updated", "unchanged"]
    assert sum(CampaignCost.objects.values_list("reporting_cents", flat=True)) == 101
    assert record(5, source="ads") == ["created"] * 3  # another source adds to the day
    assert (
        forget_costs(campaign=campaign.pk, first=FIRST, last=date(2026, 10, 2), source="manual", said=SAID, at=AT) == 2
    )
    assert CampaignCost.objects.count() == 4
    assert record_costs(costs=[], source="manual", said=SAID, at=AT) == []


@pytest.mark.django_db
@pytest.mark.usefixtures("company")
def test_the_rate_is_that_of_the_day_and_without_one_nothing_is_guessed() -> None:
    campaign = CampaignFactory()
    ExchangeRate.objects.create(currency="USD", valid_from=date(2026, 10, 2), rate=Decimal("0.5"))
    ExchangeRate.objects.create(currency="USD", valid_from=date(2026, 10, 3), rate=Decimal("0.9"))
    last = date(2026, 10, 3)
    costs = spread(campaign=campaign.pk, first=FIRST, last=last, amount_cents=300, currency="USD", today=last)
    record_costs(costs=costs, source="manual", said=SAID, at=AT)
    assert list(CampaignCost.objects.order_by("spent_on").values_list("reporting_cents", flat=True)) == [None, 50, 90]
