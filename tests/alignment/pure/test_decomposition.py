"""The parts of a change in revenue."""

from __future__ import annotations

from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignment.pure.decomposition import Decomposition, Segment, decompose, segments
from alignment.pure.ledger import Kept

SEGMENTS = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 10**9), st.integers(-(10**9), 0)).map(
    lambda n: Segment(max(n[0], n[1]), min(n[0], n[1]), n[2] if min(n[0], n[1]) else 0, n[3])
)
PERIODS = st.dictionaries(st.sampled_from("abcd"), SEGMENTS, max_size=4)


@given(PERIODS, PERIODS)
def test_parts_add_up_to_the_cent(previous: dict[str, Segment], current: dict[str, Segment]) -> None:
    change, *parts = astuple(decompose(previous, current))
    assert sum(parts) == change
    revenue = [sum(s.won_cents + s.refund_cents for s in each.values()) for each in (previous, current)]
    assert change == revenue[1] - revenue[0]


@given(PERIODS, PERIODS)
def test_swapping_the_periods_mirrors_the_parts(previous: dict[str, Segment], current: dict[str, Segment]) -> None:
    there, back = astuple(decompose(previous, current)), astuple(decompose(current, previous))
    assert all(abs(a + b) <= 1 for a, b in zip(there, back, strict=True))


@given(PERIODS)
def test_nothing_changed_is_explained_by_nothing(period: dict[str, Segment]) -> None:
    assert decompose(period, period) == Decomposition(0, 0, 0, 0, 0, 0)


@given(PERIODS, st.integers(2, 5))
def test_more_of_the_same_is_volume(period: dict[str, Segment], times: int) -> None:
    more = {
        name: Segment(s.decided * times, s.won * times, s.won_cents * times, s.refund_cents)
        for name, s in period.items()
    }
    result = decompose(period, more)
    assert result.change_cents == result.volume_cents
    assert (result.conversion_cents, result.deal_size_cents, result.mix_cents) == (0, 0, 0)


def test_single_causes_are_named() -> None:
    base = {"ads": Segment(10, 2, 20_000), "email": Segment(10, 5, 50_000)}
    better = {"ads": Segment(10, 4, 40_000), "email": Segment(10, 5, 50_000)}
    bigger = {"ads": Segment(10, 2, 30_000), "email": Segment(10, 5, 50_000)}
    shifted = {"ads": Segment(5, 1, 10_000), "email": Segment(15, 7, 70_000)}
    assert decompose(base, better) == Decomposition(20_000, 0, 20_000, 0, 0, 0)
    assert decompose(base, bigger) == Decomposition(10_000, 0, 0, 10_000, 0, 0)
    assert decompose(base, shifted).mix_cents > 0
    assert decompose({}, base).volume_cents == 70_000
    assert decompose(base, {}).volume_cents == -70_000


def test_refunds_are_no_wins_and_a_part_of_their_own() -> None:
    def won(*amounts: int) -> dict[str, Segment]:
        return segments([Kept(amount, "ads") for amount in amounts])

    assert won(50_000, -20_000) == {"ads": Segment(1, 1, 50_000, -20_000)}
    assert decompose(won(50_000), won(50_000, -20_000)) == Decomposition(-20_000, 0, 0, 0, 0, -20_000)
    assert decompose(won(50_000, -20_000), won(60_000)) == Decomposition(30_000, 0, 0, 10_000, 0, 20_000)
    assert decompose(won(), won(-20_000)) == Decomposition(-20_000, 0, 0, 0, 0, -20_000)


def test_impossible_segments_are_refused() -> None:
    for segment in ((1, 2, 5), (1, 0, 5), (-1, 0, 0)):
        with pytest.raises(ValueError):
            Segment(*segment)
