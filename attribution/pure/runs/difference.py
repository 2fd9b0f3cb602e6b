"""What a run changed: opportunities by cause, and the money that moved between campaigns."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from attribution.pure.columns.columns import UNKNOWN, Columns
from attribution.pure.columns.ordering import Flags, Ints

TOP = 10
TOP_DEALS = 20
CAUSES = ("new_opportunity", "rules", "fit", "amount", "stage", "contacts", "merges", "touches")
"""Why credits were recomputed: a deal not seen before; other settings, method versions or methods; a new fit; another
amount; another status, opening or close; other contacts or roles; a contact merged with somebody; other touches.
The money a deal moved counts under its first cause in this order."""
FACTS = ("amount_cents", "status", "opened_at", "closed_at", "contacts_key", "people_key")


@dataclass(frozen=True, slots=True, eq=False)
class Ledger:
    """Cents by deal (index), method (index) and campaign (id, or -1 for none); int64 columns."""

    deal: Ints
    method: Ints
    campaign: Ints
    cents: Ints

    @classmethod
    def of(cls, parts: Sequence[tuple[Ints, Ints, Ints, Ints]]) -> Ledger:
        """Put parts together."""
        if not parts:
            empty = np.zeros(0, dtype=np.int64)
            return cls(empty, empty, empty, empty)
        return cls(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def causes(before: Columns, now: Columns, known: Flags, *, is_other_rules: bool, is_other_fit: bool) -> Ints:
    """Return the causes of each recomputed deal as bits, int64[deals]: bit n is CAUSES[n].

    ``before`` and ``now`` hold FACTS, aligned; ``known`` says which deals were there before.
    """
    other = {name: known & (before[name] != now[name]) for name in FACTS}
    found = {
        "new_opportunity": ~known,
        "rules": known & is_other_rules,
        "fit": known & is_other_fit,
        "amount": other["amount_cents"],
        "stage": other["status"] | other["opened_at"] | other["closed_at"],
        "contacts": other["contacts_key"],
        "merges": other["people_key"] & ~other["contacts_key"],
    }
    bits = np.zeros(len(known), dtype=np.int64)
    for place, cause in enumerate(CAUSES[:-1]):
        bits |= found[cause].astype(np.int64) << place
    return np.where(bits == 0, 1 << (len(CAUSES) - 1), bits)


def summarize(ids: Ints, bits: Ints, before: Ledger, after: Ledger, methods: Sequence[str]) -> dict[str, Any]:
    """Return what one part of a run changed, as plain values that `report` adds up.

    "causes": deals per cause; "cells": [cause, method, campaign id, cents]; "deals": [deal id, cause, method, cents]
    of those that moved most, by the method under which they did.
    """
    first = np.zeros(len(ids), dtype=np.int64)
    for place in reversed(range(len(CAUSES))):
        first[(bits >> place) & 1 == 1] = place
    return {
        "changed": len(ids),
        "causes": {cause: count for place, cause in enumerate(CAUSES) if (count := int(((bits >> place) & 1).sum()))},
        "cells": _cells(first, before, after, methods),
        "deals": _deals(ids, first, before, after, methods),
    }


def report(
    summaries: Iterable[Mapping[str, Any]], campaigns: Mapping[int, tuple[str, str]], deals: Mapping[int, str]
) -> dict[str, Any]:
    """Return the difference as it is kept: names and public ids instead of keys.

    ``campaigns``: id → (name, public id); ``deals``: id → public id, of those to be named (see `named_deals`).
    "methods" names the campaigns that moved most, "moves" has [id or -1, cents] of all, so that runs can be added up.
    """
    summaries = list(summaries)
    counts: Counter[str] = Counter()
    by_cause: defaultdict[str, defaultdict[str, Counter[int]]] = defaultdict(lambda: defaultdict(Counter))
    in_all: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for summary in summaries:
        counts.update(summary["causes"])
        for cause, method, campaign, cents in summary["cells"]:
            by_cause[cause][method][campaign] += cents
            in_all[method][campaign] += cents
    return {
        "opportunities_changed": sum(summary["changed"] for summary in summaries),
        "causes": {cause: counts[cause] for cause in CAUSES if counts[cause]},
        "methods": {method: _moved(cells, campaigns) for method, cells in sorted(in_all.items())},
        "moves": {method: [[*cell] for cell in sorted(cells.items()) if cell[1]] for method, cells in in_all.items()},
        "by_cause": {
            cause: {method: _moved(cells, campaigns) for method, cells in sorted(by_cause[cause].items())}
            for cause in CAUSES
            if cause in by_cause
        },
        "opportunities": [
            {"id": deals[deal], "cause": cause, "method": method, "cents": cents}
            for deal, cause, method, cents in _most(summaries)
            if deal in deals
        ],
    }


def named_deals(summaries: Iterable[Mapping[str, Any]]) -> list[int]:
    """The ids of the deals a report names."""
    return [deal for deal, *_ in _most(summaries)]


def _most(summaries: Iterable[Mapping[str, Any]]) -> list[list[Any]]:
    found = [entry for summary in summaries for entry in summary["deals"]]
    return sorted(found, key=lambda entry: (-entry[3], entry[0]))[:TOP_DEALS]


def _moved(cells: Mapping[int, int], campaigns: Mapping[int, tuple[str, str]]) -> dict[str, Any]:
    changed = sorted(((place, cents) for place, cents in cells.items() if cents), key=lambda e: (-abs(e[1]), e[0]))
    return {
        "gained_cents": sum(cents for _, cents in changed if cents > 0),
        "lost_cents": -sum(cents for _, cents in changed if cents < 0),
        "campaigns": [
            {"campaign": name, "id": public_id, "cents": cents}
            for place, cents in changed[:TOP]
            for name, public_id in [campaigns.get(place, ("", ""))]
        ],
    }


def _cells(first: Ints, before: Ledger, after: Ledger, methods: Sequence[str]) -> list[list[Any]]:
    """Return the sums per cause, method and campaign that are not 0."""
    parts = [(first[ledger.deal], ledger.method, ledger.campaign) for ledger in (before, after)]
    (cause, method, campaign), cents = _summed(parts, (before, after))
    return [
        [CAUSES[why], methods[how], where, moved]
        for why, how, where, moved in zip(
            cause.tolist(), method.tolist(), campaign.tolist(), cents.tolist(), strict=True
        )
    ]


def _deals(ids: Ints, first: Ints, before: Ledger, after: Ledger, methods: Sequence[str]) -> list[list[Any]]:
    """Return the deals whose money moved most, each with the method under which it did."""
    parts = [(ledger.deal, ledger.method, ledger.campaign) for ledger in (before, after)]
    (deal, method, _), cents = _summed(parts, (before, after))
    pair = deal * max(len(methods), 1) + method
    pairs, place = np.unique(pair, return_inverse=True)
    up = np.bincount(place, weights=np.maximum(cents, 0), minlength=len(pairs))
    down = np.bincount(place, weights=np.maximum(-cents, 0), minlength=len(pairs))
    moved = np.maximum(up, down).astype(np.int64)
    order = np.lexsort((pairs, -moved))
    found: list[list[Any]] = []
    seen: set[int] = set()
    # A deal has at most as many entries as there are methods, so this many suffice for the top.
    for entry in order[: TOP_DEALS * max(len(methods), 1)].tolist():
        index, how = divmod(int(pairs[entry]), max(len(methods), 1))
        if index not in seen and moved[entry] > 0:
            seen.add(index)
            found.append([int(ids[index]), CAUSES[int(first[index])], methods[how], int(moved[entry])])
    return found[:TOP_DEALS]


def _summed(
    parts: Sequence[tuple[Ints, Ints, Ints]], ledgers: tuple[Ledger, Ledger]
) -> tuple[tuple[Ints, Ints, Ints], Ints]:
    """Return the sums of (after - before) per distinct triple that are not 0."""
    one, two, three = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    cents = np.concatenate((-ledgers[0].cents, ledgers[1].cents))
    width = int(two.max(initial=0)) + 1
    places = int(three.max(initial=0)) + 2
    keys, place = np.unique((one * width + two) * places + three + 1, return_inverse=True)
    sums = np.zeros(len(keys), dtype=np.int64)
    np.add.at(sums, place, cents)
    keys, sums = keys[sums != 0], sums[sums != 0]
    return (keys // places // width, keys // places % width, keys % places + UNKNOWN), sums
