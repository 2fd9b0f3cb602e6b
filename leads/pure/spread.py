"""Spread a book evenly: people of one account stay together, and everybody gets about as much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def spread(
    items: Sequence[tuple[int, int | None]],
    people: Sequence[int],
    *,
    loads: Mapping[int, int] | None = None,
    settled: Mapping[int, int] | None = None,
) -> dict[int, int]:
    """Who gets each item, given as (id, group). Items of a group go together; ``loads`` is what people got before,
    ``settled`` whom a group went to.

    Largest groups first, each to whoever has least, ties in the order of ``people``: nobody ends up with more than
    the least loaded by more than the largest group. Raises ValueError without people.
    """
    if not people:
        raise ValueError("There is nobody to spread to.")
    had = dict.fromkeys(people, 0) | {person: load for person, load in (loads or {}).items() if person in people}
    known = {group: person for group, person in (settled or {}).items() if person in had}
    groups: dict[tuple[int | None, int], list[int]] = {}
    for item, group in items:
        # Whatever has no group is one of its own.
        groups.setdefault((group, item if group is None else 0), []).append(item)
    given: dict[int, int] = {}
    for (group, _), members in sorted(groups.items(), key=lambda each: (-len(each[1]), each[1][0])):
        person = known.get(group) if group is not None else None
        if person is None:
            person = min(people, key=lambda each: (had[each], people.index(each)))
        had[person] += len(members)
        given |= dict.fromkeys(members, person)
    return given
