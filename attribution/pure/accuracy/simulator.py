"""Made-up markets of which the truth is known: who would have bought had a campaign not run.

Every person has a hazard to buy on every day: one of their own (their fit, the season, phases of intent) plus what
campaigns add. The same chance numbers are used with and without a campaign, so the revenue it caused is known exactly
up to the draw of touches: the sum over people of amount times the chance that is lost without its touches.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from attribution.pure.columns.ordering import Flags, Floats, Ints

_CHUNK = 1000
"""People simulated at a time, so that a market of any size needs little memory."""

Grid = NDArray[np.float32]


@dataclass(frozen=True)
class Campaign:
    """``touches`` a year to each person it reaches (``reach``, a share), each bringing ``effect`` purchases.

    ``target`` is how much more it reaches people of good fit, ``chase`` how many times as often people with intent;
    ``pulses`` says how many bursts its year has (0: even), ``fades`` what a repeated touch is worth of the one before.
    """

    channel: int
    touches: float
    effect: float
    reach: float = 1.0
    target: float = 0.0
    chase: float = 1.0
    pulses: int = 0
    fades: float = 1.0
    in_season: bool = False
    is_self_initiated: bool = False


@dataclass(frozen=True)
class Scenario:
    """A market. Rates are per year, lags in days; ``lag_stages`` 1 is an exponential lag, 2 a hump."""

    name: str
    campaigns: tuple[Campaign, ...]
    baseline: float = 0.05
    fit: float = 0.5
    intent: float = 1.0
    boost: float = 10.0
    season: float = 0.0
    lag: float = 20.0
    lag_stages: int = 1
    saturation: float = 0.0
    synergy: float = 0.0
    echo: float = 0.15
    days: int = 365


@dataclass(frozen=True, eq=False)
class Market:
    """What a company would see, and what nobody sees.

    Touches in any order: ``person``, ``campaign``, ``at`` (days). Per person: ``known_at`` (first touch; NaN: never),
    ``bought_at`` (NaN: not within the year), ``points`` of fit, ``amount``. ``caused`` is the truth: the revenue each
    campaign caused.
    """

    scenario: Scenario
    person: Ints
    campaign: Ints
    at: Floats
    bought_at: Floats
    points: Ints
    amount: Floats
    caused: Floats
    channel_of: Ints = field(init=False)
    is_self_initiated: Flags = field(init=False)

    def __post_init__(self) -> None:
        campaigns = self.scenario.campaigns
        object.__setattr__(self, "channel_of", np.array([one.channel for one in campaigns], dtype=np.int64))
        flags = np.array([one.is_self_initiated for one in campaigns], dtype=np.bool_)
        object.__setattr__(self, "is_self_initiated", flags)


def simulate(scenario: Scenario, *, people: int, seed: int) -> Market:
    """Run a market of so many people for its days."""
    random = np.random.default_rng(seed)
    # Bursts belong to the campaign, not to the person: drawn once for all.
    plan = _plan(scenario, random)
    parts = [_part(scenario, plan, first, min(_CHUNK, people - first), random) for first in range(0, people, _CHUNK)]
    person, campaign, at, bought_at, points, amount = (
        np.concatenate(columns) for columns in zip(*(part[:6] for part in parts), strict=True)
    )
    caused = np.sum([part[6] for part in parts], axis=0)
    return Market(scenario, person, campaign, at, bought_at, points, amount, caused)


def _plan(scenario: Scenario, random: np.random.Generator) -> Grid:
    """How busy each campaign is on each day, mean 1, float32[campaigns, days]."""
    day = np.arange(scenario.days)
    rows = []
    for campaign in scenario.campaigns:
        busy = np.ones(scenario.days)
        if campaign.pulses:
            middles = random.uniform(0, scenario.days, campaign.pulses)
            width = scenario.days / (5 * campaign.pulses)
            busy = 0.1 + sum(np.exp(-(((day - middle) / width) ** 2)) for middle in middles)
        if campaign.in_season:
            busy = busy * (1 + _season(scenario)) / 2
        rows.append(busy / busy.mean())
    return np.array(rows, dtype=np.float32)


def _season(scenario: Scenario) -> Floats:
    return np.asarray(1 + scenario.season * np.sin(2 * np.pi * np.arange(scenario.days) / 182.5))


Part = tuple[Ints, Ints, Floats, Floats, Ints, Floats, Floats]


def _part(scenario: Scenario, plan: Grid, first: int, people: int, random: np.random.Generator) -> Part:
    fit = random.standard_normal(people)
    points = np.clip(np.rint(30 + 10 * fit + 4 * random.standard_normal(people)), 0, 60).astype(np.int64)
    amount = 10_000 * np.exp(0.4 * random.standard_normal(people))
    intent = _intent(scenario, people, random)
    own = _own(scenario, fit, intent)
    touched = _touches(scenario, plan, fit, intent, random)
    added = _added(scenario, touched)
    whole = np.maximum(added.sum(axis=0), 0)
    hazard = own + _together(scenario, added, whole)
    caused = np.zeros(len(added))
    untouched = own.sum(axis=0, dtype=np.float64)
    survival = np.exp(-hazard.sum(axis=0, dtype=np.float64))
    for without, its in enumerate(added):
        if its.any():
            rest = _together(scenario, added, np.maximum(whole - its, 0), without)
            lost = np.exp(-untouched - rest.sum(axis=0, dtype=np.float64)) - survival
            caused[without] = (amount * np.maximum(lost, 0)).sum()
    clock = random.exponential(size=people)
    bought_on = (np.cumsum(hazard, axis=0, dtype=np.float64) < clock).sum(axis=0)
    bought_at = np.where(bought_on < scenario.days, bought_on + random.random(people), np.nan)
    campaign, day, person = np.nonzero(touched)
    at = day + random.random(len(day))
    seen = ~(at > bought_at[person])
    return person[seen] + first, campaign[seen], at[seen], bought_at, points, amount, caused


def _intent(scenario: Scenario, people: int, random: np.random.Generator) -> Flags:
    """Phases of two weeks or so in which a person is about to buy, bool[days, people]."""
    size = (scenario.days, people)
    starts = random.random(size, dtype=np.float32) < scenario.intent / 365
    lasts = np.where(starts, random.exponential(14, size), 0.0)
    ends = np.arange(scenario.days)[:, None] + lasts
    ends[~starts] = 0
    return np.maximum.accumulate(ends, axis=0) > np.arange(scenario.days)[:, None]


def _own(scenario: Scenario, fit: Floats, intent: Flags) -> Grid:
    """Everybody's own hazard, float32[days, people]."""
    usual = scenario.baseline / 365 * np.exp(scenario.fit * fit - scenario.fit**2 / 2)
    calm = 1 + (scenario.boost - 1) * min(1.0, scenario.intent * 14 / 365)
    urge = np.where(intent, np.float32(scenario.boost / calm), np.float32(1 / calm))
    return np.asarray(urge * usual.astype(np.float32) * _season(scenario).astype(np.float32)[:, None])


