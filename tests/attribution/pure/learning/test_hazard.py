"""The additive hazard finds what was put in, and says so beside an experiment."""

import numpy as np
import pytest

from attribution.pure.journeys.journeys import DAY
from attribution.pure.learning.hazard import Lift, fit_hazard
from attribution.pure.learning.histories import Histories, histories

EFFECTS = np.array([0.08, 0.03, 0.0, 0.5])
SELF = 3


def market(people: int = 20_000, lag: float = 12.0, seed: int = 5) -> Histories:
    """People followed for 200 days with touches at any moment, by the very model that is fitted."""
    random = np.random.default_rng(seed)
    band = random.integers(0, 2, people)
    bought_at = random.exponential(1 / np.array([0.0004, 0.0012])[band])
    person = np.repeat(np.arange(people), 4)
    place = np.tile(np.arange(4), people)
    at = random.uniform(0, 200, len(person))
    effect = np.where(np.arange(4) == SELF, 0.0, EFFECTS)[place]
    rings = np.where(
        random.random(len(person)) < 1 - np.exp(-effect), at + random.exponential(lag, len(person)), np.inf
    )
    np.minimum.at(bought_at, person, rings)
    converted = bought_at < 200
    return histories(
        person=person,
        place=place,
        at=(at * DAY).astype(np.int64),
        tie=np.arange(len(person)),
        starts_at=np.zeros(people, dtype=np.int64),
        ends_at=(np.where(converted, bought_at, 200) * DAY).astype(np.int64),
        converted=converted,
        band=band,
        channel_of=np.array([0, 0, 1, 2]),
        is_self_initiated=np.arange(4) == SELF,
    )


def test_effects_baselines_and_the_lag_are_found() -> None:
    seen = market()
    fit = fit_hazard(seen)
    assert fit.values[:3] == pytest.approx(EFFECTS[:3], abs=0.006)
    assert fit.values[SELF] == 0
    assert fit.baseline == pytest.approx([0.0004, 0.0012], rel=0.12)
    assert fit.scale_days == 12
    assert fit.likelihood[fit.scale_days] == max(fit.likelihood.values())
    # Every conversion is somebody's: a touch's or the baseline's.
    idle = np.bincount(seen.band, weights=seen.days)
    assert fit.expected.sum() + fit.baseline @ idle == pytest.approx(seen.converted.sum(), rel=1e-3)


def test_the_order_of_rows_does_not_matter() -> None:
    seen = market(people=500)
    shuffled = np.random.default_rng(2).permutation(len(seen.person))
    ends = np.zeros(500)
    again = histories(
        person=seen.person[shuffled],
        place=seen.place[shuffled],
        at=(-seen.left * DAY).astype(np.int64)[shuffled],
        tie=np.arange(len(shuffled))[shuffled],
        starts_at=(-seen.days * DAY).astype(np.int64),
        ends_at=ends.astype(np.int64),
        converted=seen.converted,
        band=seen.band,
        channel_of=seen.channel_of,
        is_self_initiated=seen.is_self_initiated,
    )
    assert fit_hazard(again).values == pytest.approx(fit_hazard(seen).values, rel=1e-6)


def test_a_narrow_experiment_is_believed_and_a_wide_one_is_not() -> None:
    seen = market(people=4000)
    plain = fit_hazard(seen)
    of_channel = seen.channel_of == 0
    said = plain.expected[of_channel].sum() / seen.converted.sum()

    def calibrated(low: float, high: float) -> float:
        fit = fit_hazard(seen, lifts=[Lift(0, said / 2, low, high)])
        assert fit.values[0] / fit.values[1] == pytest.approx(plain.values[0] / plain.values[1])
        return float(fit.expected[of_channel].sum() / seen.converted.sum())

    assert calibrated(said / 2 - 0.001, said / 2 + 0.001) == pytest.approx(said / 2, rel=0.01)
    assert calibrated(0.0, 1.0) == pytest.approx(said, rel=0.2)
    # What the channel is no longer said to have done, the baseline is.
    low = fit_hazard(seen, lifts=[Lift(0, said / 2, said / 2 - 0.001, said / 2 + 0.001)])
    assert low.baseline.sum() > plain.baseline.sum()


def test_nobody_and_nobody_converting() -> None:
    nobody = fit_hazard(market(people=0))
    assert nobody.values.tolist() == [0, 0, 0, 0]
    seen = market(people=50)
    seen.converted[:] = False
    assert np.isfinite(fit_hazard(seen).values).all()
    assert fit_hazard(seen).values.max() < 0.01


def test_a_lag_is_needed() -> None:
    with pytest.raises(ValueError, match="lag"):
        fit_hazard(market(people=10), scales=())
