"""An even spread keeps colleagues together."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.pure.spread import spread

ITEMS = st.lists(st.none() | st.integers(1, 6), max_size=40).map(lambda groups: list(enumerate(groups, start=1)))


@given(ITEMS, st.integers(1, 5))
def test_everybody_gets_about_as_much_and_groups_stay_together(items: list[tuple[int, int | None]], size: int) -> None:
    people = list(range(100, 100 + size))
    given_to = spread(items, people)
    assert given_to.keys() == {item for item, _ in items}
    for group in {group for _, group in items if group is not None}:
        assert len({given_to[item] for item, each in items if each == group}) == 1
    largest = max(Counter(group for _, group in items if group is not None).values(), default=1)
    loads = [list(given_to.values()).count(person) for person in people]
    assert max(loads) - min(loads) <= max(largest, 1)


def test_what_went_before_counts() -> None:
    assert spread([(1, None), (2, None)], [7, 8], loads={7: 2}) == {1: 8, 2: 8}
    assert spread([(1, 5)], [7, 8], settled={5: 8}) == {1: 8}
    assert spread([(1, 5)], [7, 8], settled={5: 9}) == {1: 7}
    with pytest.raises(ValueError, match="nobody"):
        spread([(1, None)], [])
