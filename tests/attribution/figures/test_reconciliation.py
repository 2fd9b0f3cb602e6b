"""Attributed + Unattributed = closed-won, to the cent, whatever the filters and the method; header equals list."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from attribution.figures.campaign_table import campaign_table
from attribution.figures.campaign_weeks import campaign_weeks
from attribution.figures.headlines import TILES, headlines
from attribution.pure.methods import all_methods
from leads.figures.base import Scope, definitions, figure
from leads.models import Channel, Company, Opportunity, Territory
from leads.pure.week import Period
from tests.attribution.factories import AT, company_with_deals, cost, day, run
from tests.leads.factories import TerritoryFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
METHODS = [method.key for method in all_methods()]
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


@pytest.mark.parametrize("period", PERIODS)
def test_attributed_and_unattributed_make_closed_won(made: dict[str, Any], period: str) -> None:
    territories = [None, made["territory"].pk, Territory.objects.get(is_catch_all=True).pk]
    users = [None, made["rep"], UserFactory(role="sales_leader")]
    for method, territory, user in product(METHODS, territories, users):
        asked = scope(period=period, method=method, territory=territory, user=user)
        won = value("pipeline.won", asked)
        assert value("attribution.revenue", asked) + value("attribution.unattributed", asked) == won
    assert value("pipeline.won", scope(period="all")) == 100_001 + 77_777 + 183_333 + 50_000


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
        table = campaign_table(asked)
        for channel in table.channels:
            for _, node in channel.walk():
                if node.kind == "none":
                    continue
                here = replace(asked, channel=node.channel, campaign=str(node.campaign or ""))
                for method in METHODS:
                    assert node.revenue[method] == value("attribution.revenue", replace(here, method=method))
                assert node.pipeline == value("attribution.pipeline", here)
                assert node.cost == value("attribution.cost", here)
                assert node.leads == value("leads.captured", here)
                assert node.roi("linear") == value("attribution.roi", here)
        for method in METHODS:
            assert table.unattributed[method] == value("attribution.unattributed", replace(asked, method=method))
        if basis == "simple":
            assert set(table.total.values()) == {value("pipeline.won", asked)}


def test_the_programme_holds_its_campaigns(made: dict[str, Any]) -> None:
    table = campaign_table(scope(method="first_touch"))
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


def test_unknown_cost_gives_unknown_roi(made: dict[str, Any]) -> None:
    mail = scope(campaign=str(made["mail"].public_id))
    assert value("attribution.revenue", mail) > 0
    assert [value(f"attribution.{name}", mail) for name in ("cost", "roi", "roas")] == [None, None, None]
    cost(made["mail"], 0)
    assert [value(f"attribution.{name}", mail) for name in ("cost", "roi", "roas")] == [0, None, None]
    cost(made["mail"], 1_000, at=11)
    revenue = value("attribution.revenue", mail)
    assert value("attribution.roi", mail) == (revenue - 1_000) / 1_000
    assert value("attribution.roas", mail) == revenue / 1_000


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
