"""What channel rules do to past visits: what each catches, which never act, and what other rules would change."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from leads.pure.channels.channels import OTHER, VISITS, ChannelRule, Visit, catching
from leads.pure.conditions import sentences as conditions

EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Visits:
    """So many touches that arrived alike, and the channel they have."""

    visit: Visit
    channel: str
    touches: int


@dataclass(slots=True)
class Tally:
    """What one rule did to the visits: decided, would have decided had it come first, and who came before it."""

    caught: int = 0
    meets: int = 0
    before: Counter[int] = field(default_factory=Counter)

    @property
    def is_dead(self) -> bool:
        """No visit met its conditions."""
        return self.meets == 0

    @property
    def is_shadowed(self) -> bool:
        """Visits met its conditions, but earlier rules decided every one of them."""
        return self.meets > 0 and self.caught == 0


@dataclass(frozen=True, slots=True)
class Move:
    """Touches that would change from one channel to another, with the visits behind most of them."""

    from_channel: str
    to_channel: str
    touches: int
    examples: tuple[Visits, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """Per position of the rules asked about what each did; ``moves`` largest first; ``unexplained`` touches have a
    channel that the present rules did not give them (their sender named it), so that no rule moves them."""

    tallies: Mapping[int, Tally]
    moves: tuple[Move, ...]
    touches: int
    unexplained: int
    unmatched: int

    @property
    def moved(self) -> int:
        """Touches that would have another channel."""
        return sum(move.touches for move in self.moves)


def preview(
    seen: Sequence[Visits], before: Sequence[ChannelRule], after: Sequence[ChannelRule], own_hosts: Collection[str] = ()
) -> Preview:
    """Judge visits by ``after`` and compare with ``before``, the rules in force."""
    tallies = {rule.position: Tally() for rule in after}
    moved: defaultdict[tuple[str, str], list[Visits]] = defaultdict(list)
    unexplained = unmatched = 0
    for group in seen:
        now = catching(group.visit, before, own_hosts)
        then = now if after is before else catching(group.visit, after, own_hosts)
        for place, rule in enumerate(then):
            tally = tallies[rule.position]
            tally.meets += group.touches
            if place:
                tally.before[then[0].position] += group.touches
            else:
                tally.caught += group.touches
        unmatched += 0 if then else group.touches
        if _channel(now) != group.channel:
            unexplained += group.touches
        elif _channel(then) != group.channel:
            moved[group.channel, _channel(then)].append(group)
    moves = [
        Move(old, new, sum(one.touches for one in groups), tuple(_most(groups))) for (old, new), groups in moved.items()
    ]
    moves.sort(key=lambda move: (-move.touches, move.from_channel, move.to_channel))
    return Preview(tallies, tuple(moves), sum(group.touches for group in seen), unexplained, unmatched)


def placed(rules: Sequence[ChannelRule], rule: ChannelRule | None, position: int | None) -> list[ChannelRule]:
    """The rules with one added, replaced, moved or removed, numbered anew from 1.

    ``position`` is that of the present rule, None to add; ``rule`` is None to remove, and its own position says where
    it is to stand.
    """
    others = [one for one in sorted(rules, key=lambda one: one.position) if one.position != position]
    if rule is not None:
        others.insert(min(max(rule.position, 1), len(others) + 1) - 1, rule)
    return [replace(one, position=place) for place, one in enumerate(others, start=1)]


def sentence(rule: ChannelRule) -> str:
    """The conditions of a rule in plain words, without its channel."""
    return f"When {conditions.sentence(rule.conditions, VISITS)}" if rule.conditions.items else "Whatever is left"


def _channel(rules: Sequence[ChannelRule]) -> str:
    return rules[0].channel if rules else OTHER


def _most(groups: Sequence[Visits]) -> list[Visits]:
    return sorted(groups, key=lambda one: (-one.touches, str(one.visit)))[:EXAMPLES]
