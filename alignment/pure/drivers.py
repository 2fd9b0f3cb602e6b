"""Why a figure changed between two periods: parts that add up to its change.

Four ways, by what the figure is: a number by the group its rows are of; a sum of amounts by volume, size and mix; a
rate by rates within groups and mix between them; anything that combines totals by these totals. Where a part depends
on the order in which factors are replaced, it is the mean over all orders (Shapley), so that the parts always add up.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from itertools import combinations
from math import factorial, floor

from alignment.pure.decomposition import Segment, decompose
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
    """More or fewer rows, larger or smaller ones, and rows that moved between groups; whole cents."""
    split = decompose(_segments(before), _segments(now))
    # Every row is taken in: there is no rate of success between the number of rows and their amounts.
    return {"volume": split.volume_cents, "deal_size": split.deal_size_cents, "mix": split.mix_cents}


def _segments(rows: Iterable[Kept]) -> dict[str, Segment]:
    amounts: defaultdict[str, list[int]] = defaultdict(list)
    for kept in rows:
        amounts[kept.group].append(kept.amount)
    return {group: Segment(len(each), len(each), sum(each)) for group, each in amounts.items()}


def by_rate_and_mix(before: State, now: State) -> Changes | None:
    """A share of those of "numerator" among those of "denominator": other rates within groups, and entries that moved
    between groups with different rates. None where one of the periods has no entries."""
    counts = [_counts(before), _counts(now)]
    if not all(sum(entered.values()) for _, entered in counts):
        return None
    (reached, entered), (reached_now, entered_now) = counts
    total, total_now = sum(entered.values()), sum(entered_now.values())
    rate = mix = Fraction()
    for group in {*entered, *entered_now}:
        weight, weight_now = Fraction(entered[group], total), Fraction(entered_now[group], total_now)
        # A group that one period lacks has no rate there; taking the other's lays its change to the mix alone.
        first = Fraction(reached[group], entered[group]) if entered[group] else None
        last = Fraction(reached_now[group], entered_now[group]) if entered_now[group] else first
        first = last if first is None else first
        if first is None or last is None:
            continue
        rate += (last - first) * (weight + weight_now) / 2
        mix += (weight_now - weight) * (first + last) / 2
    return {"rate": float(rate), "mix": float(mix)}


def _counts(state: State) -> tuple[defaultdict[str, int], defaultdict[str, int]]:
    found: list[defaultdict[str, int]] = []
    for part in ("numerator", "denominator"):
        numbers: defaultdict[str, int] = defaultdict(int)
        for kept in state.get(part, {}).values():
            numbers[kept.group] += kept.amount
        found.append(numbers)
    return found[0], found[1]


def by_total(value: Value, before: State, now: State) -> Changes | None:
    """What the rows of each part did to a value that combines their totals. None where one value is unknown."""
    names = sorted({*before, *now})
    values: dict[frozenset[str], Number] = {}
    for changed in _subsets(names):
        found = value({name: (now if name in changed else before).get(name, {}) for name in names})
        if found is None:
            return None
        values[changed] = found
    return {name: _shapley(name, names, values.__getitem__) for name in names}


def _subsets(names: list[str]) -> list[frozenset[str]]:
    return [frozenset(chosen) for size in range(len(names) + 1) for chosen in combinations(names, size)]


def _shapley(name: str, names: list[str], value: Callable[[frozenset[str]], Number]) -> float:
    n = len(names)
    total = 0.0
    for others in _subsets([other for other in names if other != name]):
        weight = factorial(len(others)) * factorial(n - len(others) - 1) / factorial(n)
        total += weight * (value(others | {name}) - value(others))
    return total


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
    exact = {key: change * unit for key, change in changes.items()}
    found = {key: floor(value) for key, value in exact.items()}
    missing = round(total * unit) - sum(found.values())
    step = 1 if missing > 0 else -1
    by_remainder = sorted(found, key=lambda key: (step * (found[key] - exact[key]), key))
    # The total may itself be the difference of two rounded numbers, and so farther away than the remainders.
    for place in range(abs(missing) if found else 0):
        found[by_remainder[place % len(by_remainder)]] += step
    return {key: value / unit if decimals else value for key, value in found.items()}


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
