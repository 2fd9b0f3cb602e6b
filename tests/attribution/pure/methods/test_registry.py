"""What holds for every method there is, and for every method to come."""

from decimal import Decimal
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as tries
from hypothesis import strategies as st

from attribution.pure.columns.columns import WON
from attribution.pure.credits.computation import Book
from attribution.pure.credits.credits import allocate, unattributed_cents
from attribution.pure.journeys.candidates import World, candidates
from attribution.pure.journeys.journeys import DAY, Journeys, Settings, build
from attribution.pure.methods import Fit, Method, Options, all_methods, get_method, method, methods_on_offer
from attribution.pure.methods.custom import custom_method
from attribution.pure.rules import Rules
from tests.attribution.pure import reference
from tests.attribution.pure.reference import Deal, Touch, columns
from tests.attribution.pure.strategies import START, amounts, settings_of_companies, worlds

CUSTOM = (
    custom_method(key="custom-four", name="Four", version=1, first_touch=20, lead_creation=30, closing=40, others=10),
    custom_method(key="custom-ours", name="Ours", version=1, first_touch=50, closing=50, excludes_self_initiated=True),
)
registered = pytest.mark.parametrize("entry", all_methods(), ids=lambda entry: entry.key)
every_method = pytest.mark.parametrize("entry", (*all_methods(), *CUSTOM), ids=lambda entry: entry.key)
EXACT = set(reference.WEIGHTS) - {"time_decay", "additive_hazard"}
"""Methods whose weights are plain fractions, so that their cents can be compared one by one."""


def weigh(entry: Method, journeys: Journeys) -> np.ndarray:
    fits = reference.fits(len(journeys.milestones))
    return entry.weights(journeys, Options(half_life_days=reference.HALF_LIFE_DAYS, fits=fits))


def journeys_of(touches: list[Touch], **dates: int) -> Journeys:
    close = START + 20 * DAY
    deal = Deal(**{"created": START + 10 * DAY, "closed": close, "milestone": close} | dates)
    return build(*columns(touches, [deal]), Settings(excluded_channels=frozenset({4})))[0]


def test_every_method_has_a_reference() -> None:
    assert {entry.key for entry in all_methods()} == set(reference.WEIGHTS)


@registered
@tries(max_examples=40)
@given(world=worlds(), settings=settings_of_companies, data=st.data())
def test_weights_and_credits_equal_the_plain_ones(entry, world, settings, data) -> None:
    touches, deals = world
    journeys, _ = build(*columns(touches, deals), settings)
    amount = np.array([data.draw(amounts) for _ in deals], dtype=np.int64)
    weights = weigh(entry, journeys)
    cents = allocate(journeys, weights, amount)
    assert weights.dtype == np.float64
    assert weights.shape == journeys.row.shape
    for index, start, length in zip(journeys.opportunity, journeys.starts, journeys.lengths, strict=True):
        path = reference.journey(index, deals[index], touches, settings)
        expected = reference.WEIGHTS[entry.key](path, settings)
        part = slice(start, start + length)
        assert weights[part] == pytest.approx([float(weight) for weight in expected], rel=1e-12, abs=1e-300)
        if entry.key in EXACT:
            assert cents[part].tolist() == reference.credits(int(amount[index]), expected)


@every_method
@tries(max_examples=40)
@given(world=worlds(), settings=settings_of_companies, data=st.data())
def test_each_journey_sums_to_one_or_to_what_the_baseline_leaves(entry, world, settings, data) -> None:
    touches, deals = world
    journeys, _ = build(*columns(touches, deals), settings)
    amount = np.array([data.draw(amounts) for _ in deals], dtype=np.int64)
    weights = weigh(entry, journeys)
    cents = allocate(journeys, weights, amount)
    left = unattributed_cents(journeys, cents, amount)
    assert (weights >= 0).all()
    assert cents.sum() + left.sum() == amount.sum()
    assert (left[journeys.unattributed] == amount[journeys.unattributed]).all()
    for index, start, length in zip(journeys.opportunity, journeys.starts, journeys.lengths, strict=True):
        total = weights[start : start + length].sum()
        if entry.has_baseline:
            assert total <= 1 + 1e-12
            assert 0 <= left[index] * np.sign(amount[index]) <= abs(amount[index])
        else:
            assert total == 0 or total == pytest.approx(1, abs=1e-12)
            assert left[index] == (amount[index] if total == 0 else 0)


@every_method
@tries(max_examples=40)
@given(
    world=worlds(),
    settings=settings_of_companies,
    data=st.data(),
    order=st.randoms(use_true_random=False),
)
def test_shuffled_rows_give_identical_credits(entry, world, settings, data, order) -> None:
    touches, deals = world
    amount = np.array([data.draw(amounts) for _ in deals], dtype=np.int64)

    def credits_of(rows: list[Touch]) -> dict[tuple[int, int], tuple[float, int]]:
        journeys, _ = build(*columns(rows, deals), settings)
        weights = weigh(entry, journeys)
        opportunity = journeys.opportunity[journeys.journey]
        credited = zip(weights.tolist(), allocate(journeys, weights, amount).tolist(), strict=True)
        return dict(zip(zip(opportunity.tolist(), journeys.touch.tolist(), strict=True), credited, strict=True))

    assert credits_of(touches) == credits_of(order.sample(touches, len(touches)))


