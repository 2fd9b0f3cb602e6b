"""From rows of a database to credits: the one place where columns become arrays and arrays become rows again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from attribution.pure.credits import allocate, unattributed_cents
from attribution.pure.hashing import journey_hashes
from attribution.pure.journeys import UNKNOWN, Journeys, Milestones, Rejected, Settings, Touches, build
from attribution.pure.methods import Options, methods_on_offer
from attribution.pure.ordering import Floats, Ints

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_CHANNELS = 1 << 20
"""More channels than anyone has: campaign and channel share one number."""


@dataclass(slots=True)
class DealColumns:
    """One entry per opportunity in each list; ``closed_at`` is None while it is open, amounts are whole cents."""

    id: list[int] = field(default_factory=list)
    status: list[str] = field(default_factory=list)
    amount_cents: list[int] = field(default_factory=list)
    opened_at: list[datetime] = field(default_factory=list)
    closed_at: list[datetime | None] = field(default_factory=list)
    known_at: list[datetime | None] = field(default_factory=list)


@dataclass(slots=True)
class TouchColumns:
    """One entry per touch in each list, in any order."""

    id: list[int] = field(default_factory=list)
    campaign: list[int | None] = field(default_factory=list)
    channel: list[int] = field(default_factory=list)
    occurred_at: list[datetime] = field(default_factory=list)
    exclusion: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Inputs:
    """Deals, touches, and which touch (index) is a candidate of which deal (index): two lists of equal length."""

    deals: DealColumns
    touches: TouchColumns
    pair_deal: list[int]
    pair_touch: list[int]


@dataclass(frozen=True, slots=True)
class Rules:
    """The company's settings. ``version`` names them in hashes: another text recomputes every journey."""

    look_back_days: int | None
    self_initiated: frozenset[int]
    half_life_days: float
    version: str


@dataclass(frozen=True, slots=True)
class Shares:
    """What one method gave: per credit the deal's and the touch's index (-1: Unattributed), weight and cents."""

    method: str
    deal: list[int]
    touch: list[int]
    weight: list[float]
    cents: list[int]


@dataclass(frozen=True, slots=True)
class Journey:
    """One deal's journey: touch indexes in order, the position badges of each, and the rejected with reasons."""

    touches: list[int]
    badges: dict[int, tuple[str, ...]]
    rejected: list[tuple[int, str]]


class Book:
    """The journeys of some deals, ready to be hashed, credited or shown."""

    def __init__(self, inputs: Inputs, rules: Rules) -> None:
        self._inputs, self._rules = inputs, rules
        places = list(zip(_known(inputs.touches.campaign), inputs.touches.channel, strict=True))
        index = {place: position for position, place in enumerate(dict.fromkeys(places))}
        # A campaign of the engine is a campaign and a channel: a touch moved to another channel must change the hash.
        self._places = _ints([(campaign + 1) * _CHANNELS + channel for campaign, channel in index])
        self._touches, self._milestones = _arrays(inputs, _ints([index[place] for place in places]))
        self._settings = Settings(look_back_days=rules.look_back_days, excluded_channels=rules.self_initiated)
        self._journeys, self._rejected = build(self._touches, self._milestones, self._settings)

    def hashes(self) -> list[bytes]:
        """One hash per deal, of everything its credits depend on."""
        deals = self._inputs.deals
        texts = journey_hashes(
            self._journeys,
            opportunity_ids=_ints(deals.id),
            campaign_ids=self._places,
            amount_cents=_ints(deals.amount_cents),
            stages=deals.status,
            settings_version=self._rules.version,
            method_versions={method.key: method.version for method in methods_on_offer()},
        )
        return [bytes.fromhex(text) for text in texts]

    def lengths(self) -> tuple[list[int], list[int]]:
        """Eligible and rejected touches per deal."""
        size = len(self._inputs.deals.id)
        eligible = np.bincount(self._touches.opportunity[self._journeys.row], minlength=size)
        rejected = np.bincount(self._touches.opportunity[self._rejected.row], minlength=size)
        return eligible.tolist(), rejected.tolist()

    def credits(self, chosen: Sequence[int]) -> Iterator[Shares]:
        """The credits of the chosen deals (indexes), method by method in the order of lists."""
        keep = np.flatnonzero(np.isin(self._touches.opportunity, _ints(list(chosen))))
        journeys, _ = build(_only(self._touches, keep), self._milestones, self._settings)
        options = Options(half_life_days=self._rules.half_life_days)
        amounts = _ints(self._inputs.deals.amount_cents)
        for method in methods_on_offer():
            weights = method.weights(journeys, options)
            cents = allocate(journeys, weights, amounts)
            left = unattributed_cents(journeys, cents, amounts)
            yield _shares(method.key, journeys, keep, weights, cents, left, sorted(chosen), self._inputs)

    def journey(self, deal: int) -> Journey:
        """The journey of one deal (index)."""
        return _journey(self._journeys, self._rejected, self._inputs, deal)


