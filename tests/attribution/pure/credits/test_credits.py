"""Credits: whole cents that add up."""

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.pure.credits.credits import _SHORT, _UNITS, LIMIT, _divided, allocate, unattributed_cents
from attribution.pure.journeys.journeys import Journeys, Settings, build
from tests.attribution.pure import reference
from tests.attribution.pure.reference import Deal, Touch, columns
from tests.attribution.pure.strategies import START

PAGE = (Path(__file__).parents[4] / "docs" / "methods.md").read_text(encoding="utf-8")
ROUNDING = re.findall(r"^\| (-?\d+) \| ([^|]+) \| ([^|]+) \| (\d+) \|$", PAGE, flags=re.MULTILINE)


def journeys_of(lengths: list[int]) -> Journeys:
    deal = Deal(created=START, closed=START, milestone=START)
    touches = [Touch(index, place, START - n + place) for index, n in enumerate(lengths) for place in range(n)]
    return build(*columns(touches, [deal] * len(lengths)), Settings())[0]


@pytest.mark.parametrize(("amount", "weights", "credits", "left"), ROUNDING)
def test_worked_case(amount: str, weights: str, credits: str, left: str) -> None:
    shares = np.array([float(Fraction(share)) for share in weights.split()])
    journeys, amounts = journeys_of([len(shares)]), np.array([int(amount)])
    cents = allocate(journeys, shares, amounts)
    assert cents.tolist() == [int(credit) for credit in credits.split()]
    assert unattributed_cents(journeys, cents, amounts).tolist() == [int(left)]


def test_the_page_has_worked_cases() -> None:
    assert len(ROUNDING) == 9


parts = st.lists(st.integers(0, 12), min_size=1, max_size=12).filter(any)


@given(deals=st.lists(st.tuples(parts, st.integers(-(10**14), 10**14)), min_size=1, max_size=6))
def test_many_journeys_at_once_equal_the_plain_split(deals: list[tuple[list[int], int]]) -> None:
    shares = [[Fraction(part, sum(row)) for part in row] for row, _ in deals]
    amounts = np.array([amount for _, amount in deals])
    weights = np.array([float(share) for row in shares for share in row])
    cents = allocate(journeys_of([len(row) for row in shares]), weights, amounts).tolist()
    for row, (_, amount) in zip(shares, deals, strict=True):
        mine, cents = cents[: len(row)], cents[len(row) :]
        assert sum(mine) == amount
        assert all(abs(credit - amount * share) < Fraction(11, 10) for credit, share in zip(mine, row, strict=True))
        assert all(credit == 0 for credit, share in zip(mine, row, strict=True) if share == 0)
        if max(share.denominator for share in row) <= 30:
            assert mine == reference.credits(amount, row)


@given(
    raw=st.lists(st.floats(0, 1), min_size=1, max_size=60).filter(lambda row: sum(row) > 1e-6),
    amount=st.integers(-LIMIT, LIMIT),
)
def test_any_weights_add_up_and_stay_near_their_share(raw: list[float], amount: int) -> None:
    weights = np.array(raw) / np.sum(raw)
    cents = allocate(journeys_of([len(raw)]), weights, np.array([amount]))
    assert int(cents.sum()) == amount
    assert (np.abs(cents - amount * weights) < 1 + abs(amount) * 1e-13).all()
    assert (cents * np.sign(amount) >= 0).all()


@given(raw=st.lists(st.floats(0, 1), min_size=1, max_size=9), amount=st.integers(-(10**12), 10**12))
def test_a_baseline_keeps_its_part(raw: list[float], amount: int) -> None:
    weights = np.array(raw) / (np.sum(raw) + 1)
    journeys, amounts = journeys_of([len(raw)]), np.array([amount])
    cents = allocate(journeys, weights, amounts)
    assert abs(int(cents.sum()) - amount * weights.sum()) <= 0.5 + 1e-3
    assert cents.sum() + unattributed_cents(journeys, cents, amounts).sum() == amount


