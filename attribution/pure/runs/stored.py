"""Credits and journey states as they are stored: which columns there are, and their values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from attribution.pure.columns.columns import STATUSES, UNKNOWN, Columns
from attribution.pure.columns.copy_codec import Field, Values, Words
from attribution.pure.columns.ordering import Flags, Ints
from attribution.pure.credits.columns import SHARE_FIELDS, share_values
from attribution.pure.credits.computation import Book, Shares
from attribution.pure.journeys.candidates import Inputs, aligned
from attribution.pure.runs.difference import FACTS, Ledger, causes, summarize

CREDIT_FIELDS = (Field("run_id"), *SHARE_FIELDS)
STATE_FIELDS = (
    Field("run_id"),
    Field("opportunity_id"),
    Field("scope", "text"),
    Field("hash_high"),
    Field("hash_low"),
    Field("contacts_key"),
    Field("people_key"),
    Field("touches", "int4"),
    Field("rejected_touches", "int4"),
    Field("status", "text"),
    Field("amount_cents"),
    Field("opened_at", "moment"),
    Field("closed_at", "moment", is_nullable=True),
)
SHARD = Field("shard_id")
"""Staged rows say besides which part of the run they are of."""


_Part = tuple[Ints, Ints, Ints, Ints]


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """The deals of a part under one scope: their book, what is remembered of each, and which are to be computed.

    ``known``: computed before; ``same``: from the same inputs; ``chosen``: indexes, ascending.
    """

    scope: str
    inputs: Inputs
    book: Book
    before: Columns
    known: Flags
    same: Flags
    chosen: Ints

    @property
    def ids(self) -> list[int]:
        """The ids of the deals to be computed."""
        return self._ids(self.chosen)

    @property
    def known_ids(self) -> list[int]:
        """Those of them that were computed before."""
        return self._ids(self.chosen[self.known[self.chosen]])

    @property
    def other_ids(self) -> list[int]:
        """Those of these whose inputs are others now."""
        return self._ids(self.chosen[(self.known & ~self.same)[self.chosen]])

    def _ids(self, places: Ints) -> list[int]:
        found: list[int] = self.inputs.deals["id"][places].tolist()
        return found


def page_of(scope: str, inputs: Inputs, book: Book, states: Columns, *, is_full: bool) -> Page:
    """Compare hashes with those remembered; a full run computes every deal."""
    before, known = aligned(states, "opportunity", inputs.deals["id"])
    hashes = book.columns
    same = known & (before["hash_high"] == hashes[:, 0]) & (before["hash_low"] == hashes[:, 1])
    chosen = np.arange(len(known)) if is_full else np.flatnonzero(~same)
    return Page(scope, inputs, book, before, known, same, chosen)


def credit_values(page: Page, shares: Shares, run: int) -> Values:
    """The columns of one method's credits."""
    return {"run_id": run, **share_values(page.inputs, page.scope, shares)}


def state_values(page: Page, run: int) -> Values:
    """The columns of the states of the computed deals."""
    chosen, deals = page.chosen, page.inputs.deals
    eligible, rejected = page.book.lengths()
    hashes = page.book.columns
    return {
        "run_id": run,
        "opportunity_id": deals["id"][chosen],
        "scope": page.scope,
        "hash_high": hashes[chosen, 0],
        "hash_low": hashes[chosen, 1],
        "contacts_key": page.inputs.contacts_key[chosen],
        "people_key": page.inputs.people_key[chosen],
        "touches": eligible[chosen],
        "rejected_touches": rejected[chosen],
        "status": Words(deals["status"][chosen], STATUSES),
        "amount_cents": deals["amount_cents"][chosen],
        "opened_at": deals["opened_at"][chosen],
        "closed_at": deals["closed_at"][chosen],
    }


class Account:
    """Keeps account of what a page's computation changes: feed it the shares, then ask for the summary.

    Deals that a full run computes again to the same are none of it.
    """

    def __init__(self, page: Page, methods: Sequence[str], before: Columns) -> None:
        """``before``: opportunity, method (index, or -1), campaign and cents of the credits that are replaced."""
        self._page, self._methods = page, list(methods)
        self._changed = page.chosen[~page.same[page.chosen]]
        self._place = np.full(len(page.same), UNKNOWN)
        self._place[self._changed] = np.arange(len(self._changed))
        deal = np.searchsorted(page.inputs.deals["id"], before["opportunity"])
        counted = before["method"] != UNKNOWN
        columns = (deal, before["method"], before["campaign"], before["cents"])
        self._before = self._of_changed(*(column[counted] for column in columns))
        self._after: list[_Part] = []

    def add(self, shares: Shares, values: Values) -> None:
        """One method's new credits."""
        method = np.full(len(shares), self._methods.index(shares.method))
        self._after.append(self._of_changed(shares.deal, method, values["campaign_id"], shares.cents))

    def summary(self, *, is_other_rules: bool, is_other_fit: bool) -> dict[str, object]:
        """What moved, and why."""
        page, changed = self._page, self._changed
        deals = page.inputs.deals
        now = {name: deals[name] for name in FACTS if name in deals}
        now |= {"contacts_key": page.inputs.contacts_key, "people_key": page.inputs.people_key}
        bits = causes(
            {name: page.before[name][changed] for name in FACTS},
            {name: now[name][changed] for name in FACTS},
            page.known[changed],
            is_other_rules=is_other_rules,
            is_other_fit=is_other_fit,
        )
        before, after = Ledger.of([self._before]), Ledger.of(self._after)
        return summarize(deals["id"][changed], bits, before, after, self._methods)

    def _of_changed(self, deal: Ints, method: Ints, campaign: Ints, cents: Ints) -> _Part:
        place = self._place[deal]
        kept = place != UNKNOWN
        if kept.all():
            return place, method, campaign, cents
        return place[kept], method[kept], campaign[kept], cents[kept]
