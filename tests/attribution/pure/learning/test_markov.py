"""Markov chains against hand-worked walks and against slow exact solutions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as tries
from hypothesis import strategies as st

from attribution.pure.learning import markov
from attribution.pure.learning.histories import Histories, histories

Walk = tuple[list[int], bool]
EMAIL, WEBINAR, AD = 0, 1, 2
FOUR: list[Walk] = [([EMAIL], True), ([EMAIL, WEBINAR], True), ([WEBINAR], False), ([AD], False)]


def seen(walks: list[Walk], places: int) -> Histories:
    person = [index for index, (path, _) in enumerate(walks) for _ in path]
    moment = [at for path, _ in walks for at in range(len(path))]
    order = np.random.default_rng(1).permutation(len(person))
    size = len(walks)

    def ints(values: list[int]) -> np.ndarray:
        return np.array(values, dtype=np.int64)[order]

    return histories(
        person=ints(person),
        place=ints([place for path, _ in walks for place in path]),
        at=ints(moment),
        tie=ints(list(range(len(person)))),
        starts_at=np.zeros(size, dtype=np.int64),
        ends_at=np.full(size, 1000, dtype=np.int64),
        converted=np.array([bought for _, bought in walks], dtype=np.bool_),
        band=np.zeros(size, dtype=np.int64),
        channel_of=np.zeros(places, dtype=np.int64),
        is_self_initiated=np.zeros(places, dtype=np.bool_),
    )


def slow(walks: list[Walk], places: int, order: int) -> list[float]:
    """Removal effects by solving one chain per place, with exact fractions."""
    steps: dict[tuple, dict[object, int]] = {}
    for path, bought in walks:
        states = [tuple([None, *path][max(0, at - order + 2) : at + 2]) for at in range(len(path))]
        for here, there in zip([("start",), *states], [*states, bought], strict=True):
            steps.setdefault(here, {}).setdefault(there, 0)
            steps[here][there] += 1
    names = list(steps)

    def converts(without: int | None) -> Fraction:
        rows = []
        for name in names:
            row = [Fraction(int(name == other)) for other in names] + [Fraction(0)]
            if name[-1] != without:
                whole = sum(steps[name].values())
                for there, count in steps[name].items():
                    if there is True:
                        row[-1] += Fraction(count, whole)
                    elif there is not False:
                        row[names.index(there)] -= Fraction(count, whole)
            rows.append(row)
        for at in range(len(rows)):
            pivot = next(index for index in range(at, len(rows)) if rows[index][at])
            rows[at], rows[pivot] = rows[pivot], rows[at]
            rows[at] = [value / rows[at][at] for value in rows[at]]
            for index, row in enumerate(rows):
                if index != at and row[at]:
                    rows[index] = [value - row[at] * other for value, other in zip(row, rows[at], strict=True)]
        return rows[names.index(("start",))][-1]

    whole = converts(None)
    return [float(1 - converts(place) / whole) if whole else 0.0 for place in range(places)]


def test_the_walks_of_the_page() -> None:
    assert markov.first_order(seen(FOUR, 3)) == pytest.approx([3 / 4, 1 / 2, 0])
    five = [*FOUR, ([WEBINAR, EMAIL], False)]
    assert markov.second_order(seen(five, 3)) == pytest.approx([1, 1 / 2, 0])
    assert markov.totals(np.array([3 / 4, 1 / 2, 0]), 10.0).tolist() == pytest.approx([6, 4, 0])


walks = st.lists(st.tuples(st.lists(st.integers(0, 3), min_size=1, max_size=5), st.booleans()), min_size=1, max_size=12)


@pytest.mark.parametrize(("order", "effects"), [(1, markov.first_order), (2, markov.second_order)])
@tries(max_examples=60, deadline=None)
@given(found=walks)
def test_effects_equal_those_of_chains_solved_one_by_one(order, effects, found) -> None:
    ours = effects(seen(found, 5))
    assert ours == pytest.approx(slow(found, 5, order), abs=1e-9)
    assert ((ours >= 0) & (ours <= 1 + 1e-12)).all()
    assert ours[4] == 0


@pytest.mark.parametrize("effects", [markov.first_order, markov.second_order])
def test_nobody_converting_or_nobody_at_all_gives_nothing(effects) -> None:
    assert effects(seen([([0, 1], False)], 2)).tolist() == [0, 0]
    assert effects(seen([], 2)).tolist() == [0, 0]


def test_totals_of_nothing_are_nothing() -> None:
    assert markov.totals(np.zeros(2), 5.0).tolist() == [0, 0]
