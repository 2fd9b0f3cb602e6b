"""What one method gave, as columns of a table."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

import numpy as np

from attribution.pure.columns.columns import UNKNOWN
from attribution.pure.columns.copy_codec import Field, Values
from attribution.pure.columns.ordering import Ints
from attribution.pure.credits.computation import Book, Shares
from attribution.pure.journeys.candidates import Inputs
from attribution.pure.rules import Rules

SHARE_FIELDS = (
    Field("opportunity_id"),
    Field("scope", "text"),
    Field("method", "text"),
    Field("touchpoint_id", is_nullable=True),
    Field("campaign_id", is_nullable=True),
    Field("channel_id", is_nullable=True),
    Field("touched_at", "moment", is_nullable=True),
    Field("weight", "float8"),
    Field("cents"),
)


def share_values(inputs: Inputs, scope: str, shares: Shares) -> Values:
    """The columns of one method's credits under a scope."""
    touches = inputs.touches
    nobody = shares.touch == UNKNOWN

    def of_touch(name: str) -> Ints:
        column = touches[name]
        if len(column) == 0:
            return np.full(len(nobody), UNKNOWN)
        return np.where(nobody, UNKNOWN, column[shares.touch])

    return {
        "opportunity_id": inputs.deals["id"][shares.deal],
        "scope": scope,
        "method": shares.method,
        "touchpoint_id": of_touch("id"),
        "campaign_id": of_touch("campaign"),
        "channel_id": of_touch("channel"),
        "touched_at": of_touch("occurred_at"),
        "weight": shares.weight,
        "cents": shares.cents,
    }


def only(rules: Rules, methods: Collection[str]) -> Rules:
    """The rules as if these were all methods there are."""
    fits = {key: fit for key, fit in rules.fits.items() if key in methods}
    return replace(rules, methods=tuple(each for each in rules.methods if each.key in methods), fits=fits)


def shares_of(inputs: Inputs, rules: Rules, wanted: Mapping[str, Collection[int]]) -> Iterator[Shares]:
    """What each method of the rules gives for the deals (by id) that are wanted of it."""
    ids = inputs.deals["id"]
    for shares in Book(inputs, rules).credits(np.arange(len(ids))):
        some = wanted[shares.method]
        if len(some) == len(ids):
            yield shares
            continue
        rows = np.isin(ids, np.array(sorted(some), dtype=np.int64))[shares.deal]
        yield Shares(shares.method, shares.deal[rows], shares.touch[rows], shares.weight[rows], shares.cents[rows])