def _touches(scenario: Scenario, plan: Grid, fit: Floats, intent: Flags, random: np.random.Generator) -> Flags:
    """Who was touched by what on which day, bool[campaigns, days, people]."""
    size = (len(scenario.campaigns), scenario.days, len(fit))
    touched = np.zeros(size, dtype=np.bool_)
    for index, campaign in enumerate(scenario.campaigns):
        reached = (random.random(len(fit)) < campaign.reach) * campaign.touches / 365
        rate = reached * np.exp(campaign.target * fit - campaign.target**2 / 2)
        chance = plan[index][:, None] * rate.astype(np.float32)
        if campaign.chase != 1:
            chance = chance * np.where(intent, np.float32(campaign.chase), np.float32(1))
        touched[index] = random.random(size[1:], dtype=np.float32) < chance
    own = [index for index, campaign in enumerate(scenario.campaigns) if campaign.is_self_initiated]
    if own and scenario.echo:
        # Advertising makes people come by themselves a day or two later: it would be a mistake to pay the visit.
        _echo(scenario, touched, own[0], random)
    return touched


def _echo(scenario: Scenario, touched: Flags, direct: int, random: np.random.Generator) -> None:
    paid = [index for index, campaign in enumerate(scenario.campaigns) if not campaign.is_self_initiated]
    _, day, person = np.nonzero(touched[paid])
    comes = random.random(len(day)) < scenario.echo
    later = day[comes] + random.integers(1, 4, int(comes.sum()))
    inside = later < scenario.days
    touched[direct, later[inside], person[comes][inside]] = True


def _added(scenario: Scenario, touched: Flags) -> Grid:
    """What each campaign adds to each person's hazard on each day, float32[campaigns, days, people]."""
    added = np.zeros(touched.shape, dtype=np.float32)
    keeps = np.float32(np.exp(-scenario.lag_stages / scenario.lag))
    for index, campaign in enumerate(scenario.campaigns):
        if not campaign.effect:
            continue
        its = touched[index] * np.float32(campaign.effect)
        if campaign.fades != 1:
            times = np.maximum(np.cumsum(touched[index], axis=0, dtype=np.float32) - 1, 0)
            its *= np.float32(campaign.fades) ** times
        for _ in range(scenario.lag_stages):
            its = _delayed(its, keeps)
        added[index] = its
    return added


def _delayed(its: Grid, keeps: np.float32) -> Grid:
    """Let what comes in fade from the next day on, so that each touch has its whole effect in the long run."""
    level = np.zeros(its.shape[1], dtype=np.float32)
    passed = np.empty_like(its)
    for day, today in enumerate(its):
        passed[day] = level * (1 - keeps)
        level = level * keeps + today
    return passed


def _together(scenario: Scenario, added: Grid, whole: Grid, without: int | None = None) -> Grid:
    """What campaigns add together, [days, people]: their sum, less where it saturates, more where two work together."""
    if scenario.saturation:
        most = np.float32(scenario.saturation / 365)
        whole = most * (1 - np.exp(-whole / most))
    if scenario.synergy and without not in (0, 1):
        whole = whole + np.float32(scenario.synergy) * np.sqrt(added[0] * added[1])
    return np.asarray(whole, dtype=np.float32)
