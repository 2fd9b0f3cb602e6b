"""Why won revenue changed: volume, conversion, deal size and mix, adding up to the cent.

Revenue is Σ over segments of V · m · c · d, with V the opportunities decided, m the segment's share of them,
c its win rate and d its average deal. Replacing one factor after another by its new value explains the
change, but the parts depend on the order; so each part is the mean over all orders (Shapley), computed in
exact fractions. Refunds (negative amounts) are no wins: they are a part by themselves.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from alignment.pure.ledger import Kept

_FACTORS = ("volume", "mix", "conversion", "deal_size")


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment in a period: opportunities decided (won + lost), those won, their amount, and that of refunds (zero or
    negative), in cents.

    Raises ValueError if more were won than decided, or if an amount was won by none.
    """

    decided: int
    won: int
    won_cents: int
    refund_cents: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.won <= self.decided:
            raise ValueError("won opportunities are part of the decided ones")
        if self.won_cents and not self.won:
            raise ValueError("an amount needs a won opportunity")


@dataclass(frozen=True, slots=True)
class Decomposition:
    """The change of won revenue in cents and its five parts, which sum to it exactly."""

    change_cents: int
    volume_cents: int
    conversion_cents: int
    deal_size_cents: int
    mix_cents: int
    refunds_cents: int


@dataclass(frozen=True, slots=True)
class _Factors:
    volume: Fraction
    mix: Mapping[str, Fraction]
    conversion: Mapping[str, Fraction]
    deal_size: Mapping[str, Fraction]


def decompose(previous: Mapping[str, Segment], current: Mapping[str, Segment]) -> Decomposition:
    """Split the change of won revenue between two periods, given by segment (channel, territory, …).

    A factor that a period cannot show (the win rate of a segment without decisions) is taken from the other
    period, so it explains nothing. Parts are rounded by largest remainder. With the same segments in both,
    swapping the periods turns every part into its negative, but for the rounding of a cent.
    """
    names = sorted({*previous, *current})
    before = _factors(names, previous, current)
    after = _factors(names, current, previous)
    revenue = {changed: _revenue(names, before, after, changed) for changed in subsets(_FACTORS)}
    exact = shapley(revenue)
    change = sum(s.won_cents for s in current.values()) - sum(s.won_cents for s in previous.values())
    volume, mix, conversion, deal_size = largest_remainder([exact[factor] for factor in _FACTORS], change)
    refunds = sum(s.refund_cents for s in current.values()) - sum(s.refund_cents for s in previous.values())
    return Decomposition(change + refunds, volume, conversion, deal_size, mix, refunds)


def _factors(names: Iterable[str], own: Mapping[str, Segment], other: Mapping[str, Segment]) -> _Factors:
    nothing = Segment(0, 0, 0)
    volume = sum(segment.decided for segment in own.values())
    # Without any decision this period has no mix; the other period's keeps the parts defined.
    base = own if volume else other
    total = sum(segment.decided for segment in base.values())
    mix, conversion, deal_size = {}, {}, {}
    for name in names:
        mine, theirs = own.get(name, nothing), other.get(name, nothing)
        decided = mine if mine.decided else theirs
        won = mine if mine.won else theirs
        mix[name] = Fraction(base.get(name, nothing).decided, total) if total else Fraction()
        conversion[name] = Fraction(decided.won, decided.decided) if decided.decided else Fraction()
        deal_size[name] = Fraction(won.won_cents, won.won) if won.won else Fraction()
    return _Factors(Fraction(volume), mix, conversion, deal_size)


def _revenue(names: Iterable[str], before: _Factors, after: _Factors, changed: frozenset[str]) -> Fraction:
    """Revenue if only the changed factors had their new values."""
    volume = (after if "volume" in changed else before).volume
    mix = (after if "mix" in changed else before).mix
    conversion = (after if "conversion" in changed else before).conversion
    deal_size = (after if "deal_size" in changed else before).deal_size
    return sum((volume * mix[name] * conversion[name] * deal_size[name] for name in names), Fraction())


def segments(won: Iterable[Kept], lost: Iterable[Kept] = (), *, nowhere: str = "") -> dict[str, Segment]:
    """Segments of rows by their group; ``nowhere`` is what rows without one are called. Won rows with a negative amount
    are refunds."""
    amounts: defaultdict[str, list[int]] = defaultdict(list)
    refunds: Counter[str] = Counter()
    for kept in won:
        if kept.amount < 0:
            refunds[kept.group or nowhere] += kept.amount
        else:
            amounts[kept.group or nowhere].append(kept.amount)
    losses = Counter(kept.group or nowhere for kept in lost)
    return {
        name: Segment(len(amounts[name]) + losses[name], len(amounts[name]), sum(amounts[name]), refunds[name])
        for name in {*amounts, *losses, *refunds}
    }


def subsets(names: Sequence[str]) -> list[frozenset[str]]:
    """All choices of some of the names, none and all of them included."""
    return [frozenset(chosen) for size in range(len(names) + 1) for chosen in combinations(names, size)]


def shapley(values: Mapping[frozenset[str], Fraction]) -> dict[str, Fraction]:
    """The mean effect of each factor over all orders of changing them; ``values`` are by the factors changed, one for
    each of their `subsets`. The effects add up to the change."""
    names = max(values, key=len)
    n = len(names)
    effects = dict.fromkeys(names, Fraction())
    for changed, before in values.items():
        for name in names - changed:
            weight = Fraction(math.factorial(len(changed)) * math.factorial(n - len(changed) - 1), math.factorial(n))
            effects[name] += weight * (values[changed | {name}] - before)
    return effects


def largest_remainder(exact: Sequence[Fraction | float], total: int) -> list[int]:
    """Whole numbers next to the exact ones, with the given sum; ties go to the lower index.

    A total that is farther away than the remainders, as a difference of rounded numbers may be, takes more than one
    round.
    """
    parts = [math.floor(part) for part in exact]
    missing = total - sum(parts)
    step = 1 if missing > 0 else -1
    by_remainder = sorted(range(len(parts)), key=lambda index: (step * (parts[index] - exact[index]), index))
    for place in range(abs(missing) if parts else 0):
        parts[by_remainder[place % len(parts)]] += step
    return parts
