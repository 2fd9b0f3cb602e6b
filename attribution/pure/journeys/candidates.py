"""Whose touches may belong to which deal: joins of columns, one result per scope.

Candidates are the touches of the people of the deal: its contacts, its primary contact (all contacts where none is
marked so), or everybody of its account. A merged lead's touches count as the survivor's, each once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from attribution.pure.columns.columns import UNKNOWN, Columns
from attribution.pure.columns.ordering import Ints
from attribution.pure.journeys.hashing import mixed

GENUINE, INTERNAL, MACHINE = 0, 1, 2
"""Why a touch earns nothing, by code."""
UNSCORED = 0


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """Facts of some deals as int64 columns; moments are UTC microseconds since 1970, -1 means none.

    ``deals``: id (ascending), status (a code), amount_cents, opened_at, closed_at, account. ``contacts``: deal, lead,
    is_primary, captured_at. ``members``: lead, account, captured_at of everybody alive in the accounts, for the account
    scope alone. ``merged``: lead, into. ``touches``: lead, id, campaign, channel, occurred_at, exclusion (a code).
    ``points``: lead, fit (points of the first score), where a method asks for them.
    """

    deals: Columns
    contacts: Columns
    members: Columns
    merged: Columns
    touches: Columns
    points: Columns


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Deals, touches, and which touch (index) is a candidate of which deal (index): two columns of equal length.

    Per deal: when the first of its people became known, short hashes of its contacts and of the people they were merged
    to; ``person_deal`` and ``person_points`` list the fit points of each of its people.
    """

    deals: Columns
    touches: Columns
    pair_deal: Ints
    pair_touch: Ints
    known_at: Ints
    contacts_key: Ints
    people_key: Ints
    person_deal: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    person_points: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


def candidates(world: World, scope: str) -> Inputs:
    """Join deals, people and touches under a scope ("contacts", "primary" or "account")."""
    survivors = _Survivors(world.merged)
    deal, lead, weight, captured_at = _contacts(world, scope)
    size = len(world.deals["id"])
    contacts_key = _summed(deal, mixed(lead * 2 + weight), size)
    person = survivors.of(lead)
    kept = _first_of_each(deal, person)
    known_at = np.full(size, UNKNOWN)
    first = np.flatnonzero(np.diff(deal, prepend=-1))
    known_at[deal[first]] = captured_at[first]
    deal, person = deal[kept], person[kept]
    pair_deal, pair_touch = _touches_of(deal, person, survivors.of(world.touches["lead"]))
    return Inputs(
        deals=world.deals,
        touches=world.touches,
        pair_deal=pair_deal,
        pair_touch=pair_touch,
        known_at=known_at,
        contacts_key=contacts_key,
        people_key=_summed(deal, survivors.group_key(person), size),
        person_deal=deal,
        person_points=_lookup(world.points, person),
    )


def everybody(leads: Sequence[int], merged: Columns) -> list[int]:
    """The ids of all whose touches count as these leads': whom they merged to, and who else merged to those."""
    survivors = _Survivors(merged)
    people = np.unique(survivors.of(np.array(leads, dtype=np.int64)))
    found: list[int] = people.tolist() + merged["lead"][np.isin(survivors.of(merged["lead"]), people)].tolist()
    return found


def by(columns: Columns, name: str) -> dict[str, Ints]:
    """The rows in ascending order of a column."""
    order = np.argsort(columns[name], kind="stable")
    return {key: column[order] for key, column in columns.items()}


def oldest(columns: Columns, group: str, age: str) -> dict[str, Ints]:
    """The row of each group with the smallest number in ``age``."""
    order = np.lexsort((columns[age], columns[group]))
    first = order[np.flatnonzero(np.diff(columns[group][order], prepend=-1))]
    return {key: column[first] for key, column in columns.items()}


def aligned(columns: Columns, name: str, ids: Ints) -> tuple[dict[str, Ints], NDArray[np.bool_]]:
    """The rows whose ``name`` is each id, and whether there is one; 0 in every column where there is none."""
    rows = by(columns, name)
    if len(rows[name]) == 0:
        return {key: np.zeros(len(ids), dtype=np.int64) for key in rows}, np.zeros(len(ids), dtype=np.bool_)
    place = np.minimum(np.searchsorted(rows[name], ids), len(rows[name]) - 1)
    known = rows[name][place] == ids
    return {key: np.where(known, column[place], 0) for key, column in rows.items()}, known


