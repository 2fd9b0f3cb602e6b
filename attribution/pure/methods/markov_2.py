"""Markov, second order: as the first order, with a memory of two campaigns."""

from attribution.pure.columns.ordering import Floats
from attribution.pure.journeys.journeys import Journeys
from attribution.pure.methods.effects import proportional
from attribution.pure.methods.registry import Options, method

KEY = "markov_2"


@method(
    key=KEY,
    name="Markov, second order",
    version=1,
    order=130,
    sentence="As Markov, where each step depends on the two campaigns before it.",
    needs_fit=True,
)
def weights(journeys: Journeys, options: Options) -> Floats:
    """Return float64[touches]; each journey sums to 1."""
    return proportional(journeys, options.fits[KEY])
