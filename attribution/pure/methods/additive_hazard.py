"""Additive hazard: each touch earns its share of what made the deal begin when it did."""

import numpy as np

from attribution.pure.columns.ordering import Floats
from attribution.pure.journeys.journeys import DAY, Journeys
from attribution.pure.methods.registry import Options, method

KEY = "additive_hazard"


@method(
    key=KEY,
    name="Additive hazard",
    version=1,
    order=140,
    sentence="Each touchpoint earns its share of the chance to buy at that moment; the rest would have come anyway.",
    needs_fit=True,
    has_baseline=True,
)
def weights(journeys: Journeys, options: Options) -> Floats:
    """Return float64[touches]; a journey sums to 1 less the baseline's share.

    The moment is the opportunity's creation: later touches earn nothing. Self-initiated touches earn nothing either.
    """
    if len(journeys) == 0:
        return np.zeros(0)
    fit = options.fits[KEY]
    created_at = journeys.milestones.created_at[journeys.opportunity]
    days = (np.repeat(created_at, journeys.lengths) - journeys.occurred_at) / DAY
    rate: Floats = np.append(fit.values, 0.0)[journeys.campaign] / fit.scale_days  # place -1 reads the last entry
    rate *= np.exp(np.maximum(days, 0.0) / -fit.scale_days)
    rate[(days < 0) | journeys.is_self_initiated] = 0.0
    baseline = fit.baseline[journeys.opportunity]
    whole = baseline + np.add.reduceat(rate, journeys.starts)
    rate /= np.repeat(np.where(whole > 0, whole, 1.0), journeys.lengths)
    return rate
