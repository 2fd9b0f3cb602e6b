"""A cause is called by what happened: repricing by the date that moved it, a rate only where a rate was changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from alignment.actions.report.restate import restate
from alignment.models import Restatement
from leads.models import (
    CampaignCost,
    Company,
    ExchangeRate,
    FollowUp,
    Lead,
    Opportunity,
    OpportunityContact,
    User,
)
from leads.past.acting import backdated
from tests.alignment.factories import MONDAY, report
from tests.alignment.ledgers import check_sums, lines, named_rows
from tests.leads.factories import (
    CampaignFactory,
    LeadFactory,
    OpportunityFactory,
    TouchpointFactory,
    UserFactory,
    stage,
)
from tests.leads.figures import world

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
LATER = MONDAY + 10 * DAY


@pytest.fixture
def dollars(company: Company) -> Opportunity:
    """An open deal of the week that marketing sourced: 1,000.00 dollars at 0.90; from 23 November on at 0.95."""
    for day, rate in ((date(2026, 1, 1), "0.9"), (date(2026, 11, 23), "0.95")):
        ExchangeRate.objects.create(currency="USD", valid_from=day, rate=Decimal(rate))
    lead = LeadFactory(captured_at=world.on(2))
    TouchpointFactory(lead=lead, campaign=CampaignFactory(), occurred_at=world.on(2))
    deal = OpportunityFactory(
        amount_cents=100_000, currency="USD", reporting_cents=90_000, opened_at=world.on(10), stage=stage("discovery")
    )
    OpportunityContact.objects.create(opportunity=deal, lead=lead)
    return deal


def restated(edit: Callable[[datetime], Any], entry: str = "pipeline.sourced") -> Restatement:
    report()
    with backdated(MONDAY + 9 * DAY):
        edit(MONDAY + 9 * DAY)
    row = {(each.figure, each.item): each for each in restate(at=LATER)}[entry, ""]
    check_sums(row)
    return row


def told(row: Restatement) -> list[tuple[str, bool]]:
    return [(cause["words"], cause["is_correction"]) for cause in row.ledger["causes"]]


def closed(deal: Opportunity, at: datetime, cents: int, status: str = "lost") -> None:
    Opportunity.objects.filter(pk=deal.pk).update(
        status=status, closed_at=at, stage=stage(status), stage_changed_at=at, reporting_cents=cents
    )


def test_a_deal_that_closes_later_is_repriced_and_nothing_was_corrected(dollars: Opportunity) -> None:
    row = restated(lambda at: closed(dollars, MONDAY + 8 * DAY, 95_000))
    assert (row.published_value, row.current_value) == (90_000, 95_000)
    assert told(row) == [("Repriced at the closing date's rate", False)]
    assert not row.is_correction
    (line,) = lines(row)
    assert line["amount"] == 5_000
    assert [(column["label"], column["before"], column["after"]) for column in line["columns"]] == [
        ("Amount in the company currency", "€900.00", "€950.00"),
        ("Closed at", "–", "24 Nov 2026, 06:00"),
    ]


def test_a_close_recorded_late_is_a_correction(dollars: Opportunity) -> None:
    row = restated(lambda at: closed(dollars, MONDAY - 2 * DAY, 91_000))
    assert told(row) == [("Repriced at the closing date's rate", True)]


def test_another_opening_date_prices_at_that_days_rate(dollars: Opportunity) -> None:
    def moved(at: datetime) -> None:
        Opportunity.objects.filter(pk=dollars.pk).update(opened_at=world.on(11), reporting_cents=91_000)

    assert told(restated(moved)) == [("Repriced at the rate of a changed date", True)]


def test_a_rate_is_the_cause_only_where_one_was_changed(dollars: Opportunity) -> None:
    def corrected(at: datetime) -> None:
        ExchangeRate.objects.filter(currency="USD", valid_from=date(2026, 1, 1)).update(rate=Decimal("0.92"))
        Opportunity.objects.filter(pk=dollars.pk).update(reporting_cents=92_000)

    row = restated(corrected)
    assert told(row) == [("Exchange rate changed", True)]
    rate = ExchangeRate.objects.get(currency="USD", valid_from=date(2026, 1, 1))
    assert named_rows(row) == {("leads_opportunity", dollars.pk), ("leads_exchangerate", rate.pk)}


def test_the_rate_of_another_currency_is_no_cause(dollars: Opportunity) -> None:
    def corrected(at: datetime) -> None:
        ExchangeRate.objects.create(currency="GBP", valid_from=date(2026, 1, 1), rate=Decimal("1.1"))
        Opportunity.objects.filter(pk=dollars.pk).update(reporting_cents=92_000)

    row = restated(corrected)
    assert told(row) == [("Amount in the company currency changed", True)]
    assert named_rows(row) == {("leads_opportunity", dollars.pk)}


def test_a_cost_priced_anew_without_a_rate_names_none(company: Company) -> None:
    cost = CampaignCost.objects.create(
        campaign=CampaignFactory(), spent_on=date(2026, 11, 10), amount_cents=100, currency="USD", reporting_cents=90,
        recorded_at=MONDAY - DAY,
    )  # fmt: skip
    row = restated(lambda at: CampaignCost.objects.filter(pk=cost.pk).update(reporting_cents=95), "spend.total")
    assert told(row) == [("Amount in the company currency changed", True)]


@pytest.mark.parametrize(
    ("before", "after", "words", "is_correction"),
    [
        ("won", "open", "Deal reopened", True),
        ("open", "won", "Deal's close recorded late", True),
        ("won", "lost", "Deal status or close date changed", True),
    ],
)
def test_what_became_of_a_deal_is_called_so(
    company: Company, before: str, after: str, words: str, is_correction: bool
) -> None:
    at = {"open": None}
    deal = OpportunityFactory(
        status=before, opened_at=world.on(2), closed_at=at.get(before, world.on(11)), amount_cents=5_000
    )
    row = restated(
        lambda _: Opportunity.objects.filter(pk=deal.pk).update(status=after, closed_at=at.get(after, world.on(11))),
        "pipeline.won",
    )
    assert told(row) == [(words, is_correction)]


def test_an_answer_taken_back_is_no_late_one(company: Company) -> None:
    lead = LeadFactory(captured_at=world.on(10))
    world.follow_up(LeadFactory(), world.on(10, 9), world.on(10, 13), world.on(10, 11))
    done = world.follow_up(lead, world.on(11, 9), world.on(11, 13), world.on(11, 10))
    row = restated(
        lambda at: FollowUp.objects.filter(pk=done.pk).update(done_at=None, outcome=""), "leads.speed_to_lead"
    )
    assert told(row) == [("Answer taken back", True)]


@pytest.mark.parametrize(("was", "becomes"), [(None, "Assigned"), ("somebody", "Unassigned")])
def test_an_owner_is_called_by_what_happened(company: Company, was: str | None, becomes: str) -> None:
    owner: User = UserFactory()
    lead = LeadFactory(captured_at=world.on(10), owner=owner if was else None)
    LeadFactory(captured_at=world.on(10), owner=None)
    row = restated(
        lambda at: Lead.objects.filter(pk=lead.pk).update(owner=None if was else owner), "quality.unassigned"
    )
    assert told(row) == [(f"{becomes} after publication", False)]
