"""Moves between states, effects of causes, and the moments that made steps."""

from __future__ import annotations

from itertools import pairwise
from statistics import median
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignment.pure.ledger import Kept, Move, State, applied, effects, is_same, move_within, moves, steps, within

states = st.dictionaries(
    st.sampled_from("ab"),
    st.dictionaries(st.sampled_from("123456"), st.builds(Kept, st.integers(-99, 99), st.sampled_from("xy"))),
)


def total(state: State) -> int:
    return sum(kept.amount for rows in state.values() for kept in rows.values())


@given(st.lists(states, min_size=1, max_size=6))
def test_moves_of_consecutive_states_add_up(given_states: list[State]) -> None:
    made = [move for before, after in pairwise(given_states) for move in moves(before, after)]
    assert sum(move.amount for move in made) == total(given_states[-1]) - total(given_states[0])


@given(states, states)
def test_all_moves_lead_from_one_state_to_the_other(before: State, after: State) -> None:
    found = applied(before, moves(before, after))
    assert {part: rows for part, rows in found.items() if rows} == {part: rows for part, rows in after.items() if rows}


@given(states, states, st.sampled_from("xy"))
def test_a_group_has_its_own_moves(before: State, after: State, group: str) -> None:
    mine = [found for move in moves(before, after) if (found := move_within(move, group))]
    assert mine == moves(within(before, group), within(after, group))


@given(st.lists(states, min_size=2, max_size=9))
def test_each_step_is_found_at_its_moment(given_states: list[State]) -> None:
    """Known moments are every second one; the others are found by asking for all."""
    last = len(given_states) - 1
    asked: list[int] = []

    def read(micros: int) -> State:
        asked.append(micros)
        return given_states[(micros) // 10]

    found = steps(
        given_states[0],
        given_states[-1],
        [moment * 10 for moment in range(1, last + 1, 2)],
        read=read,
        more=lambda low, high: [
            moment * 10
            for moment in range(1, last + 1)
            if (low is None or moment * 10 > low) and (high is None or moment * 10 < high)
        ],
    )
    for moment, made in found:
        assert moment is not None
        assert made == moves(given_states[moment // 10 - 1], given_states[moment // 10])
    whole = [move for _, made in found for move in made]
    assert sum(move.amount for move in whole) == total(given_states[-1]) - total(given_states[0])


def test_what_happened_at_no_moment_is_said_so() -> None:
    start, end = {"a": {"1": Kept(1)}}, {"a": {"1": Kept(2)}}
    assert steps(start, end, [], read=lambda _: start, more=lambda *_: []) == [(None, moves(start, end))]


def _middle(state: State) -> Any:
    found = [kept.amount for kept in state.get("a", {}).values()]
    return median(found) if found else None


def test_a_median_tells_what_each_cause_alone_would_have_made() -> None:
    start = {"a": {"1": Kept(1), "2": Kept(2), "3": Kept(9)}}
    came, went = Move("a", "4", None, Kept(100)), Move("a", "1", Kept(1), None)
    end = applied(start, [came, went])
    found = effects(start, {"came": [came], "went": [went]}, _middle, first=_middle(start), last=_middle(end))
    assert found.alone == {"came": 3.5, "went": 3.5}
    assert (found.change, found.interaction) == (7, 0)
    found = effects(start, {"all": [came, went]}, _middle, first=None, last=_middle(end))
    assert (found.change, found.interaction, found.alone) == (None, None, {"all": None})


def test_an_amount_changes_by_as_much_whatever_else_changed_it() -> None:
    state = {"a": {"1": Kept(50)}}
    assert applied(state, [Move("a", "1", Kept(10), Kept(13))]) == {"a": {"1": Kept(53)}}
    assert applied({"a": {}}, [Move("a", "1", Kept(10), Kept(13))]) == {"a": {}}


@pytest.mark.parametrize(("one", "other", "same"), [(None, None, True), (None, 0, False), (0.1 + 0.2, 0.3, True)])
def test_unknown_is_no_number(one: float | None, other: float | None, same: bool) -> None:
    assert is_same(one, other) is same
