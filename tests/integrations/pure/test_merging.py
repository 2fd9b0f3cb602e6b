"""When both sides say something else than they agreed on, the policy has to decide, and that is told."""

from __future__ import annotations

import pytest

from integrations.pure.mapping import Direction, FieldRule, Policy
from integrations.pure.merging import in_conflict

BOTH = FieldRule("company", "company", Direction.BOTH, Policy.NEWEST)


@pytest.mark.parametrize(
    ("ours", "theirs", "base", "expected"),
    [
        ("A", "B", {"company": "C"}, True),
        ("A", "B", {"company": "A"}, False),
        ("A", "B", {"company": "B"}, False),
        ("A", "B", {}, True),
        ("A", "", None, False),
        ("A", "A", {"company": "C"}, False),
    ],
)
def test_a_conflict_is_two_changes(ours: str, theirs: str, base: dict[str, str] | None, expected: bool) -> None:
    assert in_conflict(BOTH, ours, theirs, base) is expected
    one_way = FieldRule("company", "company", Direction.PULL, Policy.THEIRS)
    assert not in_conflict(one_way, ours, theirs, base)
