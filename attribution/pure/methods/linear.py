"""Linear: The same credit to every touch."""

from attribution.pure.columns.ordering import Floats
from attribution.pure.journeys.journeys import Journeys
from attribution.pure.methods.registry import Options, method


@method(
    key="linear",
    name="Linear",
    version=1,
    order=30,
    sentence="The same credit to every touchpoint.",
)
def weights(journeys: Journeys, options: Options) -> Floats:
    """Return float64[touches]; each journey sums to 1."""
    return journeys.spread(1.0 / journeys.lengths)
