"""Shapley: the campaigns of a journey share equally, however often each was there."""

import numpy as np

from attribution.pure.columns.ordering import Floats, order_within
from attribution.pure.journeys.journeys import Journeys
from attribution.pure.methods.registry import Options, method


@method(
    key="shapley",
    name="Shapley",
    version=1,
    order=110,
    sentence="The same credit to every campaign of the journey, shared by its touchpoints.",
)
def weights(journeys: Journeys, options: Options) -> Floats:
    """Return float64[touches]; each journey sums to 1.

    In the game where a coalition wins a deal if it holds all campaigns of its journey, the Shapley value *is* this
    equal split, and no coalition needs to be enumerated. Touches without a campaign are one player together.
    """
    if len(journeys) == 0:
        return np.zeros(0)
    order = order_within(journeys.journey, journeys.campaign)
    journey, place = journeys.journey[order], journeys.campaign[order]
    is_new = np.ones(len(order), dtype=np.bool_)
    is_new[1:] = (journey[1:] != journey[:-1]) | (place[1:] != place[:-1])
    starts = np.flatnonzero(is_new)
    players = np.bincount(journey[starts], minlength=len(journeys))
    repeats = np.diff(starts, append=len(order))
    weights = np.empty(len(order))
    weights[order] = np.repeat(1.0 / (players[journey[starts]] * repeats), repeats)
    return weights