@every_method
def test_one_touch_takes_all_but_the_baseline(entry: Method) -> None:
    (weight,) = weigh(entry, journeys_of([Touch(0, 1, START)], lead_touch=1))
    assert 0 < weight < 1 if entry.has_baseline else weight == 1


@every_method
def test_no_touch_leaves_the_deal_unattributed(entry: Method) -> None:
    journeys = journeys_of([])
    weights = weigh(entry, journeys)
    cents = allocate(journeys, weights, np.array([500]))
    assert (weights.tolist(), journeys.unattributed.tolist()) == ([], [0])
    assert unattributed_cents(journeys, cents, np.array([500])).tolist() == [500]


TWO_TOUCHES = {
    "first_touch": [1, 0],
    "last_touch": [0, 1],
    "last_non_self_initiated": [0, 1],
    "linear": [1 / 2, 1 / 2],
    "u_shaped": [1 / 2, 1 / 2],
    "w_shaped": [1 / 3, 2 / 3],
    "full_path": [1 / 4, 3 / 4],
    "time_decay": [1 / 3, 2 / 3],
    "lead_creation": [0, 1],
    "opportunity_creation": [0, 1],
    "shapley": [1 / 2, 1 / 2],
    "markov_1": [1 / 2, 1 / 2],
    "markov_2": [1 / 2, 1 / 2],
    # Ten and three days before the creation, each adding 0.05 a day at first, over a baseline of 0.01.
    "additive_hazard": [
        0.05 * np.exp(-1) / (0.01 + 0.05 * (np.exp(-1) + np.exp(-0.3))),
        0.05 * np.exp(-0.3) / (0.01 + 0.05 * (np.exp(-1) + np.exp(-0.3))),
    ],
    "custom-four": [20 / 90, 70 / 90],
    "custom-ours": [1 / 2, 1 / 2],
}


@every_method
def test_two_touches_of_which_the_second_holds_three_positions(entry: Method) -> None:
    journeys = journeys_of([Touch(0, 1, START), Touch(0, 2, START + 7 * DAY)], lead_touch=2)
    assert weigh(entry, journeys) == pytest.approx(TWO_TOUCHES[entry.key], rel=1e-15)


@every_method
def test_touches_of_one_moment_are_ordered_by_id(entry: Method) -> None:
    rows = [Touch(0, touch, START) for touch in (9, 3, 5)]
    journeys = journeys_of(rows, lead_touch=3)
    assert journeys.touch.tolist() == [3, 5, 9]
    amount = np.array([100])
    cents = allocate(journeys, weigh(entry, journeys), amount)
    again = journeys_of(rows[::-1], lead_touch=3)
    assert cents.tolist() == allocate(again, weigh(entry, again), amount).tolist()
    assert entry.has_baseline or cents.sum() == 100


@every_method
def test_very_old_touches_stay_finite(entry: Method) -> None:
    old = START - 8_000 * DAY
    ancient = journeys_of([Touch(0, 1, old), Touch(0, 2, old + DAY)], lead_touch=1)
    mixed = journeys_of([Touch(0, 1, old), Touch(0, 2, START)], lead_touch=1)
    for journeys in (ancient, mixed):
        weights = weigh(entry, journeys)
        assert np.isfinite(weights).all()
        assert 0 <= weights.sum() <= 1 + 1e-12
        assert entry.has_baseline or weights.sum() == pytest.approx(1, abs=1e-12)


SHARES = ("first_touch", "lead_creation", "opportunity_creation", "closing", "others")
own_methods = st.builds(
    lambda cuts, excludes: custom_method(
        key="custom-any",
        name="Any",
        version=1,
        excludes_self_initiated=excludes,
        **{
            name: Decimal(high - low) / 100 for name, low, high in zip(SHARES, [0, *cuts], [*cuts, 10_000], strict=True)
        },
    ),
    st.lists(st.integers(0, 10_000), min_size=4, max_size=4).map(sorted),
    st.booleans(),
)
MOMENTS = (-8_000, -7_999, 0, 1, 3, 3, 5, 9, 12)
"""Days of touches and deals: very old ones, several of one moment, and one after some of the closes."""


