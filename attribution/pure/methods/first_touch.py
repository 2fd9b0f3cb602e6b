"""First touch: All credit to the first marketing touch."""

from attribution.pure.columns.ordering import Floats
from attribution.pure.journeys.journeys import Journeys
from attribution.pure.methods.positions import whole_credit
from attribution.pure.methods.registry import Options, method


@method(
    key="first_touch",
    name="First touch",
    version=1,
    order=10,
    sentence="All credit to the first marketing touchpoint.",
)
def weights(journeys: Journeys, options: Options) -> Floats:
    """Return float64[touches]; each journey sums to 1."""
    return whole_credit(journeys, journeys.first)
