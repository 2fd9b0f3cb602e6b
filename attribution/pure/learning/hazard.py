"""The additive hazard: what each touch adds to a person's chance to convert, learned from everybody.

The hazard of a person at t is b[band] plus, for every earlier touch, β[place] · f(t − t_touch), with f an exponential
density of lags. β is thus the number of conversions a touch brings in all, b a rate per day. It is a race of clocks: at
a conversion each clock has rung first with a chance in proportion to its hazard, and expectation-maximization counts
whose it was. Everybody's time counts, converted or not: a place that reaches many who never convert is worth little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from attribution.pure.columns.ordering import Flags, Floats, Ints
from attribution.pure.learning.histories import Histories

SCALES = (2.0, 4.0, 7.0, 12.0, 20.0, 35.0, 60.0, 100.0)
"""Mean lags in days that are tried; the likeliest is taken."""

_PRIOR = 1.0
"""A place is pulled towards its channel as if the channel's average had brought this many more conversions there."""

_ROUNDS, _CLOSE = 400, 1e-7


@dataclass(frozen=True, eq=False)
class HazardFit:
    """What was learned: conversions per touch of each place and channel, rates per day of each band, lag in days.

    ``likelihood`` holds the log-likelihood of each lag that was tried; ``expected`` the conversions each place brought
    among those seen.
    """

    values: Floats
    channel_values: Floats
    baseline: Floats
    scale_days: float
    likelihood: Mapping[float, float]
    expected: Floats


@dataclass(frozen=True)
class Lift:
    """What an experiment found: the share of conversions that a channel caused, with the ends of its 95 % interval."""

    channel: int
    share: float
    low: float
    high: float


@dataclass(slots=True)
class _Model:
    """One lag's sums over all people, and the converted people's touches, which are all that a round looks at."""

    seen: Histories
    scale: float
    exposure: Floats = field(init=False)
    idle: Floats = field(init=False)
    person: Ints = field(init=False)
    place: Ints = field(init=False)
    density: Floats = field(init=False)
    band: Ints = field(init=False)

    def __post_init__(self) -> None:
        seen = self.seen
        reached = np.exp(seen.left / -self.scale)
        self.exposure = _summed(seen.place, 1 - reached, seen.places)
        bands = int(seen.band.max()) + 1 if len(seen.band) else 1
        self.idle = _summed(seen.band, seen.days, bands)
        rows = np.flatnonzero(seen.converted[seen.person])
        number = np.cumsum(seen.converted) - 1
        self.person, self.place = number[seen.person[rows]], seen.place[rows]
        self.density = reached[rows] / self.scale
        self.band = seen.band[seen.converted]

    def hazard(self, values: Floats, baseline: Floats) -> tuple[Floats, Floats]:
        """Of each touch of a converted person, and of each converted person in all."""
        rate = values[self.place] * self.density
        return rate, baseline[self.band] + _summed(self.person, rate, len(self.band))

    def log_likelihood(self, values: Floats, baseline: Floats) -> float:
        _, whole = self.hazard(values, baseline)
        return float(np.log(np.maximum(whole, 1e-300)).sum() - values @ self.exposure - baseline @ self.idle)


def fit_hazard(seen: Histories, *, scales: Sequence[float] = SCALES, lifts: Sequence[Lift] = ()) -> HazardFit:
    """Fit effects, baselines and the lag to what was seen. Places people start themselves have no effect.

    Where experiments were made, the effects of their channels are scaled to what they found, the more so the narrower
    their intervals, and everything else is learned anew beside them.
    """
    likelihood: dict[float, float] = {}
    best: tuple[float, Floats, Floats, _Model] | None = None
    for scale in scales:
        model = _Model(seen, scale)
        values, baseline = _learned(model, best[1:3] if best else None)
        likelihood[scale] = model.log_likelihood(values, baseline)
        if best is None or likelihood[scale] > best[0]:
            best = likelihood[scale], values, baseline, model
    if best is None:
        raise ValueError("at least one lag must be tried")
    _, values, baseline, model = best
    if lifts:
        calibrated = _calibrated(model, values, lifts)
        fixed = calibrated != values
        values, baseline = _learned(model, (calibrated, baseline), fixed)
    return HazardFit(
        values=values,
        channel_values=_of_channels(seen, values * model.exposure, model.exposure),
        baseline=baseline,
        scale_days=model.scale,
        likelihood=likelihood,
        expected=values * model.exposure,
    )


def _calibrated(model: _Model, values: Floats, lifts: Sequence[Lift]) -> Floats:
    """Scale each tested channel to the share of conversions that the experiment and the fit agree on.

    Both are weighed by their precision: a fit is trusted to half of what it says, an experiment to its interval.
    """
    scaled, channel_of = values.copy(), model.seen.channel_of
    bought = max(len(model.band), 1)
    for channel in sorted({lift.channel for lift in lifts}):
        own = channel_of == channel
        said = float(values[own] @ model.exposure[own]) / bought
        if said <= 0:
            continue
        found = [
            (lift.share, ((lift.high - lift.low) / 3.92) ** 2 + 1e-12) for lift in lifts if lift.channel == channel
        ]
        weight = sum(1 / variance for _, variance in found) + 4 / said**2
        agreed = (sum(share / variance for share, variance in found) + 4 / said) / weight
        scaled[own] *= agreed / said
    return scaled


def _learned(model: _Model, start: tuple[Floats, Floats] | None, fixed: Flags | None = None) -> tuple[Floats, Floats]:
    """Expectation-maximization from ``start``, or from half of all conversions being the baseline's.

    Values that are ``fixed`` stay as they start.
    """
    seen = model.seen
    bought = max(len(model.band), 1)
    works = (model.exposure > 0) & ~seen.is_self_initiated
    if start is None:
        baseline = np.full(len(model.idle), bought / 2 / max(model.idle.sum(), 1.0))
        values = np.where(works, bought / 2 / max(model.exposure[works].sum(), 1.0), 0.0)
    else:
        values, baseline = start
    for _ in range(_ROUNDS):
        rate, whole = model.hazard(values, baseline)
        rang = _summed(model.place, rate / whole[model.person], seen.places)
        own = _summed(model.band, baseline[model.band] / whole, len(baseline))
        new = np.where(works, _shrunk(seen, rang, model.exposure), 0.0)
        if fixed is not None:
            new = np.where(fixed, values, new)
        moved = np.abs(new - values) @ model.exposure
        values, baseline = new, own / np.maximum(model.idle, 1e-9)
        if moved < _CLOSE * bought:
            break
    return values, baseline


def _shrunk(seen: Histories, rang: Floats, exposure: Floats) -> Floats:
    """Conversions per touch of each place, pulled towards its channel's average."""
    channel = _of_channels(seen, rang, exposure)[seen.channel_of]
    usual = np.maximum(channel, 1e-12)
    return np.asarray((rang + _PRIOR) / (exposure + _PRIOR / usual))


def _of_channels(seen: Histories, rang: Floats, exposure: Floats) -> Floats:
    channels = int(seen.channel_of.max()) + 1 if seen.places else 0
    rung = _summed(seen.channel_of, rang, channels)
    return np.asarray(rung / np.maximum(_summed(seen.channel_of, exposure, channels), 1e-9))


def _summed(group: Ints, values: Floats, groups: int) -> Floats:
    return np.bincount(group, weights=values, minlength=groups).astype(np.float64, copy=False)
