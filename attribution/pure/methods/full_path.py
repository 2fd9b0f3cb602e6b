"""Full path: 22.5 % each to the four positions, 10 % to the touches between."""

import numpy as np

from attribution.pure.columns.ordering import Floats
from attribution.pure.journeys.journeys import Journeys
from attribution.pure.methods import w_shaped
from attribution.pure.methods.positions import shared_credit
from attribution.pure.methods.registry import Options, method


@method(
    key="full_path",
    name="Full path",
    version=1,
    order=60,
    sentence="22.5 % each to the first, lead-, opportunity-creation and closing touchpoints, 10 % to the others.",
)
def weights(journeys: Journeys, options: Options) -> Floats:
    """Return float64[touches]; each journey sums to 1."""
    three = (journeys.first, journeys.lead_creation, journeys.opportunity_creation)
    closed = shared_credit(journeys, (*three, journeys.closing), share=225, rest=100)
    # A deal that is not closed has no closing touch: what is known of its path so far is W-shaped.
    so_far = w_shaped.weights(journeys, options)
    return np.where((journeys.closing >= 0)[journeys.journey], closed, so_far)
