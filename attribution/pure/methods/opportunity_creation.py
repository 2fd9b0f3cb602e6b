"""Opportunity creation: All credit to the last touch before the opportunity was created."""

from attribution.pure.columns.ordering import Floats
from attribution.pure.journeys.journeys import Journeys
from attribution.pure.methods.positions import whole_credit
from attribution.pure.methods.registry import Options, method


@method(
    key="opportunity_creation",
    name="Opportunity creation",
    version=1,
    order=90,
    sentence="All credit to the last touch before the opportunity was created.",
)
def weights(journeys: Journeys, options: Options) -> Floats:
    """Return float64[touches]; a journey sums to 1, or to 0 where no touch holds the position."""
    return whole_credit(journeys, journeys.opportunity_creation)
