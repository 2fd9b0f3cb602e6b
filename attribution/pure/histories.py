"""What people did until they converted, or until now: what data-driven methods learn from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from attribution.pure.journeys import DAY
from attribution.pure.ordering import Flags, Floats, Ints, order_within


@dataclass(frozen=True, eq=False)
class Histories:
    """People and their touches, sorted by (person, moment, id); none after the end of the person's history.

    Per touch: ``person`` and ``place`` (indexes), ``left`` (days from the touch to the end). Per person: ``days`` at
    risk, whether they ``converted`` at the end, and the ``band`` of their score. ``channel_of`` gives each place's
    channel index, ``is_self_initiated`` says which places people start themselves.
    """

    person: Ints
    place: Ints
    left: Floats
    days: Floats
    converted: Flags
    band: Ints
    channel_of: Ints
    is_self_initiated: Flags

    @property
    def places(self) -> int:
        """How many places there are."""
        return len(self.channel_of)

    @cached_property
    def is_first(self) -> Flags:
        """Whether a touch is its person's first, bool[touches]."""
        return _changes(self.person)

    @cached_property
    def is_last(self) -> Flags:
        """Whether a touch is its person's last, bool[touches]."""
        return _changes(self.person[::-1])[::-1]


def histories(
    *,
    person: Ints,
    place: Ints,
    at: Ints,
    tie: Ints,
    starts_at: Ints,
    ends_at: Ints,
    converted: Flags,
    band: Ints,
    channel_of: Ints,
    is_self_initiated: Flags,
) -> Histories:
    """Sort touches in any order into histories; those after a person's end are left out.

    Moments are int64 microseconds, ``tie`` the touch ids. A person is at risk from ``starts_at``, or from the first
    touch where that is earlier, to ``ends_at``: the conversion, or the moment of looking.
    """
    kept = np.flatnonzero(at <= ends_at[person])
    order = kept[order_within(person[kept], at[kept], tie[kept])]
    person, at = person[order], at[order]
    since = starts_at.copy()
    np.minimum.at(since, person, at)
    return Histories(
        person=person,
        place=place[order],
        left=(ends_at[person] - at) / DAY,
        days=np.maximum(ends_at - since, 0) / DAY,
        converted=converted,
        band=band,
        channel_of=channel_of,
        is_self_initiated=is_self_initiated,
    )


def _changes(values: Ints) -> Flags:
    changes = np.ones(len(values), dtype=np.bool_)
    np.not_equal(values[1:], values[:-1], out=changes[1:])
    return changes
