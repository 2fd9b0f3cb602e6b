"""Last touch, self-initiated excluded: all credit to the last touch that marketing started."""

import numpy as np

from attribution.pure.columns.columns import UNKNOWN
from attribution.pure.columns.ordering import Floats
from attribution.pure.journeys.journeys import Journeys
from attribution.pure.methods.positions import whole_credit
from attribution.pure.methods.registry import Options, method


@method(
    key="last_non_self_initiated",
    name="Last non-direct touch",
    version=1,
    order=25,
    sentence="All credit to the last touch that marketing started; direct and the like are passed over.",
)
def weights(journeys: Journeys, options: Options) -> Floats:
    """Return float64[touches]; a journey sums to 1, or to 0 where every touch is self-initiated."""
    if len(journeys) == 0:
        return np.zeros(0)
    index = np.where(journeys.is_self_initiated, UNKNOWN, np.arange(len(journeys.row)))
    return whole_credit(journeys, np.maximum.reduceat(index, journeys.starts))
