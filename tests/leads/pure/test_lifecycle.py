"""Climbing the ladder, with inferred rungs marked."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.pure.lifecycle import (
    LABELS,
    LADDER,
    STAGES,
    PassageRefused,
    has_reached,
    is_allowed,
    passages_to,
)


@pytest.mark.parametrize(
    ("current", "target", "expected"),
    [
        ("", "subscriber", [("", "subscriber", False)]),
        ("", "lead", [("", "lead", False)]),
        ("", "mql", [("", "lead", True), ("lead", "mql", False)]),
        ("mql", "opportunity", [("mql", "sal", True), ("sal", "sql", True), ("sql", "opportunity", False)]),
        ("subscriber", "lead", [("subscriber", "lead", False)]),
        ("mql", "mql", []),
        ("sal", "recycled", [("sal", "recycled", False)]),
        ("recycled", "mql", [("recycled", "mql", False)]),
        ("recycled", "lead", [("recycled", "lead", False)]),
        ("recycled", "sal", [("recycled", "mql", True), ("mql", "sal", False)]),
        ("disqualified", "mql", [("disqualified", "recycled", True), ("recycled", "mql", False)]),
        ("", "disqualified", [("", "lead", True), ("lead", "disqualified", False)]),
    ],
)
def test_skipped_rungs_are_inferred(current: str, target: str, expected: list[tuple[str, str, bool]]) -> None:
    assert passages_to(current, target) == expected


@pytest.mark.parametrize(
    ("current", "target"),
    [
        ("sql", "mql"), ("customer", "disqualified"), ("customer", "recycled"), ("customer", "lead"),
        ("lead", "recycled"), ("recycled", "subscriber"), ("lead", "vip"), ("vip", "lead"), ("lead", ""),
    ],
)  # fmt: skip
def test_ways_that_do_not_exist_are_refused_in_words(current: str, target: str) -> None:
    with pytest.raises(PassageRefused, match=r"\.$"):
        passages_to(current, target)
    assert not is_allowed(current, target)


@given(st.sampled_from(["", *STAGES]), st.sampled_from(STAGES))
def test_passages_form_one_chain_that_ends_observed(current: str, target: str) -> None:
    if current == target or not is_allowed(current, target):
        return
    passages = passages_to(current, target)
    assert passages[0].from_stage == current
    assert passages[-1].to_stage == target
    assert [passage.is_inferred for passage in passages] == [True] * (len(passages) - 1) + [False]
    for before, after in pairwise(passages):
        assert before.to_stage == after.from_stage


def test_every_stage_has_a_label_and_the_ladder_an_order() -> None:
    assert set(LABELS) == set(STAGES)
    assert has_reached("sql", "mql")
    assert not has_reached("mql", "sql")
    assert not has_reached("recycled", "lead")
    assert LADDER[-1] == "customer"
