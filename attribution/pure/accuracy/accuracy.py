"""How much of the credit sits on the campaign that caused the revenue, in markets of known truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from attribution.pure.accuracy.simulator import Market, Scenario, simulate
from attribution.pure.columns.columns import UNKNOWN
from attribution.pure.columns.ordering import Floats, Ints
from attribution.pure.journeys.journeys import DAY, Journeys, Milestones, Settings, Touches, build
from attribution.pure.learning import markov
from attribution.pure.learning.fits import band_of, bands
from attribution.pure.learning.hazard import fit_hazard
from attribution.pure.learning.histories import Histories, histories
from attribution.pure.methods import Fit, Method, Options, all_methods


@dataclass(frozen=True)
class Score:
    """What one method did in one market: ``craa`` from 0 to 1, ``claimed`` 1.6 where it credits 1.6 times the truth,
    and the revenue it credited to each campaign."""

    scenario: str
    method: str
    craa: float
    claimed: float
    credited: tuple[float, ...] = ()


def craa(credited: Floats, caused: Floats) -> float:
    """The share of credited revenue that sits on the campaign that caused it: 1 − ½ Σ |c/Σc − Δ/ΣΔ|.

    0 where nothing was credited. Raises ValueError when nothing was caused.
    """
    if not caused.sum() > 0:
        raise ValueError("there is no truth to compare with")
    if not credited.sum() > 0:
        return 0.0
    return float(1 - np.abs(credited / credited.sum() - caused / caused.sum()).sum() / 2)


def try_methods(scenario: Scenario, *, people: int, seed: int) -> list[Score]:
    """Simulate a market and score every registered method on it."""
    return score_methods(simulate(scenario, people=people, seed=seed))


def score_methods(market: Market, methods: Sequence[Method] = ()) -> list[Score]:
    """Score methods (all registered ones, unless named) on a market."""
    journeys, buyer = _journeys(market)
    options = Options(fits=_fits(market, buyer))
    scores = []
    for entry in methods or all_methods():
        revenue = entry.weights(journeys, options) * market.amount[buyer][journeys.opportunity[journeys.journey]]
        credited = np.bincount(journeys.campaign, weights=revenue, minlength=len(market.caused)).astype(np.float64)
        claimed = float(credited.sum() / market.caused.sum())
        scores.append(
            Score(market.scenario.name, entry.key, craa(credited, market.caused), claimed, tuple(credited.tolist()))
        )
    return scores


def learned_from(market: Market) -> Histories:
    """What a company would know of the market's people: only those who were ever touched."""
    days = market.scenario.days
    known = np.full(len(market.amount), np.inf)
    np.minimum.at(known, market.person, market.at)
    people = np.flatnonzero(np.isfinite(known))
    number = np.full(len(known), UNKNOWN)
    number[people] = np.arange(len(people))
    bought_at = market.bought_at[people]
    converted = np.isfinite(bought_at)
    points = market.points[people]
    return histories(
        person=number[market.person],
        place=market.campaign,
        at=_micro(market.at),
        tie=np.arange(len(market.at)),
        starts_at=_micro(known[people]),
        ends_at=_micro(np.where(converted, bought_at, float(days))),
        converted=converted,
        band=band_of(points, bands(points)),
        channel_of=market.channel_of,
        is_self_initiated=market.is_self_initiated,
    )


def _fits(market: Market, buyer: Ints) -> dict[str, Fit]:
    seen = learned_from(market)
    hazard = fit_hazard(seen)
    number = np.flatnonzero(np.isin(np.arange(len(market.amount)), market.person))
    cuts = bands(market.points[number])
    baseline = hazard.baseline[band_of(market.points[buyer], cuts)]
    return {
        "markov_1": Fit(markov.first_order(seen)),
        "markov_2": Fit(markov.second_order(seen)),
        "additive_hazard": Fit(hazard.values, hazard.scale_days, baseline),
    }


def _journeys(market: Market) -> tuple[Journeys, Ints]:
    """The journeys of those who bought, and who they are; the purchase is creation and close at once."""
    buyer = np.flatnonzero(np.isfinite(market.bought_at))
    number = np.full(len(market.amount), UNKNOWN)
    number[buyer] = np.arange(len(buyer))
    rows = np.flatnonzero(number[market.person] >= 0)
    bought_at = _micro(market.bought_at[buyer])
    first = np.full(len(buyer), np.iinfo(np.int64).max)
    np.minimum.at(first, number[market.person[rows]], _micro(market.at[rows]))
    touches = Touches(
        opportunity=number[market.person[rows]],
        id=rows,
        campaign=market.campaign[rows],
        channel=market.channel_of[market.campaign[rows]],
        occurred_at=_micro(market.at[rows]),
    )
    milestones = Milestones(
        created_at=bought_at,
        closed_at=bought_at,
        milestone_at=bought_at,
        lead_created_at=np.where(first > bought_at, UNKNOWN, first),
    )
    own = frozenset(np.unique(market.channel_of[market.is_self_initiated]).tolist())
    journeys, _ = build(touches, milestones, Settings(excluded_channels=own))
    return journeys, buyer


def _micro(days: Floats) -> Ints:
    return (days * DAY).astype(np.int64)


def summed_up(scores: Sequence[Score]) -> list[dict[str, Any]]:
    """One row per method, best first: its mean over scenarios, and the worst scenario (mean of its seeds).

    ``{"method", "value", "worst", "worst_scenario", "worst_single", "claimed", "scenarios": {name: craa}}``;
    ``worst_single`` is the worst single market.
    """
    rows = []
    for method in dict.fromkeys(score.method for score in scores):
        own = [score for score in scores if score.method == method]
        found: dict[str, list[float]] = {}
        for score in own:
            found.setdefault(score.scenario, []).append(score.craa)
        means = {name: sum(values) / len(values) for name, values in found.items()}
        worst = min(means, key=lambda name: means[name])
        rows.append(
            {
                "method": method,
                "value": round(sum(means.values()) / len(means), 4),
                "worst": round(means[worst], 4),
                "worst_scenario": worst,
                "worst_single": round(min(score.craa for score in own), 4),
                "claimed": round(sum(score.claimed for score in own) / len(own), 3),
                "scenarios": {name: round(value, 4) for name, value in means.items()},
            }
        )
    return sorted(rows, key=lambda row: (-float(str(row["value"])), str(row["method"])))
