"""Two records of one person: which value of which record counts.

The survivor keeps what it says; what it leaves empty is filled from the other. Nothing is mixed that belongs together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from leads.pure import lifecycle

PLACE = ("country", "region", "postal_code")
# Up to here a machine moves leads; the two ways out are decisions of sales, as weighty as the machine's last word.
_RANKS = {
    lifecycle.SUBSCRIBER: 0,
    lifecycle.LEAD: 1,
    lifecycle.MQL: 2,
    lifecycle.RECYCLED: 2,
    lifecycle.DISQUALIFIED: 2,
    lifecycle.SAL: 3,
    lifecycle.SQL: 4,
    lifecycle.OPPORTUNITY: 5,
    lifecycle.CUSTOMER: 6,
}


def is_empty(value: object) -> bool:
    """Whether a value says nothing; 0 and False do say something."""
    return value is None or value == ""


def gaps(ours: Mapping[str, object], theirs: Mapping[str, object], names: Sequence[str]) -> list[str]:
    """The names that we leave empty and they fill, in the order given.

    A place is one value: where any part of it contradicts, none is filled, or Paris would come to lie in Texas.
    """
    place = [name for name in names if name in PLACE]
    is_elsewhere = any(_differ(ours.get(name), theirs.get(name)) for name in place)
    return [
        name
        for name in names
        if is_empty(ours.get(name)) and not is_empty(theirs.get(name)) and not (is_elsewhere and name in PLACE)
    ]


def filled(ours: Mapping[str, object], theirs: Mapping[str, object]) -> dict[str, object]:
    """Both sets of further columns as one; ours win where they say anything."""
    return {**theirs, **{name: value for name, value in ours.items() if not is_empty(value) or name not in theirs}}


def stands_further(other: str, other_since: datetime | None, stage: str, since: datetime | None) -> bool:
    """Whether the person stands where the other record says, rather than at ``stage``.

    The further rung counts. Between an MQL and one that sales sent back or ruled out the later word counts, as it
    would have in one record; above, sales works with the person, whatever it once said of their other record.
    """
    rank, other_rank = _RANKS[stage], _RANKS[other]
    if rank != other_rank or stage == other:
        return other_rank > rank
    return other_since is not None and (since is None or other_since > since)


def _differ(ours: object, theirs: object) -> bool:
    if is_empty(ours) or is_empty(theirs):
        return False
    return str(ours).casefold() != str(theirs).casefold()
