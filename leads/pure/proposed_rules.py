"""Rules proposed from rejections: conditions whose MQLs sales nearly always rejected, with what they would have cost.

A proposal is a conjunction of at most two conditions. It is worth showing when enough MQLs meet it, when even the lower
end of the interval of its rejection rate lies clearly above the rate of all, and when few of them became SQLs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from leads.pure.intervals import Interval, wilson

MIN_DECIDED = 20
MARGIN = 0.1
MOST_LOST = 0.1
MOST_SHOWN = 6
# Below how many people a company is called small, in the order of trying.
SIZES = (10, 50, 200)

Condition = tuple[str, str, str]
"""A field, an operator (is, below, missing) and a value."""

FIELDS = {
    "channel": "source",
    "campaign": "campaign",
    "industry": "industry",
    "country": "country",
    "company_size": "company size",
    "account": "account",
}


@dataclass(frozen=True, slots=True)
class Decided:
    """An MQL that sales answered: its facts, whether it was rejected and why, and whether it became an SQL."""

    facts: Mapping[str, object]
    is_rejected: bool
    reason: str = ""
    is_sql: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """Conditions that hold together, and what they come to among the MQLs that sales answered."""

    conditions: tuple[Condition, ...]
    decided: int
    rejected: int
    sqls: int
    all_sqls: int
    interval: Interval
    reasons: tuple[tuple[str, int], ...]

    @property
    def key(self) -> str:
        """The same for the same conditions, whatever they come to."""
        return "; ".join(" ".join(condition) for condition in self.conditions)[:200]

    @property
    def rate(self) -> float:
        """Share rejected."""
        return self.rejected / self.decided


def conditions_of(facts: Mapping[str, object]) -> Iterator[Condition]:
    """Every single condition that a lead with these facts meets."""
    for name in ("channel", "campaign", "industry", "country"):
        if value := facts.get(name):
            yield name, "is", str(value)
    size = facts.get("company_size")
    if size is None:
        yield "company_size", "missing", ""
    elif isinstance(size, int):
        yield from (("company_size", "below", str(limit)) for limit in SIZES if size < limit)
    if not facts.get("account"):
        yield "account", "missing", ""


def proposals(decided: Sequence[Decided], most: int = MOST_SHOWN) -> list[Proposal]:
    """What to propose, the most rejections saved first.

    A pair of conditions is left out where one of them alone does nearly as well.
    """
    met = _rows_by_condition(decided)
    rejected = _rows((place for place, each in enumerate(decided) if each.is_rejected), len(decided))
    overall = rejected.bit_count() / len(decided) if decided else 0.0
    sqls = sum(each.is_sql for each in decided)
    pairs = ((one, other) for one, other in combinations(met, 2) if one[0] != other[0])
    good = []
    for conditions in (*((one,) for one in met), *pairs):
        rows = met[conditions[0]] & met[conditions[-1]]
        count = rows.bit_count()
        if count >= MIN_DECIDED and 2 * (rows & rejected).bit_count() >= count:
            each = _proposal(conditions, [decided[place] for place in _places(rows)], sqls)
            good += [each] * _is_worth_it(each, overall)
    good.sort(key=lambda each: (-each.rejected, len(each.conditions), each.key))
    return list(_distinct(good))[:most]


def _rows_by_condition(decided: Sequence[Decided]) -> dict[Condition, int]:
    """Which MQLs meet each condition that enough of them meet, in the order of the conditions: a bit for each MQL."""
    places: dict[Condition, list[int]] = {}
    for place, each in enumerate(decided):
        for condition in conditions_of(each.facts):
            places.setdefault(condition, []).append(place)
    found = {}
    for condition in sorted(places):
        if len(places[condition]) >= MIN_DECIDED:
            found[condition] = _rows(places[condition], len(decided))
    return found


def _rows(places: Iterable[int], size: int) -> int:
    """One bit for each place."""
    flags = bytearray(size // 8 + 1)
    for place in places:
        flags[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(flags, "little")


def _places(rows: int) -> Iterator[int]:
    while rows:
        yield (rows & -rows).bit_length() - 1
        rows &= rows - 1


def _proposal(conditions: tuple[Condition, ...], rows: Sequence[Decided], all_sqls: int) -> Proposal:
    rejected = [each for each in rows if each.is_rejected]
    reasons = Counter(each.reason for each in rejected if each.reason)
    return Proposal(
        conditions=conditions,
        decided=len(rows),
        rejected=len(rejected),
        sqls=sum(each.is_sql for each in rows),
        all_sqls=all_sqls,
        interval=wilson(len(rejected), len(rows)),
        reasons=tuple(reasons.most_common(3)),
    )


def _is_worth_it(each: Proposal, overall: float) -> bool:
    is_clear = each.interval.low >= min(overall + MARGIN, 0.9)
    return is_clear and each.rate >= 0.5 and each.sqls <= MOST_LOST * each.decided


def _distinct(found: Iterable[Proposal]) -> Iterator[Proposal]:
    """One of those that mean nearly the same: the first covers what a later one would add."""
    kept: list[Proposal] = []
    for each in found:
        if any(set(other.conditions) <= set(each.conditions) for other in kept):
            continue
        if any(
            {c[0] for c in other.conditions} == {c[0] for c in each.conditions} and _overlaps(other, each)
            for other in kept
        ):
            continue
        kept.append(each)
        yield each


def _overlaps(one: Proposal, other: Proposal) -> bool:
    """Whether both differ only in how small a company is."""
    rest = [{c for c in each.conditions if c[0] != "company_size"} for each in (one, other)]
    return rest[0] == rest[1]


def words(conditions: Sequence[Condition], names: Mapping[tuple[str, str], str]) -> str:
    """The conditions in words; ``names`` are those of channels and campaigns by (field, key)."""
    said = []
    for name, operator, value in conditions:
        label = FIELDS[name]
        if operator == "missing":
            said.append(f"{label} unknown")
        elif operator == "below":
            said.append(f"{label} below {value}")
        else:
            said.append(f"{label} {names.get((name, value), value)}")
    return " and ".join(said)
