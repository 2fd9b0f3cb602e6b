"""The order in which steps follow each other."""

from __future__ import annotations

from leads.pure.workflows.walk import NO, YES, Place, Walk

# 1, 2 (yes: 21, 22 (yes: 221); no: 25), 3
STEPS = Walk(
    [
        Place(3, None, "", 3),
        Place(1, None, "", 1),
        Place(2, None, "", 2),
        Place(21, 2, YES, 1),
        Place(22, 2, YES, 2),
        Place(221, 22, YES, 1),
        Place(25, 2, NO, 1),
    ]
)


def way(*sides: tuple[int, str]) -> list[int]:
    chosen, found, step = dict(sides), [], STEPS.first()
    while step is not None:
        found.append(step)
        step = STEPS.after(step, chosen.get(step, ""))
    return found


def test_branches_go_on_together_after_their_end() -> None:
    assert way((2, YES), (22, YES)) == [1, 2, 21, 22, 221, 3]
    assert way((2, YES), (22, NO)) == [1, 2, 21, 22, 3]
    assert way((2, NO)) == [1, 2, 25, 3]


def test_lists_by_position() -> None:
    assert STEPS.inside() == [1, 2, 3]
    assert STEPS.inside(2, YES) == [21, 22]
    assert STEPS.inside(1, YES) == []


def test_nothing_to_walk() -> None:
    assert Walk([]).first() is None
