"""Why a figure changed between two periods: parts that add up to its change.

Four ways, by what the figure is: a number by the group its rows are of; a sum of amounts by volume, size and mix; a
rate by rates within groups and mix between them; anything that combines totals by these totals. Where a part depends
on the order in which factors are replaced, it is the mean over all orders (Shapley), so that the parts always add up.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from alignment.pure.decomposition import decompose, largest_remainder, segments, shapley, subsets
from alignment.pure.ledger import Kept, Number, State, Value

Changes = dict[str, Number]
"""What each part changed, by its key, in the figure's own unit."""
OTHERS = "others"


def by_group(before: Iterable[Kept], now: Iterable[Kept]) -> Changes:
    """Amounts by group, those of now minus those before."""
    change: defaultdict[str, Number] = defaultdict(int)
    for sign, rows in ((-1, before), (1, now)):
        for kept in rows:
            change[kept.group] += sign * kept.amount
    return dict(change)


def by_volume_and_size(before: Iterable[Kept], now: Iterable[Kept]) -> Changes:
    """More or fewer rows, larger or smaller ones, rows that moved between groups, and refunds; whole cents."""
    # Every row is taken in: there is no rate of success between the number of rows and their amounts.
    split = decompose(segments(before), segments(now))
    parts = {"volume": split.volume_cents, "deal_size": split.deal_size_cents, "mix": split.mix_cents}
    return {**parts, "refunds": split.refunds_cents}


def by_rate_and_mix(before: State, now: State) -> Changes | None:
    """A share of those of "numerator" among those of "denominator": other rates within groups, and entries that moved
    between groups with different rates. None where one of the periods has no entries."""
    first, last = _Cohort.of(before), _Cohort.of(now)
    if not first.entered or not last.entered:
        return None
    rate = mix = Fraction()
    for group in {*first.entered, *last.entered}:
        rates = first.rate(group, last), last.rate(group, first)
        weights = first.weight(group), last.weight(group)
        rate += (rates[1] - rates[0]) * sum(weights) / 2
        mix += (weights[1] - weights[0]) * sum(rates) / 2
    return {"rate": float(rate), "mix": float(mix)}


@dataclass(frozen=True, slots=True)
class _Cohort:
    """How many of each group entered, and how many of them reached the end."""

    reached: Counter[str]
    entered: Counter[str]

    @classmethod
    def of(cls, state: State) -> _Cohort:
        return cls(
            *(Counter(kept.group for kept in state.get(part, {}).values()) for part in ("numerator", "denominator"))
        )

    def weight(self, group: str) -> Fraction:
        return Fraction(self.entered[group], self.entered.total())

    def rate(self, group: str, other: _Cohort) -> Fraction:
        """A group that has no entries takes the rate of the other period, which lays its change to the mix alone."""
        of = self if self.entered[group] else other
        return Fraction(of.reached[group], of.entered[group])


def by_total(value: Value, before: State, now: State) -> Changes | None:
    """What the rows of each part did to a value that combines their totals. None where one value is unknown."""
    names = sorted({*before, *now})
    values: dict[frozenset[str], Fraction] = {}
    for changed in subsets(names):
        found = value({name: (now if name in changed else before).get(name, {}) for name in names})
        if found is None:
            return None
        values[changed] = Fraction(found)
    return {name: float(effect) for name, effect in shapley(values).items()}


def largest_first(changes: Mapping[str, Number], most: int) -> Changes:
    """The largest changes in order of their size; those beyond ``most`` become one part, OTHERS."""
    ordered = sorted((key for key in changes if changes[key]), key=lambda key: (-abs(changes[key]), key))
    listed = ordered if len(ordered) <= most + 1 else ordered[:most]
    found = {key: changes[key] for key in listed}
    if rest := ordered[len(listed) :]:
        found[OTHERS] = sum(changes[key] for key in rest)
    return found


def round_to_sum(changes: Mapping[str, Number], total: Number, decimals: int) -> Changes:
    """The changes rounded for people so that what they read adds up to the total they read, by largest remainder."""
    unit = 10**decimals
    keys = sorted(changes)
    rounded = largest_remainder([changes[key] * unit for key in keys], round(total * unit))
    return {key: value / unit if decimals else value for key, value in zip(keys, rounded, strict=True)}


def whole_units(cents: Mapping[str, int], change: int, decimals: int) -> dict[str, int]:
    """Amounts in cents rounded to whole units of a currency with so many decimals, which add up to the rounded change;
    still in cents."""
    unit = 10**decimals
    # Half away from zero, as amounts are shown.
    total = (abs(change) * 2 + unit) // (unit * 2) * (1 if change >= 0 else -1)
    rounded = round_to_sum({key: amount / unit for key, amount in cents.items()}, total, 0)
    return {key: int(value) * unit for key, value in rounded.items()}


def part_key(group: str) -> str:
    """A group's key of at most 40 characters."""
    return group if len(group) <= 40 else hashlib.sha1(group.encode(), usedforsecurity=False).hexdigest()
