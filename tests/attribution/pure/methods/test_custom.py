"""Methods a company makes for itself."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import settings as tries
from hypothesis import strategies as st

from attribution.pure.columns.columns import UNKNOWN
from attribution.pure.journeys.journeys import DAY, Journeys, Settings, build
from attribution.pure.methods import Options, get_method, methods_on_offer
from attribution.pure.methods.custom import custom_method
from tests.attribution.pure.reference import Deal, Touch, columns
from tests.attribution.pure.strategies import START, settings_of_companies, worlds

SELF = 4
SAME = {
    "first_touch": {"first_touch": 100},
    "linear": {"others": 100},
    "u_shaped": {"first_touch": 40, "lead_creation": 40, "others": 20},
    "w_shaped": {"first_touch": 30, "lead_creation": 30, "opportunity_creation": 30, "others": 10},
    "lead_creation": {"lead_creation": 100},
    "opportunity_creation": {"opportunity_creation": 100},
}


def made(**shares: object):
    return custom_method(key="custom-ours", name="Ours", version=3, **shares)


def journeys_of(channels: list[int], lead_touch: int = UNKNOWN) -> Journeys:
    touches = [Touch(0, index, START + index * DAY, channel=channel) for index, channel in enumerate(channels)]
    deal = Deal(created=START + 2 * DAY, closed=START + 9 * DAY, milestone=START + 9 * DAY, lead_touch=lead_touch)
    return build(*columns(touches, [deal]), Settings(excluded_channels=frozenset({SELF})))[0]


@pytest.mark.parametrize("key", SAME)
@tries(max_examples=30)
@given(world=worlds(), settings=settings_of_companies)
def test_the_shares_of_a_known_method_give_its_weights(key, world, settings) -> None:
    journeys, _ = build(*columns(*world), settings)
    ours = made(**SAME[key]).weights(journeys, Options())
    assert ours == pytest.approx(get_method(key).weights(journeys, Options()), rel=1e-12)


@tries(max_examples=60)
@given(
    world=worlds(),
    settings=settings_of_companies,
    cuts=st.lists(st.integers(0, 10_000), min_size=4, max_size=4).map(sorted),
    excludes=st.booleans(),
)
def test_each_journey_sums_to_one_or_to_nothing(world, settings, cuts, excludes) -> None:
    names = ("first_touch", "lead_creation", "opportunity_creation", "closing", "others")
    shares = [Decimal(high - low) / 100 for low, high in zip([0, *cuts], [*cuts, 10_000], strict=True)]
    entry = made(**dict(zip(names, shares, strict=True)), excludes_self_initiated=excludes)
    journeys, _ = build(*columns(*world), settings)
    weights = entry.weights(journeys, Options())
    assert (weights >= 0).all()
    if excludes:
        assert not weights[journeys.is_self_initiated].any()
    for start, length in zip(journeys.starts, journeys.lengths, strict=True):
        total = weights[start : start + length].sum()
        assert total == 0 or total == pytest.approx(1, abs=1e-12)


def test_unequal_shares_of_coinciding_positions_add_up() -> None:
    entry = made(
        first_touch=20, lead_creation=Decimal("12.5"), opportunity_creation=40, closing=Decimal("17.5"), others=10
    )
    journeys = journeys_of([0, 1, 2, 0, 3], lead_touch=0)
    assert entry.weights(journeys, Options()).tolist() == pytest.approx([0.325, 0.05, 0.4, 0.05, 0.175])


def test_self_initiated_touches_are_passed_over() -> None:
    entry = made(
        first_touch=40, lead_creation=10, opportunity_creation=20, closing=20, others=10, excludes_self_initiated=True
    )
    journeys = journeys_of([SELF, 1, SELF, 0, 2, SELF], lead_touch=0)
    # Vacant lead creation: 90 parts are left, of which the first touch and creation have 60 together.
    assert entry.weights(journeys, Options()).tolist() == pytest.approx([0, 60 / 90, 0, 10 / 90, 20 / 90, 0])
    assert entry.weights(journeys_of([SELF, SELF]), Options()).tolist() == [0, 0]


def test_vacant_positions_without_others_leave_the_deal_unattributed() -> None:
    entry = made(lead_creation=100)
    assert entry.weights(journeys_of([0, 1]), Options()).tolist() == [0, 0]


@pytest.mark.parametrize(
    "shares",
    [
        {"others": 99},
        {"others": 101},
        {"first_touch": -10, "others": 110},
        {"first_touch": Decimal("33.333"), "others": Decimal("66.667")},
    ],
)
def test_shares_are_refused(shares) -> None:
    with pytest.raises(ValueError, match="sum to 100"):
        made(**shares)


def test_the_sentence_tells_the_shares() -> None:
    entry = made(first_touch=Decimal("62.50"), others=Decimal("37.5"), excludes_self_initiated=True)
    assert (
        entry.sentence == "62.5 % to the first touch, 37.5 % to the others; self-initiated touchpoints are passed over."
    )
    assert (entry.key, entry.name, entry.version, entry.needs_fit, entry.has_baseline) == (
        "custom-ours",
        "Ours",
        3,
        False,
        False,
    )


def test_custom_methods_are_offered_last() -> None:
    offered = methods_on_offer(custom=[made(others=100)])
    assert offered[-1].key == "custom-ours"
    assert offered[0].key == "first_touch"
    assert not any(entry.needs_fit for entry in offered)