def _shares(
    key: str,
    journeys: Journeys,
    keep: Ints,
    weights: Floats,
    cents: Ints,
    left: Ints,
    chosen: list[int],
    inputs: Inputs,
) -> Shares:
    pair_touch = _ints(inputs.pair_touch)
    rows = np.flatnonzero(weights > 0)
    given = np.zeros(len(left))
    np.add.at(given, journeys.opportunity[journeys.journey[rows]], weights[rows])
    # What a method leaves over is a credit to nobody, so that every deal's credits add up to its amount.
    open_deals = [deal for deal in chosen if left[deal] != 0 or given[deal] < 1 - 1e-9]
    return Shares(
        method=key,
        deal=[*journeys.opportunity[journeys.journey[rows]].tolist(), *open_deals],
        touch=[*pair_touch[keep[journeys.row[rows]]].tolist(), *([UNKNOWN] * len(open_deals))],
        weight=[*weights[rows].tolist(), *(max(0.0, 1 - float(given[deal])) for deal in open_deals)],
        cents=[*cents[rows].tolist(), *(int(left[deal]) for deal in open_deals)],
    )


def _journey(journeys: Journeys, rejected: Rejected, inputs: Inputs, deal: int) -> Journey:
    found = np.flatnonzero(journeys.opportunity == deal)
    badges: dict[int, tuple[str, ...]] = {}
    touches: list[int] = []
    for journey in found.tolist():
        start = int(journeys.starts[journey])
        held = {
            "FT": start,
            "LC": int(journeys.lead_creation[journey]),
            "OC": int(journeys.opportunity_creation[journey]),
            "CW": int(journeys.closing[journey]),
        }
        for place in range(start, start + int(journeys.lengths[journey])):
            touch = inputs.pair_touch[int(journeys.row[place])]
            touches.append(touch)
            badges[touch] = tuple(name for name, holder in held.items() if holder == place)
    left_out = [
        (inputs.pair_touch[row], reason)
        for row, reason in zip(rejected.row.tolist(), rejected.reasons(), strict=True)
        if inputs.pair_deal[row] == deal
    ]
    return Journey(touches, badges, left_out)


def _arrays(inputs: Inputs, campaign: Ints) -> tuple[Touches, Milestones]:
    table, pair_deal, pair_touch = inputs.touches, _ints(inputs.pair_deal), _ints(inputs.pair_touch)
    at = _ints([_micro(moment) for moment in table.occurred_at])
    excluded = np.array([bool(why) for why in table.exclusion], dtype=np.bool_)
    internal = np.array([why == "internal" for why in table.exclusion], dtype=np.bool_)
    touches = Touches(
        opportunity=pair_deal,
        id=_ints(table.id)[pair_touch],
        campaign=campaign[pair_touch],
        channel=_ints(table.channel)[pair_touch],
        occurred_at=at[pair_touch],
        is_bot=(excluded & ~internal)[pair_touch],
        is_internal=internal[pair_touch],
    )
    deals = inputs.deals
    opened = _ints([_micro(moment) for moment in deals.opened_at])
    closed = _ints([_micro(moment) for moment in deals.closed_at])
    newest = opened.copy()
    genuine = ~excluded[pair_touch]
    np.maximum.at(newest, pair_deal[genuine], touches.occurred_at[genuine])
    milestones = Milestones(
        created_at=opened,
        closed_at=closed,
        # An open deal has no close yet. Its newest touch stands in, which does not move as time passes.
        milestone_at=np.where(closed == UNKNOWN, newest, closed),
        lead_created_at=_ints([_micro(moment) for moment in deals.known_at]),
    )
    return touches, milestones


def _only(touches: Touches, rows: Ints) -> Touches:
    picked: dict[str, Any] = {name: None if column is None else column[rows] for name, column in vars(touches).items()}
    return Touches(**picked)


def _known(values: Sequence[int | None]) -> list[int]:
    return [UNKNOWN if value is None else value for value in values]


def _ints(values: Sequence[int]) -> Ints:
    return np.array(values, dtype=np.int64)


def _micro(moment: datetime | None) -> int:
    return UNKNOWN if moment is None else (moment - _EPOCH) // _MICROSECOND
