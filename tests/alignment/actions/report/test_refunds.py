"""Refunds in the weekly report: they lower won revenue as a part of its change, and are no wins."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from alignment.actions.report.render_report import present_report, render_email
from alignment.actions.report.restate import restate
from alignment.models import WeeklyReport
from leads.models import Company, Opportunity
from leads.past.acting import backdated
from tests.alignment.factories import MONDAY, report
from tests.leads.factories import OpportunityFactory, stage
from tests.leads.figures.world import on

pytestmark = pytest.mark.django_db
WEEK, LAST_WEEK = 10, 3
"""Days of November in the week of the report and the one before."""


def won(day: int, cents: int) -> Opportunity:
    with backdated(on(day)):
        return OpportunityFactory(
            stage=stage("won"), status="won", amount_cents=cents, reporting_cents=cents,
            opened_at=on(1, month=10), closed_at=on(day),
        )  # fmt: skip


def split(found: WeeklyReport) -> dict[str, Any]:
    return {part["key"]: part["cents"] for part in found.content["split"]["parts"]}


def shown(found: WeeklyReport) -> list[str]:
    return [part["name"] for part in present_report(report=found)["split"]["parts"]]


def test_a_refund_is_a_part_of_the_change(company: Company) -> None:
    won(LAST_WEEK, 100_000)
    won(WEEK, 100_000)
    won(WEEK, -40_000)
    found = report()
    assert split(found) == {"volume": 0, "conversion": 0, "deal_size": 0, "mix": 0, "refunds": -40_000}
    assert found.content["split"]["change_cents"] == -40_000
    assert shown(found)[-1] == "Refunds"
    assert "more refunds" in found.content["headline"]["sentence"]
    assert "Refunds: −€400" in render_email(report=found, company_name="Test")[1]


def test_a_week_without_refunds_speaks_of_none(company: Company) -> None:
    won(WEEK, 100_000)
    found = report()
    assert split(found)["refunds"] == 0
    assert "Refunds" not in shown(found)


def test_a_refund_noticed_later_restates_that_part_alone(company: Company) -> None:
    won(LAST_WEEK, 100_000)
    won(WEEK, 100_000)
    found = report()
    with backdated(MONDAY + timedelta(hours=1)):
        OpportunityFactory(
            stage=stage("won"), status="won", amount_cents=-40_000, reporting_cents=-40_000,
            opened_at=on(1, month=10), closed_at=on(WEEK),
        )  # fmt: skip
    rows = {(row.figure, row.item): row for row in restate(at=MONDAY + timedelta(hours=2))}
    moved = {item: row.current_value - row.published_value for (entry, item), row in rows.items() if entry == "split"}
    assert moved == {"refunds": -40_000}
    revenue = rows["pipeline.won", ""]
    assert revenue.current_value - revenue.published_value == -40_000
    assert not {"pipeline.won_count", "pipeline.win_rate", "pipeline.deal_size"} & {entry for entry, _ in rows}
    assert split(found)["refunds"] == 0
