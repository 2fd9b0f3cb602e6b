"""Families in trees of pairs."""

from __future__ import annotations

from leads.pure.tree import family

PAIRS = [(1, None), (2, 1), (3, 2), (4, 2), (5, None), (6, 5)]


def test_a_family_holds_every_depth_and_nobody_else() -> None:
    assert family(PAIRS, 1) == [1, 2, 3, 4]
    assert family(PAIRS, 2) == [2, 3, 4]
    assert family(PAIRS, 6) == [6]


def test_a_loop_ends() -> None:
    assert family([(1, 2), (2, 1)], 1) == [1, 2]
