"""Whose touches may belong to which deal."""

from typing import Any

import numpy as np
import pytest

from attribution.pure.journeys.candidates import World, aligned, candidates, everybody, oldest

ANN, BOB, COLLEAGUE, TWIN, TWIN_OF_TWIN = 1, 2, 3, 4, 5


def columns(**of: list[int]) -> Any:
    return {name: np.array(column, dtype=np.int64) for name, column in of.items()}


def world(**other: Any) -> World:
    """Deal 10 of account 7 with Ann (primary) and Bob, deal 11 without anybody; a touch of each person."""
    parts = {
        "deals": columns(
            id=[10, 11], status=[1, 0], amount_cents=[5, 5], opened_at=[9, 9], closed_at=[9, -1], account=[7, -1]
        ),
        "contacts": columns(deal=[10, 10], lead=[BOB, ANN], is_primary=[0, 1], captured_at=[3, 4]),
        "members": columns(lead=[ANN, COLLEAGUE], account=[7, 7], captured_at=[4, 1]),
        "merged": columns(lead=[TWIN, TWIN_OF_TWIN], into=[ANN, TWIN]),
        "touches": columns(
            lead=[ANN, BOB, COLLEAGUE, TWIN, TWIN_OF_TWIN],
            id=[21, 22, 23, 24, 25],
            campaign=[1] * 5,
            channel=[1] * 5,
            occurred_at=[2] * 5,
            exclusion=[0] * 5,
        ),
        "points": columns(lead=[ANN, BOB], fit=[30, 5]),
    }
    return World(**{**parts, **other})


def touches(found: Any, deal: int = 0) -> list[int]:
    return sorted(found.touches["id"][found.pair_touch[found.pair_deal == deal]].tolist())


@pytest.mark.parametrize(
    ("scope", "expected"),
    [("contacts", [21, 22, 24, 25]), ("primary", [21, 24, 25]), ("account", [21, 22, 23, 24, 25])],
)
def test_people_of_a_scope_with_all_who_were_merged_into_them(scope: str, expected: list[int]) -> None:
    found = candidates(world(), scope)
    assert touches(found) == expected
    assert touches(found, 1) == []
    assert found.known_at.tolist() == [4, -1]  # the primary contact's, not the earliest
    assert found.people_key[1] == found.contacts_key[1] == 0


def test_without_a_primary_contact_all_count() -> None:
    contacts = columns(deal=[10, 10], lead=[BOB, ANN], is_primary=[0, 0], captured_at=[3, 4])
    found = candidates(world(contacts=contacts), "primary")
    assert touches(found) == [21, 22, 24, 25]
    assert found.known_at[0] == 4


def test_keys_tell_what_changed() -> None:
    before = candidates(world(), "contacts")
    unmerged = candidates(world(merged=columns(lead=[TWIN], into=[ANN])), "contacts")
    assert before.contacts_key[0] == unmerged.contacts_key[0]
    assert before.people_key[0] != unmerged.people_key[0]
    other_role = columns(deal=[10, 10], lead=[BOB, ANN], is_primary=[1, 0], captured_at=[3, 4])
    swapped = candidates(world(contacts=other_role), "contacts")
    assert swapped.contacts_key[0] != before.contacts_key[0]
    assert swapped.people_key[0] == before.people_key[0]


def test_points_of_each_person_and_none_without_a_score() -> None:
    found = candidates(world(), "account")
    assert sorted(zip(found.person_deal.tolist(), found.person_points.tolist(), strict=True)) == [
        (0, 0),
        (0, 5),
        (0, 30),
    ]


def test_merges_in_a_circle_end() -> None:
    circle = columns(lead=[ANN, BOB, COLLEAGUE], into=[BOB, COLLEAGUE, ANN])
    assert len(candidates(world(merged=circle), "contacts").pair_touch) > 0


def test_everybody_whose_touches_count_as_somebodys() -> None:
    merged = columns(lead=[TWIN, TWIN_OF_TWIN], into=[ANN, TWIN])
    for asked in (ANN, TWIN, TWIN_OF_TWIN):
        assert set(everybody([asked], merged)) == {ANN, TWIN, TWIN_OF_TWIN}
    assert everybody([BOB], merged) == [BOB]


def test_oldest_and_aligned_rows() -> None:
    rows = columns(lead=[2, 1, 2], id=[9, 8, 7], fit=[90, 80, 70])
    assert oldest(rows, "lead", "id")["fit"].tolist() == [80, 70]
    found, known = aligned(columns(id=[5, 3], cents=[50, 30]), "id", np.array([3, 4, 5]))
    assert (found["cents"].tolist(), known.tolist()) == ([30, 0, 50], [True, False, True])
    found, known = aligned(columns(id=[], cents=[]), "id", np.array([3]))
    assert (found["cents"].tolist(), known.tolist()) == ([0], [False])
