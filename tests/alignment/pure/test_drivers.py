"""Why a figure changed: parts that add up, as an independent calculation finds them, the largest first."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from random import Random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignment.pure.drivers import (
    OTHERS,
    by_group,
    by_rate_and_mix,
    by_total,
    by_volume_and_size,
    largest_first,
    part_key,
    round_to_sum,
)
from alignment.pure.headline import Cause, TileChange, headline
from alignment.pure.ledger import Kept, Number, State

WEEKS = 500
ROWS = st.lists(st.builds(Kept, st.integers(1, 10**8), st.sampled_from(["", "North", "South", "East"])), max_size=12)


def state(**parts: list[Kept]) -> State:
    return {name: {str(place): kept for place, kept in enumerate(rows)} for name, rows in parts.items()}


def mean_over_orders(names: list[str], value: Callable[[set[str]], float]) -> dict[str, float]:
    """Replace one factor after another in every order; each factor's mean effect."""
    effects: dict[str, list[float]] = {name: [] for name in names}
    for order in permutations(names):
        changed: set[str] = set()
        for name in order:
            first = value(changed)
            changed = changed | {name}
            effects[name].append(value(changed) - first)
    return {name: fmean(each) for name, each in effects.items()}


def random_deals(random: Random) -> list[Kept]:
    groups = random.sample(["North", "South", "East", "West"], random.randint(1, 4))
    return [Kept(random.randint(1, 5_000_000), random.choice(groups)) for _ in range(random.randint(1, 14))]


@given(ROWS, ROWS)
def test_groups_add_up_to_the_change(before: list[Kept], now: list[Kept]) -> None:
    change = sum(kept.amount for kept in now) - sum(kept.amount for kept in before)
    assert sum(by_group(before, now).values()) == change


@given(ROWS, ROWS)
def test_number_size_and_mix_add_up_to_the_cent(before: list[Kept], now: list[Kept]) -> None:
    change = sum(kept.amount for kept in now) - sum(kept.amount for kept in before)
    assert sum(by_volume_and_size(before, now).values()) == change


def test_random_weeks_agree_with_an_independent_decomposition() -> None:
    random = Random(20261130)
    for _ in range(WEEKS):
        before, now = random_deals(random), random_deals(random)

        def value(changed: set[str], before: list[Kept] = before, now: list[Kept] = now) -> float:
            groups = {kept.group for kept in [*before, *now]}
            rows = {name: now if name in changed else before for name in ("volume", "mix", "deal_size")}
            others = {name: before if name in changed else now for name in rows}
            total = 0.0
            for group in groups:
                sizes = [kept.amount for kept in rows["deal_size"] if kept.group == group]
                sizes = sizes or [kept.amount for kept in others["deal_size"] if kept.group == group]
                part = sum(kept.group == group for kept in rows["mix"]) / len(rows["mix"])
                total += len(rows["volume"]) * part * fmean(sizes)
            return total

        expected = mean_over_orders(["volume", "deal_size", "mix"], value)
        found = by_volume_and_size(before, now)
        assert found.pop("refunds") == 0
        assert found == {name: pytest.approx(effect, abs=1.01) for name, effect in expected.items()}


def test_random_cohorts_agree_with_an_independent_decomposition() -> None:
    random = Random(7)
    for _ in range(WEEKS):
        weeks = []
        for _ in range(2):
            entered = [random.choice(["Paid search", "Events", "Email"]) for _ in range(random.randint(1, 30))]
            reached = [group for group in entered if random.random() < 0.4]
            weeks.append((entered, reached))

        def rate(week: int, group: str, weeks: list[tuple[list[str], list[str]]] = weeks) -> float:
            entered, reached = weeks[week]
            entered = [each for each in entered if each == group]
            if not entered:
                return rate(1 - week, group)
            return sum(each == group for each in reached) / len(entered)

        def value(changed: set[str], weeks: list[tuple[list[str], list[str]]] = weeks) -> float:
            groups = {*weeks[0][0], *weeks[1][0]}
            entered = weeks["mix" in changed][0]
            return sum(entered.count(group) / len(entered) * rate("rate" in changed, group) for group in groups)

        expected = mean_over_orders(["rate", "mix"], value)
        before, now = (
            state(numerator=[Kept(1, each) for each in reached], denominator=[Kept(1, each) for each in entered])
            for entered, reached in weeks
        )
        assert by_rate_and_mix(before, now) == {name: pytest.approx(each) for name, each in expected.items()}


