"""Hashes: the same for the same input, another for any change that could move a cent."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.pure.journeys.hashing import journey_hashes, mixed, run_hash
from attribution.pure.journeys.journeys import DAY, Settings, build
from tests.attribution.pure.reference import Deal, Touch, columns
from tests.attribution.pure.strategies import START, settings_of_companies, worlds

CLOSE = START + 20 * DAY
DEAL = Deal(created=START + 10 * DAY, closed=CLOSE, milestone=CLOSE, lead_touch=1)
TOUCHES = [Touch(0, 1, START), Touch(0, 2, START + DAY, campaign=1), Touch(1, 3, START)]

FROZEN = [
    "c63e3a40eb5e14d6751093f5a64a0808",
    "1e43fdedcad0ad73704f0366103c333d",
    "cff63bc43034e050aaf121f692411383",
]


def hashes(touches=TOUCHES, deals=(DEAL, DEAL, DEAL), settings=None, **changes) -> list[str]:
    deals = list(deals)
    journeys, _ = build(*columns(touches, deals), settings or Settings())
    given_ = {
        "campaign_ids": np.array([51, 52, 53, 54]),
        "facts": facts(len(deals)),
        "settings_version": "3",
        "method_versions": {"linear": 1, "first_touch": 2},
    }
    return [row.astype("<i8").tobytes().hex() for row in journey_hashes(journeys, **given_ | changes)]


def facts(count: int = 3, **changes: np.ndarray) -> list[np.ndarray]:
    """Id, amount and stage of each deal."""
    known = {"id": np.arange(count) + 100, "amount": np.full(count, 1_000), "stage": np.full(count, 1)}
    return list((known | changes).values())


def changed(**changes) -> list[bool]:
    return [one != other for one, other in zip(hashes(), hashes(**changes), strict=True)]


def touched(place: int, **changes) -> list[Touch]:
    return [replace(touch, **changes) if at == place else touch for at, touch in enumerate(TOUCHES)]


def test_hashes_last() -> None:
    """A stored hash must match next month, too: change the layout number when this changes."""
    assert hashes() == FROZEN
    assert len(set(hashes())) == 3


@given(world=worlds(), settings=settings_of_companies, order=st.randoms(use_true_random=False))
def test_row_order_does_not_matter(world, settings, order) -> None:
    touches, deals = world
    shuffled = order.sample(touches, len(touches))
    assert hashes(touches, deals, settings) == hashes(shuffled, deals, settings)


@pytest.mark.parametrize(
    "touches",
    [
        touched(1, id=9),
        touched(1, at=START + DAY + 1),
        touched(1, campaign=2),
        touched(1, campaign=-1),
        touched(1, is_bot=True),
        TOUCHES[1:],
        [*TOUCHES, Touch(0, 4, START)],
    ],
)
def test_a_changed_touch_changes_its_opportunity_alone(touches: list[Touch]) -> None:
    assert changed(touches=touches) == [True, False, False]


@pytest.mark.parametrize(
    "change",
    [
        {"created": START},
        {"closed": CLOSE + 1},
        {"milestone": CLOSE + 1},
        {"lead_touch": 2},
        {"lead_touch": -1},
    ],
)
def test_a_changed_date_changes_its_opportunity_alone(change: dict[str, int]) -> None:
    assert changed(deals=(replace(DEAL, **change), DEAL, DEAL)) == [True, False, False]


def test_amount_and_stage_change_their_opportunity_alone() -> None:
    assert changed(facts=facts(amount=np.array([1_000, 999, 1_000]))) == [False, True, False]
    assert changed(facts=facts(stage=np.array([1, 1, 2]))) == [False, False, True]
    assert changed(facts=facts(id=np.array([100, 101, 103]))) == [False, False, True]


@pytest.mark.parametrize(
    "change",
    [
        {"settings_version": "4"},
        {"method_versions": {"linear": 2, "first_touch": 2}},
        {"method_versions": {"linear": 1}},
        {"settings": Settings(excluded_channels=frozenset({0}))},
    ],
)
def test_rules_change_every_journey(change: dict) -> None:
    assert changed(**change)[:2] == [True, True]


def test_what_does_not_matter_changes_nothing() -> None:
    same = [False, False, False]
    assert changed(method_versions={"first_touch": 2, "linear": 1}) == same
    assert changed(touches=[*TOUCHES, Touch(0, 4, START, is_bot=True), Touch(1, 5, CLOSE + 1)]) == same
    # A campaign keeps its id when its index moves.
    moved = [replace(touch, campaign=touch.campaign + 1) for touch in TOUCHES]
    assert changed(touches=moved, campaign_ids=np.array([50, 51, 52, 53])) == same


def test_a_run_has_one_hash() -> None:
    assert run_hash(2, 3) == "00000000000000020000000000000003"
    assert len(run_hash(2**64 - 1, 0)) == 32


def test_words_are_scattered_so_that_sums_tell_sets_apart() -> None:
    some = mixed(np.arange(100_000))
    assert len(np.unique(some)) == 100_000
    # Half the bits change with any bit of the input.
    bits = np.unpackbits((some[:1000] ^ mixed(np.arange(1000) ^ 1)).view(np.uint8)).mean()
    assert 0.49 < bits < 0.51
    assert mixed(np.array([1, 4])).sum() != mixed(np.array([2, 3])).sum()


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="columns over the opportunities"):
        hashes(facts=facts(2))
