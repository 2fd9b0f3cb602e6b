"""Journeys: who is in, in which order, and who holds which position."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.pure.columns.columns import UNKNOWN
from attribution.pure.journeys.journeys import DAY, Milestones, Settings, build
from tests.attribution.pure import reference
from tests.attribution.pure.reference import Deal, Touch, columns
from tests.attribution.pure.strategies import START, settings_of_companies, worlds


@given(world=worlds(), settings=settings_of_companies)
def test_journeys_equal_the_plain_ones(world: tuple[list[Touch], list[Deal]], settings: Settings) -> None:
    touches, deals = world
    journeys, rejected = build(*columns(touches, deals), settings)

    reasons = [reference.rejection(touch, deals[touch.deal], settings) for touch in touches]
    assert rejected.row.tolist() == [row for row, reason in enumerate(reasons) if reason]
    assert rejected.reasons() == [reason for reason in reasons if reason]

    expected = {
        index: path for index, deal in enumerate(deals) if (path := reference.journey(index, deal, touches, settings))
    }
    assert journeys.opportunity.tolist() == list(expected)
    assert journeys.unattributed.tolist() == [index for index in range(len(deals)) if index not in expected]
    for place, (index, path) in enumerate(expected.items()):
        start, length = int(journeys.starts[place]), int(journeys.lengths[place])
        part = slice(start, start + length)
        assert [touches[row] for row in journeys.row[part]] == path.touches
        assert journeys.touch[part].tolist() == [touch.id for touch in path.touches]
        assert journeys.campaign[part].tolist() == [touch.campaign for touch in path.touches]
        assert journeys.channel[part].tolist() == [touch.channel for touch in path.touches]
        assert journeys.occurred_at[part].tolist() == [touch.at for touch in path.touches]
        assert journeys.age[part].tolist() == [deals[index].milestone - touch.at for touch in path.touches]
        assert set(journeys.journey[part].tolist()) == {place}
        for position in ("first", "lead_creation", "opportunity_creation", "closing"):
            holder, at = getattr(path, position), getattr(journeys, position)[place]
            assert at == (UNKNOWN if holder is None else start + holder), position


@given(world=worlds(), settings=settings_of_companies, order=st.randoms(use_true_random=False))
def test_row_order_does_not_matter(world, settings, order) -> None:
    touches, deals = world
    shuffled = order.sample(touches, len(touches))
    one, _ = build(*columns(touches, deals), settings)
    other, _ = build(*columns(shuffled, deals), settings)
    assert [touches[row] for row in one.row] == [shuffled[row] for row in other.row]
    for column in ("starts", "opportunity", "lead_creation", "opportunity_creation", "closing"):
        assert np.array_equal(getattr(one, column), getattr(other, column))


def test_look_back_includes_the_touch_exactly_as_old() -> None:
    deal = Deal(created=START, closed=START, milestone=START)
    touches = [Touch(0, 1, START - 30 * DAY), Touch(0, 2, START - 30 * DAY - 1)]
    journeys, rejected = build(*columns(touches, [deal]), Settings(look_back_days=30))
    assert journeys.touch.tolist() == [1]
    assert rejected.reasons() == ["outside_look_back"]


def test_a_milestone_after_the_close_still_ends_at_the_close() -> None:
    deal = Deal(created=START, closed=START + DAY, milestone=START + 9 * DAY)
    touches = [Touch(0, 1, START + DAY), Touch(0, 2, START + DAY + 1)]
    _, rejected = build(*columns(touches, [deal]), Settings())
    assert (rejected.row.tolist(), rejected.reasons()) == ([1], ["after_milestone"])


def test_the_same_touch_may_stand_in_two_opportunities() -> None:
    deal = Deal(created=START, milestone=START)
    journeys, _ = build(*columns([Touch(1, 7, START), Touch(0, 7, START)], [deal, deal]), Settings())
    assert journeys.row.tolist() == [1, 0]


def test_no_touches_and_no_opportunities() -> None:
    journeys, rejected = build(*columns([], []), Settings())
    assert (len(journeys), len(rejected.row), len(journeys.unattributed)) == (0, 0, 0)


DEAL = Deal(created=START, milestone=START)


@pytest.mark.parametrize(
    ("touches", "deals", "message"),
    [
        ([Touch(0, 7, START), Touch(0, 7, START)], [DEAL], "touchpoint 7 stands twice"),
        ([Touch(1, 7, START)], [DEAL], "out of range"),
        ([Touch(-1, 7, START)], [DEAL], "out of range"),
        ([], [replace(DEAL, milestone=UNKNOWN)], "must have reached its milestone"),
    ],
)
def test_bad_input_is_refused(touches: list[Touch], deals: list[Deal], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(*columns(touches, deals), Settings())


def test_columns_of_different_length_are_refused() -> None:
    touches, milestones = columns([Touch(0, 7, START)], [DEAL])
    with pytest.raises(ValueError, match=r"touches\.campaign has 0 rows, expected 1"):
        build(replace(touches, campaign=np.zeros(0, dtype=np.int64)), milestones, Settings())
    short = Milestones(milestones.created_at[:0], milestones.closed_at, milestones.milestone_at)
    with pytest.raises(ValueError, match=r"milestones\.created_at has 0 rows"):
        build(touches, short, Settings())
