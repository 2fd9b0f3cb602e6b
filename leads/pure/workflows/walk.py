"""The order of steps: a list in which branches hold lists of their own, and go on together after their end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

YES, NO = "yes", "no"
SIDES = (YES, NO)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step stands: in the main list (``parent`` None) or on a side of a branch, by position."""

    key: int
    parent: int | None
    side: str
    position: int


class Walk:
    """The steps of one version, ready to be walked."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = {place.key: place for place in places}
        self._lists: dict[tuple[int | None, str], list[Place]] = {}
        for place in sorted(places, key=lambda each: (each.position, each.key)):
            self._lists.setdefault((place.parent, place.side), []).append(place)

    def first(self, parent: int | None = None, side: str = "") -> int | None:
        """The first step of a list."""
        listed = self._lists.get((parent, side))
        return listed[0].key if listed else None

    def inside(self, parent: int | None = None, side: str = "") -> list[int]:
        """The steps of a list in order."""
        return [place.key for place in self._lists.get((parent, side), ())]

    def after(self, key: int, side: str = "") -> int | None:
        """The step that follows; on a side of a branch the first one of that side, if it has any. None: the end."""
        if side and (into := self.first(key, side)) is not None:
            return into
        place: Place | None = self._places[key]
        while place is not None:
            listed = self._lists[place.parent, place.side]
            following = listed.index(place) + 1
            if following < len(listed):
                return listed[following].key
            place = self._places[place.parent] if place.parent is not None else None
        return None
