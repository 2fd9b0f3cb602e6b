"""Kept parameters laid out for journeys."""

import numpy as np
import pytest

from attribution.pure.learning.fits import band_of, place_key, ready

PARAMETERS = {
    "values": {"campaign:7": 0.25, "channel:3": 0.1},
    "scale_days": 21.0,
    "bands": [10, 25],
    "baseline": [0.001, 0.002, 0.004],
}


def test_a_place_is_its_campaign_then_its_channel_then_nothing() -> None:
    fit = ready(PARAMETERS, [(7, 9), (None, 3), (8, 3), (-1, 3), (8, 4)])
    assert fit.values.tolist() == [0.25, 0.1, 0.1, 0.1, 0]
    assert fit.scale_days == 21
    assert [place_key(place) for place in ((7, 9), (None, 3), (-1, 3))] == ["campaign:7", "channel:3", "channel:3"]


def test_a_deal_has_the_baselines_of_all_its_people() -> None:
    fit = ready(PARAMETERS, [], [[9], [10, 25], [], [100, 0]])
    assert fit.baseline == pytest.approx([0.001, 0.006, 0, 0.005])
    assert band_of(np.array([9, 10, 24, 25]), [10, 25]).tolist() == [0, 1, 1, 2]


def test_a_method_without_baseline_has_none() -> None:
    fit = ready({"values": {}}, [(1, 1)], [[3], [4]])
    assert (fit.values.tolist(), fit.baseline.tolist(), fit.scale_days) == ([0], [0, 0], 1)
