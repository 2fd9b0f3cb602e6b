"""Changes of a pull name the field rules that let them in, each its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from integrations.pure.mapping import FieldRule, Policy
from leads.past.acting import act, acting

T = TypeVar("T")
_WINS = {
    Policy.OURS: "ours wins",
    Policy.THEIRS: "the CRM's wins",
    Policy.NEWEST: "the newest wins",
    Policy.FILL_EMPTY: "fills what is empty",
}
_ROOM = 150
"""Characters, of the 200 that a change keeps; the run's own reason stands before."""


@contextmanager
def by_rules(rules: Sequence[FieldRule]) -> Iterator[None]:
    """A block whose changes were let in by these rules. Without any the run's reason stands alone: a new record."""
    outer = acting()
    because = f"{outer.because}; {_named(rules)}" if rules else outer.because
    with act(outer.door, source=outer.source, because=because):
        yield


def grouped(items: Sequence[T], rules: Callable[[T], Sequence[FieldRule]]) -> dict[tuple[FieldRule, ...], list[T]]:
    """The items by the rules that let them in, in the order of the first of each group."""
    groups: dict[tuple[FieldRule, ...], list[T]] = {}
    for item in items:
        groups.setdefault(tuple(sorted(rules(item), key=lambda rule: rule.local)), []).append(item)
    return groups


def _named(rules: Sequence[FieldRule]) -> str:
    names: list[str] = []
    for place, rule in enumerate(rules):
        name = f"{rule.local} ← {rule.remote} ({_WINS[rule.policy]})"
        if names and len(", ".join([*names, name])) > _ROOM:
            names.append(f"{len(rules) - place} more")
            break
        names.append(name)
    return f"field rule{'' if len(rules) == 1 else 's'} {', '.join(names)}"
