"""What methods by removal effect share: touches are credited in proportion to what their place was found to do."""

import numpy as np

from attribution.pure.columns.ordering import Floats
from attribution.pure.journeys.journeys import Journeys
from attribution.pure.methods.registry import Fit


def proportional(journeys: Journeys, fit: Fit) -> Floats:
    """Return float64[touches] in proportion to the value of each touch's place; each journey sums to 1.

    Where the fit knows none of a journey's places (they are newer than it), its touches share equally.
    """
    if len(journeys) == 0:
        return np.zeros(0)
    raw: Floats = np.append(fit.values, 0.0)[journeys.campaign]  # place -1 reads the last entry
    total = np.add.reduceat(raw, journeys.starts)
    known = np.repeat(total > 0, journeys.lengths)
    raw[~known] = 1.0
    total = np.where(total > 0, total, journeys.lengths)
    raw /= np.repeat(total, journeys.lengths)
    return raw
