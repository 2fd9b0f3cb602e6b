"""Lead creation: All credit to the touch that made the person known."""

from attribution.pure.columns.ordering import Floats
from attribution.pure.journeys.journeys import Journeys
from attribution.pure.methods.positions import whole_credit
from attribution.pure.methods.registry import Options, method


@method(
    key="lead_creation",
    name="Lead creation",
    version=1,
    order=80,
    sentence="All credit to the touchpoint that made the person known.",
)
def weights(journeys: Journeys, options: Options) -> Floats:
    """Return float64[touches]; a journey sums to 1, or to 0 where no touch holds the position."""
    return whole_credit(journeys, journeys.lead_creation)