def _contacts(world: World, scope: str) -> tuple[Ints, Ints, Ints, Ints]:
    """Return (deal index, lead, is primary, captured at) by deal: the primary contact first, colleagues last."""
    # A deal may come into being between two reads; its contacts wait for the next run, as it does.
    known = np.isin(world.contacts["deal"], world.deals["id"])
    rows = {name: column[known] for name, column in world.contacts.items()}
    deal = np.searchsorted(world.deals["id"], rows["deal"])
    order = np.lexsort((rows["lead"], -rows["is_primary"], deal))
    found = (deal[order], rows["lead"][order], rows["is_primary"][order], rows["captured_at"][order])
    if scope == "primary":
        has_primary = np.zeros(len(world.deals["id"]), dtype=np.bool_)
        has_primary[found[0][found[2] == 1]] = True
        keep = (found[2] == 1) | ~has_primary[found[0]]
        return found[0][keep], found[1][keep], found[2][keep], found[3][keep]
    if scope != "account":
        return found
    members = world.members
    by_account = np.lexsort((members["lead"], members["account"]))
    place, colleague = _matches(world.deals["account"], members["account"][by_account])
    rows_of = by_account[colleague]
    joined = [
        np.concatenate(pair)
        for pair in zip(
            found,
            (place, members["lead"][rows_of], np.zeros_like(place), members["captured_at"][rows_of]),
            strict=True,
        )
    ]
    order = np.argsort(joined[0], kind="stable")
    return joined[0][order], joined[1][order], joined[2][order], joined[3][order]


class _Survivors:
    """Merged lead → the lead that lives on, through chains of merges."""

    def __init__(self, merged: Columns) -> None:
        order = np.argsort(merged["lead"], kind="stable")
        self._lead, self._into = merged["lead"][order], merged["into"][order]
        for _ in range(64):  # each round doubles the length of chain that is resolved
            further = self.of(self._into)
            if np.array_equal(further, self._into):
                break
            self._into = further

    def of(self, leads: Ints) -> Ints:
        place = np.minimum(np.searchsorted(self._lead, leads), max(len(self._lead) - 1, 0))
        if len(self._lead) == 0:
            return leads
        return np.where(self._lead[place] == leads, self._into[place], leads)

    def group_key(self, persons: Ints) -> Ints:
        """A short hash of each survivor and of everybody merged into them."""
        key = mixed(persons)
        if len(self._lead) == 0:
            return key
        into, place = np.unique(self._into, return_inverse=True)
        merged = _summed(place, mixed(self._lead), len(into))
        found = np.minimum(np.searchsorted(into, persons), len(into) - 1)
        return key + np.where(into[found] == persons, merged[found], 0)


def _touches_of(deal: Ints, person: Ints, owner: Ints) -> tuple[Ints, Ints]:
    order = np.argsort(owner, kind="stable")
    row, touch = _matches(person, owner[order])
    return deal[row], order[touch]


def _matches(wanted: Ints, ascending: Ints) -> tuple[Ints, Ints]:
    """Return every pair (index in ``wanted``, index in ``ascending``) of equal numbers; -1 equals nothing."""
    low = np.searchsorted(ascending, wanted, side="left")
    counts = np.searchsorted(ascending, wanted, side="right") - low
    counts[wanted == UNKNOWN] = 0
    row = np.repeat(np.arange(len(wanted)), counts)
    within = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    return row, np.repeat(low, counts) + within


def _first_of_each(deal: Ints, person: Ints) -> Ints:
    """Return the positions of the first row of each (deal, person), ascending."""
    if len(deal) == 0:
        return deal
    people, place = np.unique(person, return_inverse=True)
    return np.sort(np.unique(deal * len(people) + place, return_index=True)[1])


def _lookup(points: Columns, persons: Ints) -> Ints:
    """Each person's points; without a score none."""
    if len(points["lead"]) == 0:
        return np.full(len(persons), UNSCORED)
    order = np.argsort(points["lead"], kind="stable")
    leads = points["lead"][order]
    place = np.minimum(np.searchsorted(leads, persons), len(leads) - 1)
    return np.where(leads[place] == persons, points["fit"][order][place], UNSCORED)


def _summed(group: Ints, values: Ints, size: int) -> Ints:
    """Sums per group modulo 2**64."""
    sums = np.zeros(size, dtype=np.int64)
    np.add.at(sums, group, values)
    return sums