@given(
    rows=st.lists(st.tuples(st.integers(0, LIMIT), st.integers(0, _UNITS), st.integers(1, _UNITS + 5_000)), min_size=1)
)
def test_division_is_exact(rows: list[tuple[int, int, int]]) -> None:
    rows = [(target, min(units, whole), whole) for target, units, whole in rows]
    quotient, remainder = _divided(*np.array(rows, dtype=np.int64).T)
    expected = [divmod(target * units, whole) for target, units, whole in rows]
    assert list(zip(quotient.tolist(), remainder.tolist(), strict=True)) == expected


@pytest.mark.parametrize("off", [-1, 0, 1])
def test_division_is_exact_beside_whole_quotients(off: int) -> None:
    """Here the floating-point guess falls on either side of the truth."""
    wholes = [3, 7, 10**6 + 3, _UNITS - 2, _UNITS - 1, _UNITS, _UNITS + 1]
    rows = [(LIMIT - step, (whole * step + off) // 50, whole) for whole in wholes for step in range(1, 50)]
    rows += [(whole, 1, whole) for whole in range(1, 200)]  # in floats, 49 * (1 / 49) < 1
    quotient, remainder = _divided(*np.array(rows, dtype=np.int64).T)
    expected = [divmod(target * units, whole) for target, units, whole in rows]
    assert list(zip(quotient.tolist(), remainder.tolist(), strict=True)) == expected


def test_a_long_journey_shares_a_single_cent_over_no_more_than_one_touch() -> None:
    cents = allocate(journeys_of([5_000]), np.full(5_000, 1 / 5_000), np.array([1]))
    assert cents.tolist() == [1] + [0] * 4_999


@pytest.mark.parametrize("length", [_SHORT, _SHORT + 1])
def test_a_very_long_journey_is_split_like_a_short_one(length: int) -> None:
    parts = [1 + place % 3 for place in range(length)]
    weights = np.array(parts) / sum(parts)
    amount = 10 * length + 7
    cents = allocate(journeys_of([1, length, 2]), np.array([1.0, *weights, 0.5, 0.5]), np.array([3, amount, 1]))
    assert (cents[0], cents[-2:].tolist()) == (3, [1, 0])
    mine = cents[1:-2]
    extra = [mine[part - 1 :: 3] - amount * part // sum(parts) for part in (1, 2, 3)]
    assert int(mine.sum()) == amount
    assert all((np.diff(steps) <= 0).all() and set(steps.tolist()) <= {0, 1} for steps in extra)


def test_weights_too_small_for_a_unit_take_nothing() -> None:
    journeys, amounts = journeys_of([2, 1]), np.array([LIMIT, LIMIT])
    cents = allocate(journeys, np.array([4e-16, 4e-16, 1.0]), amounts)
    assert cents.tolist() == [0, 0, LIMIT]
    assert unattributed_cents(journeys, cents, amounts).tolist() == [LIMIT, 0]


@pytest.mark.parametrize(
    ("weights", "amounts", "message"),
    [
        ([1.0], [1], "one weight per touchpoint"),
        ([0.5, 0.5], [1, 2], "one amount per opportunity"),
        ([0.5, 0.5], [LIMIT + 1], "cannot be split"),
        ([0.5, 0.5], [-LIMIT - 1], "cannot be split"),
        ([1.5, -0.5], [1], "negative"),
        ([0.6, 0.6], [1], "more than 1"),
        ([float("nan"), 0.5], [1], "negative"),
    ],
)
def test_bad_input_is_refused(weights: list[float], amounts: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        allocate(journeys_of([2]), np.array(weights), np.array(amounts))


@pytest.mark.parametrize("size", [1, 2, 7, 60])
def test_the_size_of_the_parts_changes_nothing(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    rng = np.random.default_rng(7)
    journeys = journeys_of(rng.integers(1, 9, 40).tolist())
    amounts = rng.integers(-(10**9), 10**9, 40)
    for credited in (1.0, 0.6):  # with and without touches that earn nothing
        raw = rng.random(len(journeys.row)) * (rng.random(len(journeys.row)) < credited)
        weights = raw / np.maximum(journeys.spread(journeys.sums(raw)), 1e-12)
        whole = allocate(journeys, weights, amounts)
        with monkeypatch.context() as patch:
            patch.setattr("attribution.pure.credits.credits._PART", size)
            assert allocate(journeys, weights, amounts).tolist() == whole.tolist()
