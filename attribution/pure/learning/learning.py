"""From rows of a database to fits: all people and their touches as columns in, kept parameters out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import numpy as np

from attribution.pure.columns.ordering import Flags, Floats, Ints
from attribution.pure.learning import markov
from attribution.pure.learning.fits import band_of, bands, place_key
from attribution.pure.learning.hazard import HazardFit, Lift, fit_hazard
from attribution.pure.learning.histories import Histories, histories
from attribution.pure.methods import all_methods, get_method

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
TOP = 10
"""So many places a summary names."""


@dataclass(slots=True)
class PeopleColumns:
    """One entry per person: fit points of the first score, when they became known, and when they converted if so."""

    points: list[int] = field(default_factory=list)
    known_at: list[datetime] = field(default_factory=list)
    converted_at: list[datetime | None] = field(default_factory=list)


@dataclass(slots=True)
class TouchColumns:
    """One entry per touch, in any order; ``person`` is an index of PeopleColumns."""

    id: list[int] = field(default_factory=list)
    person: list[int] = field(default_factory=list)
    campaign: list[int | None] = field(default_factory=list)
    channel: list[int] = field(default_factory=list)
    occurred_at: list[datetime] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Observed:
    """What there is to learn from at the moment ``until``. Channels are ids; ``lifts`` name channels by id as well."""

    people: PeopleColumns
    touches: TouchColumns
    self_initiated: frozenset[int]
    until: datetime
    lifts: Sequence[Lift] = ()


@dataclass(frozen=True, slots=True)
class Learned:
    """One method's fit as it is kept, and what people want to know of it."""

    method: str
    version: int
    parameters: dict[str, Any]
    summary: dict[str, Any]
    inputs_hash: str


def learned_methods() -> tuple[str, ...]:
    """The methods that learn, in the order of lists."""
    return tuple(entry.key for entry in all_methods() if entry.needs_fit)


