"""Time decay: The newer the touch, the more credit: half as much for every half-life of age."""

import numpy as np

from attribution.pure.columns.ordering import Floats
from attribution.pure.journeys.journeys import DAY, Journeys
from attribution.pure.methods.registry import Options, method


@method(
    key="time_decay",
    name="Time decay",
    version=1,
    order=70,
    sentence="The newer the touchpoint, the more credit: half as much for every half-life of age.",
)
def weights(journeys: Journeys, options: Options) -> Floats:
    """Return float64[touches]; each journey sums to 1."""
    if len(journeys) == 0:
        return np.zeros(0)
    # Ages count from the newest touch: 2^(-age) of an old journey is 0 throughout, and 0 / 0 is not a number.
    behind = journeys.age - journeys.spread(journeys.age[journeys.last])
    raw: Floats = behind / (-options.half_life_days * DAY)
    np.exp2(raw, out=raw)
    raw /= journeys.spread(journeys.sums(raw))
    return raw
