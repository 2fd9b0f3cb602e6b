"""From columns of a database to credits, and back: journeys of some deals, ready to be hashed, credited or shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from attribution.pure.columns.columns import OPEN, UNKNOWN
from attribution.pure.columns.ordering import Floats, Ints
from attribution.pure.credits.credits import LIMIT, allocate, unattributed_cents
from attribution.pure.journeys.candidates import GENUINE, INTERNAL, Inputs
from attribution.pure.journeys.hashing import journey_hashes, mixed
from attribution.pure.journeys.journeys import Journeys, Milestones, Rejected, Settings, Touches, build
from attribution.pure.learning.fits import ready
from attribution.pure.methods import Options
from attribution.pure.rules import Rules

_CHANNELS = 1 << 20
"""More channels than anyone has: campaign and channel share one number."""


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """What one method gave: per credit the deal's and the touch's index (-1: Unattributed), weight and cents."""

    method: str
    deal: Ints
    touch: Ints
    weight: Floats
    cents: Ints

    def __len__(self) -> int:
        return len(self.deal)


@dataclass(frozen=True, slots=True)
class Journey:
    """One deal's journey: touch indexes in order, the position badges of each, and the rejected with reasons."""

    touches: list[int]
    badges: dict[int, tuple[str, ...]]
    rejected: list[tuple[int, str]]


class Book:
    """The journeys of some deals under one scope."""

    def __init__(self, inputs: Inputs, rules: Rules) -> None:
        self._inputs, self._rules = inputs, rules
        # A campaign of the engine is a campaign and a channel: a touch moved to another channel must change the hash.
        codes = (inputs.touches["campaign"] + 1) * _CHANNELS + inputs.touches["channel"]
        self._places, place = np.unique(codes, return_inverse=True)
        self._touches, self._milestones = _arrays(inputs, place.astype(np.int64), rules)
        self._settings = Settings(
            look_back_days=rules.look_back_days,
            excluded_channels=rules.self_initiated,
            suppressed_channels=rules.suppressed,
        )
        self._journeys, self._rejected = build(self._touches, self._milestones, self._settings)

    @cached_property
    def columns(self) -> Ints:
        """The hash of everything a deal's credits depend on, int64[deals, 2]: high and low."""
        inputs = self._inputs
        deals = inputs.deals
        facts = [deals["id"], deals["amount_cents"], deals["status"], inputs.contacts_key, inputs.people_key]
        if self._rules.needs_points:
            points = np.zeros(len(deals["id"]), dtype=np.int64)
            np.add.at(points, inputs.person_deal, mixed(inputs.person_points))
            facts.append(points)
        return journey_hashes(
            self._journeys,
            campaign_ids=self._places,
            facts=facts,
            settings_version=self._rules.version,
            method_versions={method.key: method.version for method in self._rules.methods},
        )

    def hashes(self) -> list[bytes]:
        """The same as 16 bytes per deal."""
        return [row.astype("<i8").tobytes() for row in self.columns]

    def lengths(self) -> tuple[Ints, Ints]:
        """Eligible and rejected touches per deal."""
        size = len(self._inputs.deals["id"])
        eligible = np.bincount(self._touches.opportunity[self._journeys.row], minlength=size)
        rejected = np.bincount(self._touches.opportunity[self._rejected.row], minlength=size)
        return eligible.astype(np.int64), rejected.astype(np.int64)

    def credits(self, chosen: Ints) -> Iterator[Shares]:
        """The credits of the chosen deals (indexes, ascending), method by method in the order of lists."""
        size = len(self._inputs.deals["id"])
        keep: Ints | None = None
        journeys = self._journeys
        if len(chosen) < size:
            is_chosen = np.zeros(size, dtype=np.bool_)
            is_chosen[chosen] = True
            keep = np.flatnonzero(is_chosen[self._touches.opportunity])
            journeys, _ = build(_only(self._touches, keep), self._milestones, self._settings)
        options = Options(half_life_days=self._rules.half_life_days, fits=self._fits())
        amounts = self._inputs.deals["amount_cents"]
        row = journeys.row if keep is None else keep[journeys.row]
        touch = self._inputs.pair_touch[row]
        deal = self._touches.opportunity[row]
        for method in self._rules.methods:
            weights = method.weights(journeys, options)
            # One absurd amount must not stop everybody's credits: what of it cannot be split is Unattributed.
            cents = allocate(journeys, weights, np.clip(amounts, -LIMIT, LIMIT))
            left = unattributed_cents(journeys, cents, amounts)
            yield _shares(method.key, deal, touch, weights, cents, left, chosen)

    def journey(self, deal: int) -> Journey:
        """The journey of one deal (index)."""
        return _journey(self._journeys, self._rejected, self._inputs, deal)

    def _fits(self) -> dict[str, Any]:
        campaign, channel = self._places // _CHANNELS - 1, self._places % _CHANNELS
        places = [
            (None if ours == UNKNOWN else ours, theirs)
            for ours, theirs in zip(campaign.tolist(), channel.tolist(), strict=True)
        ]
        people: list[list[int]] = []
        if self._rules.needs_points:
            edges = np.searchsorted(self._inputs.person_deal, np.arange(1, len(self._inputs.deals["id"])))
            people = [points.tolist() for points in np.split(self._inputs.person_points, edges)]
        return {
            key: ready(parameters, places, people if "baseline" in parameters else ())
            for key, parameters in self._rules.fits.items()
        }


