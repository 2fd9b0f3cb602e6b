"""What one method gave, as columns of a table."""

from __future__ import annotations

import numpy as np

from attribution.pure.columns.columns import UNKNOWN
from attribution.pure.columns.copy_codec import Field, Values
from attribution.pure.columns.ordering import Ints
from attribution.pure.credits.computation import Shares
from attribution.pure.journeys.candidates import Inputs

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
