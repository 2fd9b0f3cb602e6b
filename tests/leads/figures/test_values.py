"""Every figure of the small company against numbers worked out by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from alignment.figures.cycle import cycle_curve
from leads.figures.base import figure, series
from leads.models import CampaignCost, Company
from leads.pure.week import Period, Week
from tests.leads.factories import AccountFactory, CampaignFactory, LeadFactory, OpportunityFactory, stage
from tests.leads.figures import world
from tests.leads.figures.world import AT, NOVEMBER, TZ, on, scope

VALUES = {
    "leads.captured": 5,
    "leads.inquiries": 4,
    "leads.mqls": 4,
    "leads.sals": 2,
    "leads.sqls": 1,
    "leads.conversion.lead_to_mql": 4 / 5,
    "leads.conversion.mql_to_sal": 2 / 4,
    "leads.conversion.mql_to_sql": 1 / 4,
    "leads.conversion.sql_to_opportunity": 1.0,
    "leads.conversion.opportunity_to_won": 1 / 5,
    "leads.period_conversion.lead_to_mql": 4 / 5,
    "leads.period_conversion.mql_to_sal": 2 / 4,
    "leads.period_conversion.mql_to_sql": 1 / 4,
    "leads.period_conversion.sql_to_opportunity": 1 / 1,
    "leads.period_conversion.opportunity_to_won": 3 / 5,
    "leads.acceptance_rate": 2 / 3,
    "leads.rejection_reasons": 1,
    "leads.rejection_rate": 1 / 3,
    "leads.sent_back": 1,
    "leads.speed_to_lead": 330,  # 2 and 9 hours
    "leads.follow_up_attainment": 1 / 3,
    "leads.lead_velocity": None,  # October 1, September 0
    "pipeline.created": 450_001,
    "pipeline.created_count": 5,
    "pipeline.open": 300_001,
    "pipeline.open_count": 4,
    "pipeline.weighted": 10_000 + 50_000,
    "pipeline.won": 400_000,
    "pipeline.won_count": 3,
    "pipeline.lost_count": 1,
    "pipeline.win_rate": 3 / 4,
    "pipeline.deal_size": 200_000,
    "pipeline.cycle_median": 34.0,  # 10, 34 and 45 days
    "pipeline.cycle_survival": None,  # two of five decided: less than half
    "pipeline.stalled": 1,  # the old one has been in discovery since 2 October
    "pipeline.advanced": 1,
    "pipeline.slipped": 0,
    "pipeline.velocity": round(4 * 0.75 * 200_000 / 34),
    "pipeline.sourced": 300_000 + 50_000,
    "pipeline.influenced": 300_000 + 50_000 + 100_001,
    "spend.total": 18_000 + 20_000,
    "quality.missing_cost": 2,
    "quality.missing_contacts": 1,
    "quality.unassigned": 1,
    "quality.no_email": 1,
}


@pytest.fixture
def made(company: Company):
    return world.build()


@pytest.mark.parametrize("key", VALUES)
def test_value(made, key: str) -> None:
    assert figure(key, scope()).value == pytest.approx(VALUES[key])


# The same questions of a part of the company: rep Ann, territory South, events with their webinars, campaign Search.
NARROWED = {
    "leads.captured": {"ann": 2, "south": 2, "events": 2, "search": 2},
    "leads.inquiries": {"ann": 2, "south": 1, "events": 1, "search": 2},
    "leads.mqls": {"ann": 2, "south": 2, "events": 2, "search": 2},
    "leads.acceptance_rate": {"ann": 1.0, "south": 0.0, "events": 0.0, "search": 1.0},
    "leads.speed_to_lead": {"ann": 330, "south": None, "events": None, "search": 330},
    "leads.follow_up_attainment": {"ann": 1 / 2, "south": 0.0, "events": 0.0, "search": 1 / 2},
    "pipeline.created": {"ann": 400_001, "south": 50_000, "events": 50_000, "search": 400_001},
    "pipeline.open_count": {"ann": 2, "south": 2, "events": 1, "search": 1},
    "pipeline.won": {"ann": 300_000, "south": 100_000, "events": 0, "search": 300_000},
    "pipeline.win_rate": {"ann": 1.0, "south": 2 / 3, "events": 0.0, "search": 1.0},
    "pipeline.sourced": {"ann": 300_000, "south": 50_000, "events": 50_000, "search": 300_000},
    "pipeline.influenced": {"ann": 400_001, "south": 50_000, "events": 50_000, "search": 400_001},
    "quality.unassigned": {"ann": 0, "south": 0, "events": 0, "search": 0},
}


@pytest.mark.parametrize("key", NARROWED)
def test_value_within_a_narrower_scope(made, key: str) -> None:
    scopes = {
        "ann": scope(user=made.ann),
        "south": scope(territory=made.south.pk),
        "events": scope(channel="events"),
        "search": scope(campaign=str(made.search.public_id)),
    }
    assert {name: figure(key, asked).value for name, asked in scopes.items()} == pytest.approx(NARROWED[key])


def test_spend_by_channel(made) -> None:
    assert figure("spend.total", scope(channel="events")).value == 20_000
    assert figure("spend.total", scope(channel="paid-search")).value == 18_000


EXCLUDED = {
    "leads.captured": {"excluded_merged": 1},
    "leads.inquiries": {"excluded_machines": 1},
    "leads.mqls": {"excluded_repeated": 1},
    "leads.acceptance_rate": {"excluded_silent": 2},
    "leads.speed_to_lead": {"excluded_unanswered": 3},
    "leads.follow_up_attainment": {"excluded_not_due": 1, "excluded_not_needed": 1},
    "pipeline.created": {"excluded_deleted": 0, "excluded_no_amount": 1, "excluded_no_rate": 1},
    "pipeline.won": {"excluded_deleted": 0, "excluded_no_amount": 0, "excluded_no_rate": 1},
    "pipeline.sourced": {
        "excluded_no_amount": 1,
        "excluded_no_rate": 0,
        "excluded_sales_first": 1,
        "excluded_self_initiated": 0,
        "excluded_untouched": 1,
    },
    "spend.total": {"excluded_no_rate": 1, "excluded_unknown": 2},
}


@pytest.mark.parametrize("key", EXCLUDED)
def test_rows_left_out(made, key: str) -> None:
    parts = figure(key, scope()).parts
    assert {name: part.count() for name, part in parts.items() if name.startswith("excluded")} == EXCLUDED[key]


def test_survival_counts_open_deals_for_as_long_as_they_have_lasted(made) -> None:
    two_months = Period.of_dates(date(2026, 10, 1), date(2026, 12, 1), TZ)
    assert figure("pipeline.cycle_survival", scope(two_months)).value == pytest.approx(34)
    assert figure("pipeline.cycle_median", scope(two_months)).value == pytest.approx(34)
    curve = cycle_curve(scope(two_months))
    assert (curve.count, curve.event_count) == (8, 4)


def test_unknown_days_of_a_campaign(made) -> None:
    rows = figure("spend.total", scope()).parts["excluded_unknown"].rows()
    assert {row["name"]: (row["known_days"], row["unknown_days"]) for row in rows} == {
        "Search": (18, 2),
        "Expo": (2, 1),
    }


def test_an_empty_company_knows_nothing(company: Company) -> None:
    unknown = {key for key in VALUES if figure(key, scope()).value is None}
    assert {key for key in VALUES if "conversion" in key} < unknown
    assert unknown >= {
        "leads.acceptance_rate",
        "leads.rejection_rate",
        "leads.speed_to_lead",
        "leads.follow_up_attainment",
        "leads.lead_velocity",
        "pipeline.win_rate",
        "pipeline.deal_size",
        "pipeline.cycle_median",
        "pipeline.cycle_survival",
        "pipeline.velocity",
        "spend.total",
    }
    assert figure("leads.captured", scope()).value == 0
    assert figure("pipeline.won", scope()).value == 0


def test_open_pipeline_of_a_past_moment(made) -> None:
    """On 10 November the won and the lost deal were still open, the won one in negotiation."""
    early = scope(Period.of_dates(date(2026, 11, 1), date(2026, 11, 11), TZ))
    assert figure("pipeline.open_count", early).value == 7
    assert figure("pipeline.open", early).value == 300_000 + 50_000 + 100_001 + 200_000
    # 300,000 × 0.75 at negotiation; the lost deal has no history, so that its stage says 0.
    assert figure("pipeline.weighted", early).value == 225_000 + 0 + 10_000 + 50_000


def test_as_of_hides_what_came_later(made) -> None:
    early = scope(at=on(5, 12))
    assert figure("leads.captured", early).value == 4
    assert figure("leads.conversion.mql_to_sal", early).value == 2 / 4
    assert figure("pipeline.won", early).value == 100_000


def test_lead_velocity_takes_whole_months(made) -> None:
    november = scope(
        at=datetime(2026, 12, 3, tzinfo=UTC), period=Period.of_dates(date(2026, 10, 1), date(2027, 1, 1), TZ)
    )
    found = figure("leads.lead_velocity", november)
    assert found.totals == {"this_month": 4, "last_month": 1}
    assert found.value == 3.0


# --- series ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["leads.captured", "leads.mqls", "pipeline.won", "pipeline.created", "spend.total"])
def test_weeks_add_up_to_the_period(made, key: str) -> None:
    first, last = Week(2026, 44), Week(2026, 48)
    weeks = series(key, scope(), first, last)
    whole = scope(Period(first.bounds(TZ)[0], last.bounds(TZ)[1]))
    assert [week for week, _ in weeks] == [Week(2026, number) for number in range(44, 49)]
    assert sum(value or 0 for _, value in weeks) == figure(key, whole).value


def test_every_week_of_a_series_is_the_figure_of_that_week(made) -> None:
    for key in VALUES:
        for week, value in series(key, scope(), Week(2026, 45), Week(2026, 46)):
            if key.startswith(
                ("pipeline.open", "pipeline.weighted", "pipeline.velocity", "pipeline.stalled", "quality.missing_cost")
            ):
                asked = scope(week.period(TZ), at=min(AT, week.bounds(TZ)[1]))
            elif key == "leads.lead_velocity":
                continue
            else:
                asked = scope(week.period(TZ))
            assert value == pytest.approx(figure(key, asked).value), (key, week)


def test_spend_of_a_week_without_reports_is_unknown(made) -> None:
    weeks = dict(series("spend.total", scope(), Week(2026, 46), Week(2026, 48)))
    assert weeks == {Week(2026, 46): 7_000 + 20_000, Week(2026, 47): 3_000, Week(2026, 48): None}


def test_a_future_week_of_a_stock_is_unknown(made) -> None:
    weeks = series("pipeline.open_count", scope(), Week(2026, 47), Week(2026, 48))
    assert weeks == [(Week(2026, 47), 4), (Week(2026, 48), None)]


def test_weeks_follow_the_local_calendar_over_daylight_saving_and_week_53(company: Company) -> None:
    # Summer time ends on Sunday 25 October 2026, 3:00; the week has 169 hours and ends at 23:00 UTC.
    LeadFactory(captured_at=datetime(2026, 10, 18, 22, 0, tzinfo=UTC))  # Monday 0:00, week 43
    LeadFactory(captured_at=datetime(2026, 10, 25, 22, 59, tzinfo=UTC))  # Sunday 23:59, week 43
    LeadFactory(captured_at=datetime(2026, 10, 25, 23, 0, tzinfo=UTC))  # Monday 0:00, week 44
    LeadFactory(captured_at=datetime(2027, 1, 3, 22, 59, tzinfo=UTC))  # Sunday, week 53 of 2026
    LeadFactory(captured_at=datetime(2027, 1, 3, 23, 0, tzinfo=UTC))  # Monday, week 1 of 2027
    late = scope(at=datetime(2027, 2, 1, tzinfo=UTC))
    assert series("leads.captured", late, Week(2026, 42), Week(2026, 44)) == [
        (Week(2026, 42), 0),
        (Week(2026, 43), 2),
        (Week(2026, 44), 1),
    ]
    assert series("leads.captured", late, Week(2026, 53), Week(2027, 1)) == [(Week(2026, 53), 1), (Week(2027, 1), 1)]


def test_a_close_before_the_opening_is_left_out_of_cycles(company: Company) -> None:
    OpportunityFactory(status="won", opened_at=on(9), closed_at=on(8))
    found = figure("pipeline.cycle_median", scope(NOVEMBER))
    assert (found.value, found.parts["excluded_backwards"].count()) == (None, 1)


def refund(company: Company) -> None:
    """One win of 1,000.00 after 10 days, one loss, and a refund of 400.00 after 2 days, of the same account."""
    account = AccountFactory()
    for status, cents, days in (("won", 100_000, 10), ("lost", 50_000, 4), ("won", -40_000, 2)):
        OpportunityFactory(
            account=account, stage=stage(status), status=status, amount_cents=cents, reporting_cents=cents,
            opened_at=on(3), closed_at=on(3 + days),
        )  # fmt: skip
    CampaignCost.objects.create(
        campaign=CampaignFactory(), spent_on=date(2026, 11, 5), amount_cents=10_000, currency="EUR",
        reporting_cents=10_000, recorded_at=AT,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pipeline.won", 60_000),
        ("pipeline.won_count", 1),
        ("pipeline.lost_count", 1),
        ("pipeline.win_rate", 0.5),
        ("pipeline.deal_size", 100_000),
        ("pipeline.cycle_median", 10),
        ("pipeline.cycle_survival", 4),
        ("leads.conversion.opportunity_to_won", 0.5),
        ("leads.period_conversion.opportunity_to_won", 0.5),
        ("attribution.marketing_cac", 10_000),
    ],
)
def test_a_refund_lowers_revenue_and_is_no_win(company: Company, key: str, value: float) -> None:
    refund(company)
    assert figure(key, scope()).value == value


@pytest.mark.parametrize(
    "key",
    [
        "pipeline.won_count",
        "pipeline.win_rate",
        "pipeline.deal_size",
        "pipeline.cycle_median",
        "pipeline.cycle_survival",
        "pipeline.velocity",
        "leads.conversion.opportunity_to_won",
        "attribution.marketing_cac",
    ],
)
def test_refunds_are_listed(company: Company, key: str) -> None:
    refund(company)
    assert [row["amount_cents"] for row in figure(key, scope()).parts["excluded_refunds"].rows()] == [-40_000]
