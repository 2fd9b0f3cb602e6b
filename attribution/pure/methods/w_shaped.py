"""W-shaped: 30 % each to the first, lead-creation and opportunity-creation touches, 10 % to the others."""

from attribution.pure.columns.ordering import Floats
from attribution.pure.journeys.journeys import Journeys
from attribution.pure.methods.positions import shared_credit
from attribution.pure.methods.registry import Options, method


@method(
    key="w_shaped",
    name="W-shaped",
    version=1,
    order=50,
    sentence="30 % each to the first, lead-creation and opportunity-creation touchpoints, 10 % to the others.",
)
def weights(journeys: Journeys, options: Options) -> Floats:
    """Return float64[touches]; each journey sums to 1."""
    positions = (journeys.first, journeys.lead_creation, journeys.opportunity_creation)
    return shared_credit(journeys, positions, share=30, rest=10)
