"""Last touch: All credit to the last touch before the conversion."""

from attribution.pure.columns.ordering import Floats
from attribution.pure.journeys.journeys import Journeys
from attribution.pure.methods.positions import whole_credit
from attribution.pure.methods.registry import Options, method


@method(
    key="last_touch",
    name="Last touch",
    version=1,
    order=20,
    sentence="All credit to the last touch before the conversion.",
)
def weights(journeys: Journeys, options: Options) -> Floats:
    """Return float64[touches]; each journey sums to 1."""
    return whole_credit(journeys, journeys.last)