def _shares(key: str, deal: Ints, touch: Ints, weights: Floats, cents: Ints, left: Ints, chosen: Ints) -> Shares:
    rows = np.flatnonzero(weights > 0)
    deals, given = deal[rows], weights[rows]
    total = np.bincount(deals, weights=given, minlength=len(left))
    # What a method leaves over is a credit to nobody, so that every deal's credits add up to its amount.
    over = chosen[(left[chosen] != 0) | (total[chosen] < 1 - 1e-9)]
    return Shares(
        method=key,
        deal=np.concatenate((deals, over)),
        touch=np.concatenate((touch[rows], np.full(len(over), UNKNOWN))),
        weight=np.concatenate((given, np.maximum(0.0, 1 - total[over]))),
        cents=np.concatenate((cents[rows], left[over])),
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
            touch = int(inputs.pair_touch[journeys.row[place]])
            touches.append(touch)
            badges[touch] = tuple(name for name, holder in held.items() if holder == place)
    left_out = [
        (int(inputs.pair_touch[row]), reason)
        for row, reason in zip(rejected.row.tolist(), rejected.reasons(), strict=True)
        if inputs.pair_deal[row] == deal
    ]
    return Journey(touches, badges, left_out)


def _arrays(inputs: Inputs, place: Ints, rules: Rules) -> tuple[Touches, Milestones]:
    table, pair_deal, pair_touch = inputs.touches, inputs.pair_deal, inputs.pair_touch
    exclusion = table["exclusion"][pair_touch]
    touches = Touches(
        opportunity=pair_deal,
        id=table["id"][pair_touch],
        campaign=place[pair_touch],
        channel=table["channel"][pair_touch],
        occurred_at=table["occurred_at"][pair_touch],
        is_bot=(exclusion != GENUINE) & (exclusion != INTERNAL),
        is_internal=exclusion == INTERNAL,
    )
    return touches, _milestones(inputs, touches, rules.milestone)


def _milestones(inputs: Inputs, touches: Touches, milestone: str) -> Milestones:
    # The engine's moments begin with 1970: a deal of 1901, which somebody mistyped, counts as opened then.
    opened, closed, known_at = (
        np.where(moment < UNKNOWN, 0, moment)
        for moment in (inputs.deals["opened_at"], inputs.deals["closed_at"], inputs.known_at)
    )
    opened = np.maximum(opened, 0)
    if milestone == "opportunity":
        until = opened
    elif milestone == "lead":
        until = np.where(known_at == UNKNOWN, opened, known_at)
    else:
        newest = opened.copy()
        genuine = inputs.touches["exclusion"][inputs.pair_touch] == GENUINE
        still_open = inputs.deals["status"] == OPEN
        counted = np.flatnonzero(genuine & still_open[touches.opportunity])
        np.maximum.at(newest, touches.opportunity[counted], touches.occurred_at[counted])
        # An open deal has no close yet. Its newest touch stands in, which does not move as time passes.
        until = np.where(closed == UNKNOWN, newest, closed)
    return Milestones(
        created_at=opened,
        closed_at=closed,
        milestone_at=until,
        lead_created_at=known_at,
    )


def _only(touches: Touches, rows: Ints) -> Touches:
    picked: dict[str, Any] = {name: None if column is None else column[rows] for name, column in vars(touches).items()}
    return Touches(**picked)
