"""The made-up company: same seed, same rows; all that happens, happens in order."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from config.demo.campaigns import BAD_CAMPAIGN, LATE_CHANNEL, LATE_DAYS, WEBINAR_PROGRAMME
from config.demo.company import build
from config.demo.records import DemoCompany

UNTIL = datetime(2026, 11, 21, 22, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def company() -> DemoCompany:
    return build(7, UNTIL, leads=2000)


def test_same_seed_same_rows() -> None:
    assert build(3, UNTIL, leads=150) == build(3, UNTIL, leads=150)
    assert build(3, UNTIL, leads=150).leads != build(4, UNTIL, leads=150).leads


def test_sizes(company: DemoCompany) -> None:
    assert len(company.leads) == 2000
    assert len(company.campaigns) == 60
    assert len(company.deals) == 150
    assert 6 <= len(company.touches) / len(company.leads) <= 9
    assert company.since <= min(touch.at for touch in company.touches)
    assert (UNTIL - company.since).days in range(728, 736)


def test_names_of_campaigns_and_addresses_are_unique(company: DemoCompany) -> None:
    for values in (
        [campaign.slug for campaign in company.campaigns],
        [account.domain for account in company.accounts],
        [lead.email for lead in company.leads if lead.email],
        [lead.external_id for lead in company.leads if lead.external_id],
        [person.email for person in company.people],
    ):
        assert len(values) == len(set(values))


def test_addresses_reach_nobody(company: DemoCompany) -> None:
    assert all(lead.email.isascii() and lead.email.endswith(".example") for lead in company.leads if lead.email)
    assert all(lead.email or lead.external_id for lead in company.leads)
    assert any(not lead.email for lead in company.leads)


def test_every_campaign_has_a_programme_above_it(company: DemoCompany) -> None:
    programmes = {number for number, campaign in enumerate(company.campaigns) if campaign.parent is None}
    parents = Counter(campaign.parent for campaign in company.campaigns if campaign.parent is not None)
    assert len(programmes) == 10
    assert set(parents) == programmes
    assert {touch.campaign for touch in company.touches}.isdisjoint(programmes)


def test_touches_lie_in_time_and_in_their_campaign(company: DemoCompany) -> None:
    for touch in company.touches:
        assert company.since <= touch.at < company.until
        assert company.leads[touch.lead].merged_into is None
        if touch.campaign is None:
            assert touch.channel in {"direct", "organic-search"}
        else:
            assert company.campaigns[touch.campaign].channel == touch.channel


def test_every_lead_is_born_by_a_touch(company: DemoCompany) -> None:
    born = {(touch.lead, touch.at) for touch in company.touches}
    forms = Counter[int]()
    for touch in company.touches:
        if touch.kind == "form_submission" and touch.at < company.leads[touch.lead].captured_at:
            forms[touch.lead] += 1
    assert not forms, "a form makes a person known, so none may come before the capture"
    for number, lead in enumerate(company.leads):
        assert (lead.merged_into is not None) or (number, lead.captured_at) in born


def test_opportunities_tell_a_story_in_order(company: DemoCompany) -> None:
    for deal in company.deals:
        times = [move.at for move in deal.stages]
        assert times == sorted(times)
        assert times[0] == deal.created_at
        assert times[-1] < company.until
        assert deal.stages[-1].stage == deal.stage
        assert deal.amounts[-1].cents == deal.cents > 0
        assert (deal.closed_at is None) == (deal.status == "open")
        assert deal.created_at > company.leads[deal.lead].captured_at
        assert len({lead for lead, _ in deal.contacts}) == len(deal.contacts)
        for lead, _ in deal.contacts:
            assert company.leads[lead].account == deal.account
            assert company.leads[lead].captured_at < (deal.closed_at or company.until)
    status = Counter(deal.status for deal in company.deals)
    assert status["won"] > 15
    assert status["lost"] > status["won"]
    assert status["open"] > 3


def test_one_opportunity_at_a_time_per_account(company: DemoCompany) -> None:
    by_account: dict[int, list[tuple[datetime, datetime]]] = {}
    for deal in company.deals:
        if deal.account is not None:
            by_account.setdefault(deal.account, []).append((deal.created_at, deal.closed_at or company.until))
    for spans in by_account.values():
        spans.sort()
        assert all(before[1] < after[0] for before, after in pairwise(spans))


def test_the_bad_campaign_costs_money_and_causes_nothing(company: DemoCompany) -> None:
    bad = next(n for n, campaign in enumerate(company.campaigns) if campaign.slug == BAD_CAMPAIGN)
    assert sum(cost.cents for cost in company.costs if cost.campaign == bad) > 0
    assert sum(lead.campaign == bad for lead in company.leads) > 20
    assert not [deal for deal in company.deals if deal.cause == bad]
    won_by = {company.leads[deal.lead].campaign for deal in company.deals if deal.status == "won"}
    assert bad not in won_by


def test_the_webinars_work(company: DemoCompany) -> None:
    programme = next(n for n, campaign in enumerate(company.campaigns) if campaign.slug == WEBINAR_PROGRAMME)
    webinars = {n for n, campaign in enumerate(company.campaigns) if campaign.parent == programme}
    caused = sum(deal.cause in webinars for deal in company.deals)
    assert caused / len(company.deals) > 0.15


def test_late_costs_are_missing_and_not_zero(company: DemoCompany) -> None:
    last = {}
    for cost in company.costs:
        assert cost.day < cost.reported_on <= UNTIL.date()
        channel = company.campaigns[cost.campaign].channel
        last[channel] = max(last.get(channel, cost.day), cost.day)
    today = UNTIL.date()
    assert last[LATE_CHANNEL] == today - timedelta(days=LATE_DAYS + 1)
    assert last["paid-search"] == today - timedelta(days=1)


def test_somebody_is_on_leave(company: DemoCompany) -> None:
    away = [
        person.name for person in company.people if any(start <= UNTIL.date() <= end for start, end, _ in person.away)
    ]
    assert len(away) == 1
    assert Counter(person.role for person in company.people) == {
        "sales_rep": 8, "admin": 1, "marketing_director": 1, "sales_leader": 1,
    }  # fmt: skip


def test_rates_cover_every_day(company: DemoCompany) -> None:
    for currency in ("USD", "GBP"):
        days = sorted(rate.day for rate in company.rates if rate.currency == currency)
        assert days[0] <= company.since.date()
        assert UNTIL.date() - days[-1] < timedelta(days=7)
