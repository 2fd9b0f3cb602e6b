"""Why a figure differs: rows that came, went or changed their amount, step by step, and what each cause made of it.

A state is what a figure counts at one moment: by part and by the row's key, its amount. Between two states lie moves,
one for each row that differs. Moves of consecutive steps add up to the whole difference, exactly, because each step
starts where the one before ended.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Number = int | float


@dataclass(frozen=True, slots=True)
class Kept:
    """What a row adds: its amount (1 where rows are counted), and the group it adds it to."""

    amount: Any
    group: str = ""


Part = Mapping[str, Kept]
"""By the row's key."""
State = Mapping[str, Part]
"""By the part's name."""
Value = Callable[[State], Number | None]


@dataclass(frozen=True, slots=True)
class Move:
    """A row of a part that differs between two states; None is "not there"."""

    part: str
    key: str
    before: Kept | None
    after: Kept | None

    @property
    def kind(self) -> Literal["came", "went", "changed"]:
        """What became of the row."""
        if self.before is None:
            return "came"
        return "went" if self.after is None else "changed"

    @property
    def amount(self) -> Number:
        """What the move adds to the sum of its part; an unknown amount adds nothing."""
        return _amount(self.after) - _amount(self.before)


@dataclass(frozen=True, slots=True)
class Effects:
    """What each cause alone would have made of a value, and what only their meeting did. They add up to the change.

    None where the value was or is unknown, so that there is no difference to divide.
    """

    alone: Mapping[Hashable, Number | None]
    interaction: Number | None
    change: Number | None


def is_same(one: Number | None, other: Number | None) -> bool:
    """Whether two values are the same number, or both unknown."""
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)


def moves(before: State, after: State) -> list[Move]:
    """Rows that differ, by part and key."""
    found = []
    for part in sorted({*before, *after}):
        then, now = before.get(part, {}), after.get(part, {})
        for key in sorted({*then, *now}):
            if then.get(key) != now.get(key):
                found.append(Move(part, key, then.get(key), now.get(key)))
    return found


def within(state: State, group: str | None) -> dict[str, dict[str, Kept]]:
    """The rows of one group, or all of them; which group they are of no longer matters."""
    return {
        part: {key: Kept(kept.amount) for key, kept in rows.items() if group is None or kept.group == group}
        for part, rows in state.items()
    }


def move_within(move: Move, group: str | None) -> Move | None:
    """The same of one move; None where it does not touch the group."""

    def seen(kept: Kept | None) -> Kept | None:
        return Kept(kept.amount) if kept is not None and (group is None or kept.group == group) else None

    found = Move(move.part, move.key, seen(move.before), seen(move.after))
    return None if found.before == found.after else found


def applied(state: State, made: Iterable[Move]) -> dict[str, dict[str, Kept]]:
    """The state with these moves alone made. A row that is not there, or there already, is left as it is; an amount
    that changed changes by as much."""
    found = {part: dict(rows) for part, rows in state.items()}
    for move in made:
        rows = found.setdefault(move.part, {})
        here = rows.get(move.key)
        if move.before is None and move.after is not None:
            if here is None:
                rows[move.key] = move.after
        elif move.after is None:
            rows.pop(move.key, None)
        elif move.before is not None and here is not None:
            rows[move.key] = _changed(here, move.before, move.after)
    return found


def effects(
    start: State,
    causes: Mapping[Hashable, Sequence[Move]],
    value: Value,
    *,
    first: Number | None,
    last: Number | None,
) -> Effects:
    """What each cause alone makes of the value, which was ``first`` at the start and is ``last``; the rest is
    interaction."""
    change = None if first is None or last is None else last - first
    alone: dict[Hashable, Number | None] = {}
    for cause, made in causes.items():
        with_it = value(applied(start, made))
        alone[cause] = None if first is None or with_it is None else with_it - first
    known = [effect for effect in alone.values() if effect is not None]
    is_whole = change is not None and len(known) == len(alone)
    return Effects(alone, change - sum(known) if is_whole and change is not None else None, change)


def steps(
    start: State,
    end: State,
    moments: Sequence[int],
    *,
    read: Callable[[int], State],
    more: Callable[[int | None, int | None], Sequence[int]],
) -> list[tuple[int | None, list[Move]]]:
    """The moves from start to end, each step at the moment that made it.

    ``read`` gives the state as of a moment. ``moments`` (ascending) are those at which something may have happened;
    ``more`` gives all there are strictly between two (None: from the start, to the end), and is asked where these do
    not explain a difference. Halves what lies between two states that differ until a single moment is left. What none
    explains is a step at None. Rows that changed and changed back between two looks are not followed.
    """
    found: list[tuple[int | None, list[Move]]] = []

    def look(low: State, high: State, inside: Sequence[int], first: int | None, last: int | None, is_all: bool) -> None:
        if low == high:
            return
        if not inside and not is_all:
            inside, is_all = more(first, last), True
        if not inside:
            found.append((None, moves(low, high)))
            return
        middle = len(inside) // 2
        moment = inside[middle]
        earlier, later = read(moment - 1), read(moment)
        look(low, earlier, inside[:middle], first, moment, is_all)
        if earlier != later:
            found.append((moment, moves(earlier, later)))
        look(later, high, inside[middle + 1 :], moment, last, is_all)

    look(start, end, moments, None, None, False)
    return found


def _changed(here: Kept, before: Kept, after: Kept) -> Kept:
    group = after.group if after.group != before.group else here.group
    amounts = (here.amount, before.amount, after.amount)
    if here.amount == before.amount or not all(isinstance(amount, int | float) for amount in amounts):
        return Kept(after.amount, group)
    return Kept(here.amount + after.amount - before.amount, group)


def _amount(kept: Kept | None) -> Number:
    return kept.amount if kept is not None and isinstance(kept.amount, int | float) else 0
