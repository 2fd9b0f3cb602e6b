"""Attributed + Unattributed = closed-won, to the cent, whatever the filters and the method; header equals list."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from attribution.figures.campaign_series import campaign_months, campaign_weeks
from attribution.figures.campaign_table import campaign_table
from attribution.figures.deals import MET, overlap
from attribution.figures.headlines import TILES, headlines
from attribution.figures.payback import payback
from attribution.models import Credit
from attribution.pure.methods import all_methods
from leads.figures.base import Scope, definitions, figure
from leads.models import CampaignCost, Channel, Company, Opportunity, Territory
from leads.pure.week import Period
from tests.attribution.factories import AT, company_with_deals, cost, day, run
from tests.leads.factories import TerritoryFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
METHODS = [method.key for method in all_methods() if not method.needs_fit]
PERIODS = {"all": (0, 80), "first deals": (39, 41), "second deal": (41, 80), "nothing": (70, 80)}


@pytest.fixture
def made() -> dict[str, Any]:
    made = company_with_deals()
    territory, rep = TerritoryFactory(), UserFactory(role="sales_rep")
    Opportunity.objects.filter(pk__in=[made["won"].pk, made["untouched"].pk]).update(territory=territory, owner=rep)
    run()
    return {**made, "territory": territory, "rep": rep}


def scope(**more: Any) -> Scope:
    start, end = PERIODS[more.pop("period", "all")]
    company = Company.current()
    return Scope(period=Period(day(start), day(end)), at=AT, tz=company.tz, currency="EUR", **more)


def value(key: str, asked: Scope) -> Any:
    return figure(key, asked).value


@pytest.mark.parametrize("basis", ["simple", "realised"])
@pytest.mark.parametrize("period", PERIODS)
def test_attributed_and_unattributed_make_closed_won(made: dict[str, Any], period: str, basis: str) -> None:
    """In every filter: what the filter leaves out is a figure of its own, and nothing else is missing."""
    territories = [None, made["territory"].pk, Territory.objects.get(is_catch_all=True).pk]
    users = [None, made["rep"], UserFactory(role="sales_leader")]
    origins = [{}, {"channel": "paid-social"}, {"campaign": str(made["programme"].public_id)}, {"campaign": "none"}]
    for method, territory, user in product(METHODS, territories, users):
        asked = scope(period=period, method=method, territory=territory, user=user, basis=basis)
        won = value("pipeline.won", asked)
        for origin in origins if method in ("linear", "last_touch") else origins[:1]:
            narrowed = replace(asked, **origin)
            parts = [value(f"attribution.{name}", narrowed) for name in ("revenue", "unattributed", "elsewhere")]
            assert sum(parts) == won, (method, territory, user, origin)
            if basis == "simple" and not origin:
                assert parts[2] == 0
    assert value("pipeline.won", scope(period="all")) == 100_001 + 77_777 + 183_333 + 50_000


def test_journeys_of_one_scope_never_mix_with_those_of_another(made: dict[str, Any]) -> None:
    copies = list(Credit.objects.of_scope("contacts"))
    for copy in copies:
        copy.pk, copy.scope = None, "primary"
    Credit.objects.bulk_create(copies)
    for basis, period in product(("simple", "realised"), PERIODS):
        for key in ("revenue", "unattributed", "elsewhere", "pipeline", "influenced", "coverage", "overlap", "roas"):
            asked = scope(basis=basis, period=period)
            found = {
                value(f"attribution.{key}", replace(asked, journey_scope=name)) for name in ("", "contacts", "primary")
            }
            assert len(found) == 1
    assert value("attribution.revenue", scope(journey_scope="account")) == 0


def test_the_channels_make_the_whole(made: dict[str, Any]) -> None:
    top = Channel.objects.filter(parent__isnull=True)
    for method, basis in product(METHODS, ("simple", "realised")):
        asked = scope(method=method, basis=basis)
        parts = [value("attribution.revenue", replace(asked, channel=found.key)) for found in top]
        assert sum(parts) == value("attribution.revenue", asked)


@pytest.mark.parametrize("basis", ["simple", "realised"])
def test_every_cell_of_the_table_is_its_figure(made: dict[str, Any], basis: str) -> None:
    for period in PERIODS:
        asked = scope(basis=basis, period=period)
        table = campaign_table(asked, METHODS)
        for channel in table.channels:
            for _, node in channel.walk():
                campaign = "none" if node.kind == "none" else str(node.campaign or "")
                here = replace(asked, channel=node.channel, campaign=campaign)
                for method in METHODS:
                    assert node.revenue[method] == value("attribution.revenue", replace(here, method=method))
                assert node.pipeline == value("attribution.pipeline", here)
                assert node.cost == value("attribution.cost", here)
                assert node.leads == value("leads.captured", here)
                assert node.roi("linear") == value("attribution.roi", here)
        for method in METHODS:
            assert table.unattributed[method] == value("attribution.unattributed", replace(asked, method=method))
        assert {table.total[method] for method in METHODS} == {value("pipeline.won", asked)}


def test_the_programme_holds_its_campaigns(made: dict[str, Any]) -> None:
    table = campaign_table(scope(method="first_touch"), METHODS)
    search = next(node for node in table.channels if node.channel == "paid-search")
    programme = search.children[0]
    assert (programme.kind, programme.name) == ("programme", "Search programme")
    assert [node.name for node in programme.children] == ["Search"]
    assert programme.revenue["first_touch"] == 100_001 + 77_777
    assert (
        value("attribution.revenue", scope(method="first_touch", campaign=str(made["programme"].public_id))) == 177_778
    )


def test_the_tiles_are_their_figures(made: dict[str, Any]) -> None:
    for period, campaign, basis in product(PERIODS, ("", str(made["social"].public_id)), ("simple", "realised")):
        asked = scope(period=period, campaign=campaign, basis=basis)
        assert headlines(asked) == {name: value(f"attribution.{name}", asked) for name in TILES}


def test_the_weeks_add_up(made: dict[str, Any]) -> None:
    for basis in ("simple", "realised"):
        asked = scope(campaign=str(made["social"].public_id), basis=basis)
        weeks = campaign_weeks(asked)
        assert sum(week.revenue for week in weeks) == value("attribution.revenue", asked) > 0
        assert sum(week.cost or 0 for week in weeks) == value("attribution.cost", asked) == 50_000
        assert sum(week.leads for week in weeks) == value("leads.captured", asked)
        assert weeks[-1].pipeline == value("attribution.pipeline", asked) > 0
        assert len(weeks) == 12
        months = campaign_months(asked)
        assert [month.name for month in months] == ["2026-09", "2026-10", "2026-11"]
        for name in ("revenue", "leads", "mqls"):
            assert sum(getattr(month, name) for month in months) == sum(getattr(week, name) for week in weeks)
        assert [month.cost for month in months] == [50_000, None, None]
        assert months[-1].pipeline == weeks[-1].pipeline


def test_unknown_cost_gives_unknown_roi(made: dict[str, Any]) -> None:
    mail = scope(campaign=str(made["mail"].public_id))
    assert value("attribution.revenue", mail) > 0
    assert [value(f"attribution.{name}", mail) for name in ("cost", "roi", "payback")] == [None, None, None]
    cost(made["mail"], 0)
    assert [value(f"attribution.{name}", mail) for name in ("cost", "roi", "payback")] == [0, None, None]
    cost(made["mail"], 1_000, at=11)
    revenue = value("attribution.revenue", mail)
    assert value("attribution.roi", mail) == (revenue - 1_000) / 1_000


def test_roas_is_of_advertising_alone(made: dict[str, Any]) -> None:
    cost(made["mail"], 1_000, at=11)  # e-mail is no bought media
    asked = scope()
    bought = [value("attribution.revenue", replace(asked, channel=key)) for key in ("paid-search", "paid-social")]
    assert value("spend.advertising", asked) == 80_000
    assert value("spend.total", asked) == 81_000
    assert value("attribution.roas", asked) == sum(bought) / 80_000
    assert value("attribution.roas", replace(asked, channel="email")) is None


@pytest.mark.parametrize(("spent", "months", "reason"), [(1, 2, ""), (None, None, "no cost"), (0, None, "nothing was")])
def test_payback_counts_calendar_months(
    made: dict[str, Any], spent: int | None, months: int | None, reason: str
) -> None:
    # Mail was touched on days 10, 30 and 50; its deals closed on days 40 (October) and 60 (November). Cost: September.
    if spent is not None:
        cost(made["mail"], spent)
    mail = scope(campaign=str(made["mail"].public_id))
    found = payback(mail)
    assert (found.months, value("attribution.payback", mail)) == (months, months)
    assert found.reason.startswith(reason)


def test_payback_is_reached_in_the_month_that_earns_the_last_cent(made: dict[str, Any]) -> None:
    mail = scope(campaign=str(made["mail"].public_id), period="nothing")
    Opportunity.objects.filter(pk=made["repeat"].pk).update(closed_at=day(65))  # in November
    first = value("attribution.revenue", scope(campaign=mail.campaign, period="first deals"))
    whole = value("attribution.revenue", scope(campaign=mail.campaign))
    row = cost(made["mail"], first)
    assert payback(mail).months == 2
    for cents, months in ((first + 1, 3), (whole, 3), (whole + 1, None)):
        CampaignCost.objects.filter(pk=row.pk).update(amount_cents=cents, reporting_cents=cents)
        assert payback(mail).months == months
    assert "earned back so far" in payback(mail).reason
    assert figure("attribution.payback", mail).parts["months"].rows() == []


def test_payback_by_touch_is_sooner(made: dict[str, Any]) -> None:
    cost(made["mail"], 1)
    assert payback(scope(campaign=str(made["mail"].public_id), basis="realised")).months == 1


def test_overlap_tells_why_influenced_must_not_be_summed(made: dict[str, Any]) -> None:
    found = figure("attribution.overlap", scope())
    counts = {name: part.count() for name, part in found.parts.items()}
    assert {name: counts[name] for name in MET} == overlap(scope())
    assert sum(counts.values()) == value("attribution.influenced", scope())
    assert found.value == counts["two"] + counts["three"] + counts["more"] > 0
    each = [
        value("attribution.influenced", scope(campaign=str(made[name].public_id)))
        for name in ("search", "social", "mail")
    ]
    assert sum(each) > value("attribution.influenced", scope())


def test_influenced_counts_deals_once_and_coverage_is_of_money(made: dict[str, Any]) -> None:
    # won, repeat, dollars, unknown amount, no rate, open; the lost and the untouched are not among them
    assert value("attribution.influenced", scope()) == 6
    assert value("attribution.influenced", scope(campaign=str(made["social"].public_id))) == 6
    assert value("attribution.coverage", scope()) == pytest.approx(361_111 / 411_111)
    assert value("attribution.coverage", scope(period="nothing")) is None


def test_marketing_cac_counts_new_customers(made: dict[str, Any]) -> None:
    # No deal has an account here, so each of the six won ones is its own customer.
    assert value("attribution.marketing_cac", scope()) == round(80_000 / 6)


def test_deals_that_no_sum_can_hold_are_listed_with_their_reason(made: dict[str, Any]) -> None:
    parts = figure("attribution.revenue", scope()).parts
    assert [row["name"] for row in parts["excluded_no_amount"].rows()] == [made["unknown"].name]
    assert [row["name"] for row in parts["excluded_no_rate"].rows()] == [made["no_rate"].name]


def test_every_definition_computes_and_lists_its_rows(made: dict[str, Any]) -> None:
    for meaning in definitions():
        if meaning.key.startswith("attribution."):
            found = figure(meaning.key, scope())
            assert all(isinstance(part.rows(0, 3), list) for part in found.parts.values())
