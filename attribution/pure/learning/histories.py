"""What people did until they converted, or until now: what data-driven methods learn from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from attribution.pure.columns.ordering import Flags, Floats, Ints, gathered, grouped_order
from attribution.pure.columns.parallel import each, slices
from attribution.pure.journeys.journeys import DAY


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
    def starts(self) -> Ints:
        """The first touch of each person who has any, int64[walks]."""
        return np.flatnonzero(_changes(self.person))

    @cached_property
    def last(self) -> Ints:
        """The last touch of each person who has any, int64[walks]."""
        last = np.empty_like(self.starts)
        last[:-1] = self.starts[1:] - 1
        last[-1:] = len(self.person) - 1
        return last


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
    is_before = np.empty(len(at), dtype=np.bool_)
    each(lambda part: np.less_equal(at[part], ends_at[person[part]], out=is_before[part]), slices(len(at)))
    kept = np.flatnonzero(is_before)
    sorted_rows = grouped_order(*(gathered(column, kept) for column in (person, at, tie)))
    order, person = gathered(kept, sorted_rows.rows), sorted_rows.group
    at = gathered(at, order)
    starts = np.flatnonzero(_changes(person))
    since = starts_at.copy()
    since[person[starts]] = np.minimum(since[person[starts]], at[starts])
    return Histories(
        person=person,
        place=gathered(place, order),
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
