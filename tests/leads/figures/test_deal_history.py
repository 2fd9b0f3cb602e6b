"""Deals of random histories, as they stood at random moments, against the same rules written row by row."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from math import floor
from typing import Any

import pytest

from leads.figures import selection
from leads.figures.base import Scope, figure
from leads.figures.deal_history import is_latest
from leads.figures.deals import open_deals, stands_today
from leads.figures.moments import of_many_moments
from leads.figures.stood import in_stage_since
from leads.models import Company, Opportunity, OpportunityChange
from leads.pure.week import Period
from tests.leads.factories import OpportunityFactory, stage
from tests.leads.figures.world import TZ, on, scope

STAGES = ("qualification", "discovery", "proposal", "won", "lost")
START = on(1, month=9)
NOW = START + timedelta(days=60)


def drawn(draw: random.Random, name: str) -> Opportunity:
    """A deal with up to five lines, some of them of the future, and a row that they need not lead to."""
    moments = sorted(START + timedelta(days=draw.randint(0, 70)) for _ in range(draw.randint(0, 5)))
    last = stage(draw.choice(STAGES))
    closed = None if last.status == "open" else START + timedelta(days=draw.randint(1, 70))
    made = OpportunityFactory(
        name=name,
        stage=last,
        status=last.status,
        opened_at=START + timedelta(days=draw.randint(0, 40)),
        closed_at=closed,
        stage_changed_at=draw.choice([*moments, START + timedelta(days=draw.randint(0, 70))]),
        deleted_at=draw.choice([None, None, None, START + timedelta(days=draw.randint(0, 70))]),
        amount_cents=draw.choice([None, 0, 10_000, 20_000]),
        currency=draw.choice(["EUR", "USD"]),
    )
    Opportunity.objects.filter(pk=made.pk).update(reporting_cents=draw.choice([None, 0, 9_001, 17_003]))
    for place, at in enumerate(moments):
        stood = stage(draw.choice(STAGES))
        OpportunityChange.objects.create(
            opportunity=made,
            stage=stood,
            status=stood.status,
            amount_cents=draw.choice([None, 10_000, 20_000, 33_333]),
            currency=draw.choice(["EUR", "USD"]),
            changed_at=at,
            recorded_at=at,
            source_key=str(place),
        )
    made.refresh_from_db()
    return made


def stood(deal: Opportunity, at: datetime) -> dict[str, Any] | None:
    """How the deal stood at a moment, worked out from its row and its lines; None where it was not open."""
    lines = sorted(deal.changes.all(), key=lambda line: (line.changed_at, line.pk))
    earlier = [line for line in lines if line.changed_at < at]
    told = [line for line in earlier if deal.stage_changed_at >= at or line.changed_at >= deal.stage_changed_at]
    newest = told[-1] if told else None
    if deal.opened_at >= at or (deal.closed_at or at) < at or (deal.deleted_at or at) < at:
        return None
    is_todays = deal.status == "open" and deal.stage_changed_at < at
    was_closed = newest is not None and newest.status != "open" and any(line.status != "open" for line in earlier)
    if was_closed and not is_todays:
        return None
    stands = deal.stage_id if is_todays else (newest.stage_id if newest else None)
    known = {"stood_cents": deal.reporting_cents, "stood_amount_cents": deal.amount_cents}
    known |= {"stood_currency": deal.currency}
    later = [line for line in lines if line.changed_at >= at and line.amount_cents is not None]
    if newest and later and any(_differs(line, newest) for line in later):
        known["stood_cents"] = _worth(deal, newest)
        if newest.amount_cents is not None:
            known |= {"stood_amount_cents": newest.amount_cents, "stood_currency": newest.currency}
    return {"name": deal.name, "stood_stage": stands, "stood_since": _since(deal, told, earlier, stands), **known}


def _differs(line: OpportunityChange, newest: OpportunityChange) -> bool:
    if newest.amount_cents is None:  # a line without an amount says nothing, but of another currency
        return line.currency != newest.currency
    return (line.amount_cents, line.currency) != (newest.amount_cents, newest.currency)


def _worth(deal: Opportunity, newest: OpportunityChange) -> int | None:
    if newest.currency == "EUR":
        return newest.amount_cents
    if not deal.amount_cents or deal.reporting_cents is None or newest.amount_cents is None:
        return None
    if newest.currency != deal.currency:
        return None
    return floor(newest.amount_cents * (deal.reporting_cents / deal.amount_cents) + 0.5)


def _since(
    deal: Opportunity, told: list[OpportunityChange], earlier: list[OpportunityChange], stands: int | None
) -> datetime | None:
    if stands is None:
        return None
    if not told:
        return deal.stage_changed_at
    since = earlier[-1]
    for line in reversed(earlier):
        if line.stage_id != earlier[-1].stage_id:
            break
        since = line
    return since.changed_at


@pytest.mark.parametrize("seed", [1, 2])
def test_deals_stand_as_their_rows_and_lines_say(company: Company, seed: int) -> None:
    draw = random.Random(seed)
    deals = [drawn(draw, f"Deal {number}") for number in range(60)]
    moments = [NOW, *(START + timedelta(days=draw.randint(1, 65)) for _ in range(9))]
    for at in moments:
        asked = _until(at)
        shown = ("name", "stood_stage", "stood_since", "stood_cents", "stood_amount_cents", "stood_currency")
        rows = in_stage_since(open_deals(asked), at=selection.moment(asked)).values(*shown)
        expected = {deal.name: known for deal in deals if (known := stood(deal, at))}
        assert {row["name"]: row for row in rows} == expected
        amounts = [known["stood_cents"] for known in expected.values() if known["stood_cents"] is not None]
        assert figure("pipeline.open", asked).value == (sum(amounts) if amounts or not expected else None)
        assert figure("pipeline.open_count", asked).value == len(expected)


def test_today_is_read_like_any_other_moment(company: Company) -> None:
    """What is dated after now (a close entered ahead, a stage to come) is not yet so, though the rows say it."""
    ahead = NOW + timedelta(days=5)
    for key, closed in (("won", ahead), ("proposal", None)):
        made = OpportunityFactory(
            name=key,
            stage=stage(key),
            status=stage(key).status,
            opened_at=START,
            closed_at=closed,
            stage_changed_at=ahead,
            amount_cents=30_000,
        )
        for place, (stood_at, at, cents) in enumerate((("discovery", START, 10_000), (key, ahead, 30_000))):
            OpportunityChange.objects.create(
                opportunity=made,
                stage=stage(stood_at),
                status=stage(stood_at).status,
                amount_cents=cents,
                currency="EUR",
                changed_at=at,
                recorded_at=at,
                source_key=str(place),
            )
    rows = open_deals(_until(NOW)).order_by("name").values_list("name", "stood_stage_name", "stood_cents")
    assert list(rows) == [("proposal", "Discovery", 10_000), ("won", "Discovery", 10_000)]
    assert figure("pipeline.open", _until(NOW)).value == 20_000


def _until(at: datetime) -> Scope:
    """Asked at this moment, in a period that lasts."""
    return scope(Period.of_dates(START.date(), (START + timedelta(days=120)).date(), TZ), at=at)


@pytest.mark.parametrize("seed", [3, 4])
def test_where_nothing_is_dated_later_the_row_tells_what_the_history_does(company: Company, seed: int) -> None:
    draw = random.Random(seed)
    for number in range(40):
        drawn(draw, f"Deal {number}")
    at = START + timedelta(days=71)
    asked = _until(at)
    assert is_latest(at)
    assert stands_today(asked)
    shown = ("name", "stood_stage", "stood_since", "stood_cents", "stood_amount_cents", "stood_currency")
    shown = (*shown, "stood_stage_name", "stood_position", "stood_probability")
    quick = list(in_stage_since(open_deals(asked), at=at).values(*shown))
    with of_many_moments():
        assert not stands_today(asked)
        told = list(in_stage_since(open_deals(asked), at=at).values(*shown))
    assert len(told) > 5
    assert quick == told


@pytest.mark.parametrize("dated", ["line", "stage", "close"])
def test_one_later_date_has_every_history_read(company: Company, dated: str) -> None:
    at = START + timedelta(days=71)
    deal = OpportunityFactory(opened_at=START, stage_changed_at=START)
    assert is_latest(at)
    if dated == "line":
        OpportunityChange.objects.create(
            opportunity=deal, stage=deal.stage, status="open", currency="EUR", changed_at=at, recorded_at=at,
            source_key="later",
        )  # fmt: skip
    elif dated == "stage":
        Opportunity.objects.update(stage_changed_at=at)
    else:
        Opportunity.objects.update(status="won", closed_at=at, stage=stage("won"))
    assert not is_latest(at)
    assert is_latest(at + timedelta(microseconds=1))


def test_parts_that_lack_nothing_are_not_asked_for(company: Company, django_assert_num_queries) -> None:
    OpportunityFactory(opened_at=START, stage_changed_at=START, amount_cents=5_000, reporting_cents=5_000)
    found = figure("pipeline.open", _until(NOW), with_rows=True)
    with django_assert_num_queries(0):
        assert found.parts["excluded_no_amount"].rows() == []
        assert found.parts["excluded_no_rate"].count() == 0
    OpportunityFactory(opened_at=START, stage_changed_at=START, amount_cents=None, reporting_cents=None)
    found = figure("pipeline.open", _until(NOW), with_rows=True)
    assert found.value == 5_000
    assert found.parts["excluded_no_amount"].count() == 1
    assert found.parts["excluded_no_rate"].count() == 0