@tries(max_examples=15)
@given(data=st.data(), own=own_methods)
def test_every_scope_of_one_company_keeps_the_invariants(data: st.DataObject, own: Method) -> None:
    """Contacts, primary contact, account: merges, ties, coinciding positions, deals of no, one and two touches; under
    every registered and fitted method, two fixed ones of a company's own and one of any shares."""
    day = st.sampled_from(MOMENTS).map(lambda number: START + number * DAY)
    touches = data.draw(st.lists(st.tuples(st.integers(1, 6), day, st.integers(0, 3)), max_size=8))
    dates = data.draw(st.lists(st.tuples(day, day).map(sorted), min_size=3, max_size=3))
    amount = data.draw(st.lists(amounts, min_size=3, max_size=3))
    ints = partial(np.array, dtype=np.int64)
    known = ints([START] * 3)
    world = World(
        deals={
            "id": ints([10, 11, 12]),
            "status": ints([WON, WON, WON]),
            "amount_cents": ints(amount),
            "opened_at": ints([opened for opened, _ in dates]),
            "closed_at": ints([closed for _, closed in dates]),
            "account": ints([7, 7, -1]),
        },
        # Deal 12 has nobody. Leads 3 and 4 are of the account without being in a deal; 5 was merged into 1, 6 into 5.
        contacts={
            "deal": ints([10, 10, 11]),
            "lead": ints([1, 2, 2]),
            "is_primary": ints([1, 0, 0]),
            "captured_at": known,
        },
        members={"lead": ints([1, 2, 3, 4]), "account": ints([7] * 4), "captured_at": ints([START] * 4)},
        merged={"lead": ints([5, 6]), "into": ints([1, 5])},
        touches={
            "lead": ints([lead for lead, _, _ in touches]),
            "id": ints(range(100, 100 + len(touches))),
            "campaign": ints([campaign for _, _, campaign in touches]),
            "channel": ints([campaign % 3 for _, _, campaign in touches]),
            "occurred_at": ints([moment for _, moment, _ in touches]),
            "exclusion": ints([0] * len(touches)),
        },
        points={"lead": ints([1, 2]), "fit": ints([30, 5])},
    )
    entries = (*all_methods(), *CUSTOM, own)
    rules = Rules(look_back_days=None, self_initiated=frozenset({2}), half_life_days=7.0, version="")
    for scope in ("contacts", "primary", "account"):
        journeys = Book(candidates(world, scope), rules)._journeys
        for entry in entries:
            weights = weigh(entry, journeys)
            cents = allocate(journeys, weights, ints(amount))
            left = unattributed_cents(journeys, cents, ints(amount))
            given_to = np.zeros(3, dtype=np.int64)
            np.add.at(given_to, journeys.opportunity[journeys.journey], cents)
            assert np.isfinite(weights).all()
            assert (weights >= 0).all()
            assert (given_to + left).tolist() == amount
            assert left[2] == amount[2]
            if not entry.has_baseline:
                sums = journeys.sums(weights)
                assert all(total == 0 or total == pytest.approx(1, abs=1e-12) for total in sums.tolist())


def test_methods_are_listed_in_order_with_distinct_names() -> None:
    entries = all_methods()
    assert [entry.key for entry in entries][:2] == ["first_touch", "last_touch"]
    assert len({entry.name for entry in entries}) == len({entry.order for entry in entries}) == len(entries)
    assert all(entry.version >= 1 and entry.sentence.endswith(".") for entry in entries)


def test_an_unknown_method_names_the_known_ones() -> None:
    with pytest.raises(KeyError, match="no model 'best'; there are additive_hazard, first_touch"):
        get_method("best")


def test_a_key_is_registered_once() -> None:
    with pytest.raises(ValueError, match="registered twice"):
        method(key="linear", name="", version=1, sentence="", order=0)(get_method("linear").weights)


@pytest.mark.parametrize("days", [0, -1, float("nan")])
def test_a_half_life_is_positive(days: float) -> None:
    with pytest.raises(ValueError, match="half_life_days"):
        Options(half_life_days=days)


def test_the_half_life_is_a_setting() -> None:
    journeys = journeys_of([Touch(0, 1, START), Touch(0, 2, START + 7 * DAY)])
    weights = get_method("time_decay").weights(journeys, Options(half_life_days=3.5))
    assert weights == pytest.approx([1 / 5, 4 / 5])


def test_methods_that_need_a_fit_are_offered_with_one() -> None:
    assert {entry.key for entry in all_methods()} - {entry.key for entry in methods_on_offer()} == set(
        reference.fits(0)
    )
    offered = methods_on_offer(["markov_1"], CUSTOM)
    assert [entry.key for entry in offered][-3:] == ["markov_1", "custom-four", "custom-ours"]


@pytest.mark.parametrize("key", sorted(reference.fits(0)))
def test_a_method_that_needs_a_fit_is_not_computed_without_one(key: str) -> None:
    with pytest.raises(KeyError, match=key):
        get_method(key).weights(journeys_of([Touch(0, 1, START)]), Options())


def test_without_a_baseline_touches_too_old_to_matter_earn_nothing() -> None:
    journeys = journeys_of([Touch(0, 1, START - 8_000 * DAY)])
    fit = Fit(np.array([0.5]), 10.0, np.zeros(1))
    assert get_method("additive_hazard").weights(journeys, Options(fits={"additive_hazard": fit})).tolist() == [0.0]
