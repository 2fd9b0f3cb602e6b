"""When and through whom the portal learned of the company's rows: changes, few enough to look through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from leads.models import Change
from leads.past.moments import to_micros

FINE = timedelta(days=42)
"""This long before the end a change holds an hour of one writer, before that a day."""
_HOUR, _DAY = 3_600_000_000, 86_400_000_000
_NIGHT = 4 * _HOUR
"""Days end at four in the morning (UTC), before Monday's report."""
_WRITERS = 1 << 10
SPACE = 16
"""Ids from one change to the next: what is backdated later finds one among those of its time."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes, through which door and why that was allowed. What a punctual one writes is known at once."""

    door: str
    source: str = ""
    because: str = ""
    actor: int | None = None
    is_punctual: bool = False


class Timeline:
    """Collects what becomes known when; a change is a number that sorts by its moment until `changes` gives it an id.

    What was written in an hour (or a day) is known from its end on: nothing is known before it happened.
    """

    def __init__(self, until: datetime) -> None:
        self._until = to_micros(until)
        self._fine = self._until - FINE // timedelta(microseconds=1)
        self._writers: dict[Writer, int] = {}
        self._found: set[int] = set()

    def note(self, at: datetime, writer: Writer) -> int:
        """The change under which something of this moment becomes known. Raises ValueError for too many writers."""
        micros = to_micros(at)
        if not writer.is_punctual:
            step, offset = (_HOUR, 0) if micros >= self._fine else (_DAY, _NIGHT)
            micros = min(((micros - offset) // step + 1) * step + offset, self._until)
        number = self._writers.get(writer)
        if number is None:
            number = self._writers[writer] = len(self._writers)
            if number >= _WRITERS:
                raise ValueError("More writers than a change can name.")
        change = micros * _WRITERS + number
        self._found.add(change)
        return change

    def changes(self, after: int) -> tuple[dict[int, int], list[Change]]:
        """Number → id, ascending with the moments and beginning after an id, and the rows to write."""
        writers = list(self._writers)
        ids: dict[int, int] = {}
        rows = []
        for place, number in enumerate(sorted(self._found), start=1):
            at, writer = number // _WRITERS, writers[number % _WRITERS]
            ids[number] = after + place * SPACE
            rows.append(
                Change(
                    id=ids[number],
                    began_at=at,
                    at=at,
                    door=writer.door,
                    actor=writer.actor,
                    source=writer.source,
                    because=writer.because,
                    is_backdated=True,
                )
            )
        return ids, rows


__all__ = ["FINE", "SPACE", "Timeline", "Writer"]
