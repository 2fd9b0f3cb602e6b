"""Runs split by account."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from attribution.pure.runs.sharding import split

accounts = st.lists(st.integers(-1, 6), max_size=60)


def deals(of: list[int]) -> dict[str, np.ndarray]:
    return {"id": np.arange(100, 100 + len(of)), "account": np.array(of, dtype=np.int64)}


@given(accounts, st.integers(1, 8))
def test_every_deal_is_in_one_part_and_an_account_in_one(of: list[int], size: int) -> None:
    parts = split(deals(of), size)
    assert sorted(deal for part in parts for deal in part) == list(range(100, 100 + len(of)))
    assert all(parts)
    for account in set(of) - {-1}:
        assert sum(any(of[deal - 100] == account for deal in part) for part in parts) == 1


def test_parts_are_as_large_as_asked_where_accounts_allow_it() -> None:
    assert [len(part) for part in split(deals([-1] * 10), 4)] == [4, 4, 2]
    assert [len(part) for part in split(deals([1] * 10), 4)] == [10]
    assert split(deals([]), 4) == []