def test_a_cohort_without_entries_has_no_parts() -> None:
    assert by_rate_and_mix(state(numerator=[], denominator=[]), state(numerator=[], denominator=[Kept(1)])) is None


def roi(found: State) -> Number | None:
    revenue, cost = (sum(kept.amount for kept in found[name].values()) for name in ("revenue", "cost"))
    return (revenue - cost) / cost if cost else None


def test_a_return_is_divided_between_revenue_and_cost() -> None:
    before, now = state(revenue=[Kept(300)], cost=[Kept(100)]), state(revenue=[Kept(500)], cost=[Kept(200)])
    found = by_total(roi, before, now)
    assert found is not None
    assert sum(found.values()) == pytest.approx(1.5 - 2.0)
    # 200 more of revenue at a cost of 100 or of 200; 100 more of cost at a revenue of 300 or of 500.
    assert found["revenue"] == pytest.approx((2.0 + 1.0) / 2)
    assert found["cost"] == pytest.approx((-1.5 - 2.5) / 2)
    assert by_total(roi, state(revenue=[Kept(1)], cost=[]), now) is None


def test_the_largest_come_first_and_the_rest_is_one_part() -> None:
    found = largest_first({"a": 1, "b": -9, "c": 4, "d": 0, "e": 2, "f": -3}, 3)
    assert found == {"b": -9, "c": 4, "f": -3, OTHERS: 3}
    assert list(found) == ["b", "c", "f", OTHERS]
    assert largest_first({"a": 1, "b": 2, "c": 3, "d": 4}, 3) == {"d": 4, "c": 3, "b": 2, "a": 1}, "one is no rest"


@given(st.dictionaries(st.text(max_size=3), st.floats(-1e6, 1e6), min_size=1, max_size=6), st.sampled_from([0, 1]))
def test_rounded_parts_add_up_to_the_rounded_change(changes: dict[str, float], decimals: int) -> None:
    total, unit = sum(changes.values()), 10**decimals
    rounded = round(total * unit) / unit
    assert sum(round_to_sum(changes, total, decimals).values()) == pytest.approx(rounded, abs=1e-6)


@pytest.mark.parametrize("shown", [-0.2, 0.1, 0.3])
def test_rounded_parts_add_up_where_the_change_is_one_of_rounded_figures(shown: float) -> None:
    assert sum(round_to_sum({"a": 0.04, "b": 0.04}, shown, 1).values()) == pytest.approx(shown)


def test_keys_fit_and_differ() -> None:
    long = [f"{'A channel with a long name' * 3} {number}" for number in range(2)]
    assert part_key("Events") == "Events"
    assert len({part_key(name) for name in long}) == 2
    assert all(len(part_key(name)) <= 40 for name in long)


def test_sentences_never_name_a_smaller_cause_first() -> None:
    random = Random(1)
    for _ in range(WEEKS):
        causes = tuple(Cause(f"cause {number}", random.random()) for number in range(random.randint(1, 6)))
        tile = TileChange("won", "Won revenue", 2, 1, "money", causes=causes)
        sentence = headline([tile]).sentence
        largest = max(causes, key=lambda cause: cause.size)
        named = sorted(
            (cause for cause in causes if cause.text in sentence), key=lambda each: sentence.index(each.text)
        )
        assert named[0] is largest
        assert [cause.size for cause in named] == sorted((cause.size for cause in named), reverse=True)
