"""U-shaped: 40 % to the first touch, 40 % to the touch that created the lead, 20 % to the others."""

from attribution.pure.columns.ordering import Floats
from attribution.pure.journeys.journeys import Journeys
from attribution.pure.methods.positions import shared_credit
from attribution.pure.methods.registry import Options, method


@method(
    key="u_shaped",
    name="U-shaped",
    version=1,
    order=40,
    sentence="40 % to the first touch, 40 % to the touchpoint that created the lead, 20 % to the others.",
)
def weights(journeys: Journeys, options: Options) -> Floats:
    """Return float64[touches]; each journey sums to 1."""
    return shared_credit(journeys, (journeys.first, journeys.lead_creation), share=40, rest=20)
