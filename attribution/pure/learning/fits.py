"""What data-driven methods learned, from the form it is kept in to the form weights need.

Kept parameters are plain values that survive JSON exactly::

    {"values": {"campaign:7": 0.25, "channel:3": 0.1}, "scale_days": 21.0,
     "bands": [10, 25], "baseline": [0.0001, 0.0004, 0.0011]}

The last three are the additive hazard's: people of up to 10 points of fit (excluded), of 10 to 25, and of 25 or more
convert by themselves at these rates per day.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from attribution.pure.columns.ordering import Floats, Ints
from attribution.pure.methods.registry import Fit

BANDS = 8
"""People are told apart by the eighth of their fit points."""
Place = tuple[int | None, int]
"""A campaign's id (None: no campaign) and a channel's."""


def place_key(place: Place) -> str:
    """Return the key a place's value is kept under: that of its campaign, or of its channel if it has none."""
    campaign, channel = place
    return f"channel:{channel}" if campaign is None or campaign < 0 else f"campaign:{campaign}"


def ready(parameters: Mapping[str, Any], places: Sequence[Place], people: Sequence[Sequence[int]] = ()) -> Fit:
    """Lay kept parameters out for journeys.

    ``places`` are the campaign-and-channel pairs that ``Journeys.campaign`` indexes; a campaign that was not there when
    the method was fitted counts as its channel, and a channel that was not as nothing. ``people`` holds, per
    opportunity, the fit points of each of its people (see ``band_of``); a method without a baseline needs none.
    """
    kept = parameters["values"]
    values = [kept.get(place_key(place), kept.get(f"channel:{place[1]}", 0.0)) for place in places]
    return Fit(
        values=np.array(values, dtype=np.float64),
        scale_days=float(parameters.get("scale_days", 1.0)),
        baseline=_baseline(parameters, people),
    )


def band_of(points: Ints, bands: Sequence[int]) -> Ints:
    """Return the band of each score, int64[people]: how many of the ascending ``bands`` it reaches."""
    return np.searchsorted(np.array(bands, dtype=np.int64), points, side="right").astype(np.int64)


def _baseline(parameters: Mapping[str, Any], people: Sequence[Sequence[int]]) -> Floats:
    if "baseline" not in parameters:
        return np.zeros(len(people))
    points = np.array([point for members in people for point in members], dtype=np.int64)
    deal = np.repeat(np.arange(len(people)), [len(members) for members in people])
    rates = np.array(parameters["baseline"], dtype=np.float64)[band_of(points, parameters["bands"])]
    return np.bincount(deal, weights=rates, minlength=len(people)).astype(np.float64)


def bands(points: Ints) -> list[int]:
    """Bounds that part people into eighths by their points, ascending and distinct; fewer where many are alike."""
    if len(points) == 0:
        return []
    cuts = np.quantile(points, [part / BANDS for part in range(1, BANDS)], method="higher")
    return sorted({int(cut) for cut in cuts if cut > points.min()})