class Lesson:
    """Observed people laid out once for all methods that learn from them."""

    def __init__(self, observed: Observed) -> None:
        self._observed = observed
        touches = observed.touches
        keys = [place_key(place) for place in zip(touches.campaign, touches.channel, strict=True)]
        index = {key: number for number, key in enumerate(sorted(set(keys)))}
        self._keys = list(index)
        self._place = _ints([index[key] for key in keys])
        self._channels = sorted(set(touches.channel))
        number = {channel: position for position, channel in enumerate(self._channels)}
        self._channel = _ints([number[channel] for channel in touches.channel])
        self._at = _ints([_micro(moment) for moment in touches.occurred_at])
        self._points = _ints(observed.people.points)
        self._known_at = _ints([_micro(moment) for moment in observed.people.known_at])
        self._converted_at = _ints([_micro(moment) for moment in observed.people.converted_at])
        self._cuts = bands(self._points)

    def inputs_hash(self, method: str) -> str:
        """The same as long as nobody does anything: 32 hexadecimal digits. The moment of looking is no input, or a fit
        would never be up to date."""
        digest = blake2b(f"{method} {get_method(method).version} {self._cuts}".encode(), digest_size=16)
        digest.update(repr((self._keys, self._channels, sorted(self._observed.self_initiated))).encode())
        digest.update(repr(list(self._observed.lifts)).encode())
        order = np.lexsort((_ints(self._observed.touches.id), self._at))
        person = _ints(self._observed.touches.person)
        for column in (self._at, person, self._place, self._channel):
            digest.update(column[order].astype("<i8").tobytes())
        for column in (self._points, self._known_at, self._converted_at):
            digest.update(column.astype("<i8").tobytes())
        return digest.hexdigest()

    def learn(self, method: str) -> Learned:
        """Fit one method. Raises KeyError when it is none that learns."""
        seen = self._seen()
        counts = {
            "people": len(seen.days),
            "conversions": int(seen.converted.sum()),
            "touches": len(seen.place),
        }
        if method == "additive_hazard":
            parameters, more = self._hazard(seen)
        else:
            effects = {"markov_1": markov.first_order, "markov_2": markov.second_order}[method](seen)
            parameters, more = self._effects(seen, effects)
        top = sorted(parameters["values"].items(), key=lambda item: (-item[1], item[0]))
        summary = {**counts, **more, "top": [[key, value] for key, value in top[:TOP]]}
        return Learned(method, get_method(method).version, parameters, summary, self.inputs_hash(method))

    def _seen(self) -> Histories:
        converted = self._converted_at >= 0
        until = _micro(self._observed.until)
        size = len(self._keys)
        return histories(
            person=_ints(self._observed.touches.person),
            place=self._place,
            at=self._at,
            tie=_ints(self._observed.touches.id),
            starts_at=self._known_at,
            ends_at=np.where(converted, self._converted_at, until),
            converted=converted,
            band=band_of(self._points, self._cuts),
            channel_of=_commonest(self._place, self._channel, size, len(self._channels)),
            is_self_initiated=self._is_self_initiated(size),
        )

    def _is_self_initiated(self, size: int) -> Flags:
        own = np.isin(_ints(self._channels), _ints(sorted(self._observed.self_initiated)))
        return np.asarray(own[_commonest(self._place, self._channel, size, len(self._channels))])

    def _effects(self, seen: Histories, effects: Floats) -> tuple[dict[str, Any], dict[str, Any]]:
        often = np.bincount(seen.place, minlength=seen.places).astype(np.float64)
        channel = np.bincount(seen.channel_of, weights=effects * often, minlength=len(self._channels))
        usual = channel / np.maximum(np.bincount(seen.channel_of, weights=often, minlength=len(channel)), 1)
        return {"values": self._values(effects, usual)}, {}

    def _hazard(self, seen: Histories) -> tuple[dict[str, Any], dict[str, Any]]:
        number = {channel: position for position, channel in enumerate(self._channels)}
        lifts = [
            Lift(number[lift.channel], lift.share, lift.low, lift.high)
            for lift in self._observed.lifts
            if lift.channel in number
        ]
        fit = fit_hazard(seen, lifts=lifts)
        parameters = {
            "values": self._values(fit.values, fit.channel_values),
            "scale_days": fit.scale_days,
            "bands": self._cuts,
            "baseline": [
                _kept(rate) for rate in np.append(fit.baseline, np.zeros(len(self._cuts)))[: len(self._cuts) + 1]
            ],
        }
        return parameters, _told(fit, seen)

    def _values(self, values: Floats, usual: Floats) -> dict[str, float]:
        # The last channels may be the commonest of no place, and then nothing was found for them.
        usual = np.append(usual, np.zeros(len(self._channels)))
        of_channels = {f"channel:{channel}": _kept(usual[index]) for index, channel in enumerate(self._channels)}
        # Touches without a campaign have a place of their own; what was found there stands for their channel.
        return of_channels | {key: _kept(value) for key, value in zip(self._keys, values, strict=True)}


def _told(fit: HazardFit, seen: Histories) -> dict[str, Any]:
    bought = max(int(seen.converted.sum()), 1)
    return {
        "scale_days": fit.scale_days,
        "log_likelihood": {f"{scale:g}": round(value, 3) for scale, value in fit.likelihood.items()},
        "baseline_share": round(1 - min(1.0, float(fit.expected.sum()) / bought), 4),
    }


def _commonest(place: Ints, channel: Ints, places: int, channels: int) -> Ints:
    """The channel most touches of a place came through, int64[places]: the first of those most frequent."""
    cells = np.bincount(place * max(channels, 1) + channel, minlength=places * max(channels, 1))
    return np.asarray(cells.reshape(places, max(channels, 1)).argmax(axis=1), dtype=np.int64)


def _kept(value: float) -> float:
    """Nine digits: what two machines compute alike."""
    return float(f"{float(value):.9g}")


def _ints(values: Sequence[int]) -> Ints:
    return np.array(values, dtype=np.int64)


def _micro(moment: datetime | None) -> int:
    return -1 if moment is None else (moment - _EPOCH) // _MICROSECOND
