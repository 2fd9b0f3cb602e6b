"""The history of costs: whatever is said through whichever door, it adds up to what stands, and names who said it."""

from __future__ import annotations

import importlib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.db.models import ProtectedError
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from leads.actions.campaigns.forget_costs import forget_cost_rows, forget_costs
from leads.actions.campaigns.keep_cost_history import Said
from leads.actions.campaigns.record_campaigns import CampaignFact, record_campaigns
from leads.actions.campaigns.record_costs import DayCost, record_costs
from leads.models import Campaign, CampaignCost, CostChange, CostDoor, CostEntry, ExchangeRate
from tests.leads.factories import CampaignFactory, UserFactory

AT = datetime(2026, 11, 21, 10, tzinfo=UTC)
FIRST = date(2026, 10, 1)
Key = tuple[int, str, date]
Standing = tuple[int, str, int | None]


def day(campaign: Campaign, number: int, cents: int, currency: str = "EUR") -> DayCost:
    return DayCost(campaign.pk, FIRST + timedelta(days=number), cents, currency)


def replayed() -> dict[Key, Standing]:
    """What stands after every change in order; each must have found what the one before it left."""
    standing: dict[Key, Standing] = {}
    for row in CostChange.objects.select_related("entry").order_by("pk"):
        key = row.entry.campaign_id, row.entry.source, row.spent_on
        before = (row.before_cents, row.before_currency, row.before_reporting_cents)
        assert standing.pop(key, (None, "", None)) == before, row
        if row.after_cents is not None:
            standing[key] = row.after_cents, row.after_currency, row.after_reporting_cents
    return standing


def present() -> dict[Key, Standing]:
    return {
        (row.campaign_id, row.source, row.spent_on): (row.amount_cents, row.currency, row.reporting_cents)
        for row in CampaignCost.objects.all()
    }


STEP = st.one_of(
    st.tuples(st.just("say"), st.sampled_from(["manual", "ads"]), st.dictionaries(
        st.tuples(st.integers(0, 1), st.integers(0, 3)),
        st.tuples(st.integers(0, 3), st.sampled_from(["EUR", "USD"])), max_size=4)),
    st.tuples(st.just("forget"), st.sampled_from(["manual", "ads"]), st.integers(0, 3)),
    st.tuples(st.just("delete"), st.integers(0, 3)),
    st.tuples(st.just("crm"), st.integers(0, 3), st.integers(0, 3)),
    st.tuples(st.just("rate"), st.integers(1, 3)),
)  # fmt: skip


class Replay(TestCase):
    @settings(max_examples=25)
    @given(st.lists(STEP, max_size=8))
    def test_the_history_replays_to_what_stands(self, steps: list[Any]) -> None:
        both = [CampaignFactory(), CampaignFactory()]
        ExchangeRate.objects.create(currency="USD", valid_from=FIRST + timedelta(days=1), rate=Decimal("0.5"))
        said = Said(door=CostDoor.PAGE, name="Ada")
        for step in steps:
            match step:
                case ("say", source, amounts):
                    costs = [day(both[n], d, cents, money) for (n, d), (cents, money) in amounts.items()]
                    record_costs(costs=costs, source=source, said=said, at=AT)
                case ("forget", source, last):
                    until = FIRST + timedelta(days=last)
                    forget_costs(campaign=both[0].pk, first=FIRST, last=until, source=source, said=said, at=AT)
                case ("delete", number):
                    ids = list(CampaignCost.objects.order_by("pk").values_list("pk", flat=True)[:number])
                    forget_cost_rows(ids=ids, said=said, at=AT)
                case ("crm", starts, cents):
                    fact = CampaignFact(
                        key="1",
                        name="",
                        campaign_id=both[1].pk,
                        starts_on=FIRST + timedelta(days=starts),
                        cost_cents=cents,
                        currency="USD",
                    )
                    record_campaigns(facts=[fact], taken=frozenset(), source="crm", at=AT)
                case ("rate", rate):
                    ExchangeRate.objects.update(rate=rate)
            assert replayed() == present()
        assert not CostEntry.objects.filter(changes__isnull=True).exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("company")
def test_an_entry_names_who_said_it_where_and_why_and_what_stood_before() -> None:
    campaign, ada = CampaignFactory(), UserFactory(name="Ada Berg")
    record_costs(costs=[day(campaign, 0, 120)], source="manual", said=Said(door=CostDoor.API, name="ads key"), at=AT)
    said = Said(door=CostDoor.PAGE, by=ada, reason=" The invoice\n says so ")
    for _ in range(2):  # said again, it is nothing new
        record_costs(costs=[day(campaign, 0, 150), day(campaign, 1, 0)], source="manual", said=said, at=AT)
    first, second = CostEntry.objects.order_by("pk")
    assert (first.by, first.by_name, first.door) == (None, "ads key", "api")
    assert (second.by, second.by_name, second.door, second.reason) == (ada, "Ada Berg", "page", "The invoice says so")
    found = second.changes.order_by("spent_on").values_list("before_cents", "after_cents", "is_restating")
    assert list(found) == [(120, 150, True), (None, 0, False)]
    with pytest.raises(ProtectedError):  # it would take what it cost out of past figures
        campaign.delete()


@pytest.mark.django_db
@pytest.mark.usefixtures("company")
@pytest.mark.parametrize(("at", "restates"), [(datetime(2026, 10, 4, 21, tzinfo=UTC), False), (AT, True)])
def test_a_change_restates_once_the_week_is_over(at: datetime, restates: bool) -> None:
    campaign, said = CampaignFactory(), Said(door=CostDoor.PAGE)
    for cents in (1, 2):
        record_costs(costs=[day(campaign, 0, cents)], source="manual", said=said, at=at)
    assert [row.is_restating for row in CostChange.objects.order_by("pk")] == [False, restates]


@pytest.mark.django_db
@pytest.mark.usefixtures("company")
def test_costs_from_before_get_an_opening_entry() -> None:
    campaign = CampaignFactory()
    for number, (source, at) in enumerate([("ads", AT), ("ads", AT), ("manual", AT), ("ads", AT + timedelta(days=1))]):
        CampaignCost.objects.create(
            campaign=campaign,
            spent_on=FIRST + timedelta(days=number),
            amount_cents=number,
            currency="USD",
            source=source,
            recorded_at=at,
        )
    for _ in range(2):  # migrated back and forth, it says nothing twice
        importlib.import_module("leads.migrations.0007_opening_cost_entries").open_history(apps, None)
    assert replayed() == present()
    assert len(present()) == 4
    found = CostEntry.objects.order_by("said_at", "source").values_list("source", "said_at", "door", "by_name")
    later = AT + timedelta(days=1)
    assert list(found) == [("ads", AT, "opening", ""), ("manual", AT, "opening", ""), ("ads", later, "opening", "")]
