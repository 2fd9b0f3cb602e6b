"""Which of two records counts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from leads.pure.lifecycle import STAGES
from leads.pure.one_person import filled, gaps, stands_further

EARLY, LATE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)


def test_only_what_is_empty_is_filled() -> None:
    ours = {"phone": "", "job_title": "CTO", "company_size": None}
    theirs = {"phone": "1", "job_title": "Chief", "company_size": 0}
    assert gaps(ours, theirs, list(ours)) == ["phone", "company_size"]


def test_a_place_is_filled_as_a_whole() -> None:
    names = ["country", "region", "postal_code"]
    texan = {"country": "US", "region": "Texas", "postal_code": "75460"}
    assert gaps({"country": "FR", "region": "", "postal_code": ""}, texan, names) == []
    assert gaps({"country": "", "region": "texas", "postal_code": ""}, texan, names) == ["country", "postal_code"]
    assert gaps({}, texan, names) == names


def test_further_columns_become_one_set() -> None:
    assert filled({"a": 1, "b": "", "c": ""}, {"a": 2, "b": 3, "d": 4}) == {"a": 1, "b": 3, "c": "", "d": 4}


@pytest.mark.parametrize(
    ("other", "stage", "is_further"),
    [
        ("sql", "mql", True),
        ("mql", "sql", False),
        ("lead", "lead", False),
        ("customer", "disqualified", True),
        ("disqualified", "lead", True),
        ("disqualified", "sal", False),
    ],
)
def test_the_further_rung_counts(other: str, stage: str, is_further: bool) -> None:
    assert stands_further(other, EARLY, stage, LATE) is is_further


def test_the_later_word_counts_where_sales_and_the_machine_differ() -> None:
    assert stands_further("mql", LATE, "recycled", EARLY)
    assert not stands_further("mql", EARLY, "recycled", LATE)
    assert stands_further("recycled", LATE, "mql", EARLY)
    assert stands_further("disqualified", LATE, "recycled", None)
    assert not stands_further("disqualified", None, "recycled", None)


@pytest.mark.parametrize("one", STAGES)
@pytest.mark.parametrize("two", STAGES)
def test_both_ways_of_merging_end_at_one_stage(one: str, two: str) -> None:
    forth = one if stands_further(one, EARLY, two, LATE) else two
    back = two if stands_further(two, LATE, one, EARLY) else one
    assert forth == back
