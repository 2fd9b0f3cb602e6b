"""Markov, first order: credit in proportion to what would be lost without a campaign."""

from attribution.pure.columns.ordering import Floats
from attribution.pure.journeys.journeys import Journeys
from attribution.pure.methods.effects import proportional
from attribution.pure.methods.registry import Options, method

KEY = "markov_1"


@method(
    key=KEY,
    name="Markov, first order",
    version=1,
    order=120,
    sentence="In proportion to the conversions that would be lost without the touchpoint's campaign.",
    needs_fit=True,
)
def weights(journeys: Journeys, options: Options) -> Floats:
    """Return float64[touches]; each journey sums to 1."""
    return proportional(journeys, options.fits[KEY])
