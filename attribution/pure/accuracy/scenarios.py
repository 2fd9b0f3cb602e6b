"""The markets that methods are tried on: twelve kinds of trouble, each drawn anew from a seed.

Methods may be tuned on TUNING only. REPORTING has other seeds and is drawn from wider ranges, so that a figure reported
is one of markets nobody has looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from attribution.pure.accuracy.simulator import Campaign, Scenario

TUNING_SEEDS = (1101, 1102, 1103)
REPORTING_SEEDS = (77001, 77002, 77003, 77004, 77005)


@dataclass(frozen=True)
class Range:
    """How far markets of one purpose differ: sizes of effects, baselines and lags, and how many campaigns there are."""

    spread: float
    baseline: tuple[float, float]
    lag: tuple[float, float]
    campaigns: tuple[int, int]


TUNING = Range(spread=0.5, baseline=(0.04, 0.06), lag=(0.9, 1.1), campaigns=(9, 11))
REPORTING = Range(spread=0.6, baseline=(0.03, 0.07), lag=(0.7, 1.4), campaigns=(8, 13))

_MARKETING = 0.06
"""Purchases a year per person that marketing adds, roughly, in a market without trouble."""


def scenarios(of: Range, seed: int) -> list[Scenario]:
    """Draw one market of every kind."""
    return [
        shape(_usual(name, of, np.random.default_rng([seed, index])), np.random.default_rng([seed, index, 1]))
        for index, (name, shape) in enumerate(_SHAPES.items())
    ]


def described() -> dict[str, str]:
    """Every kind of market and its trouble, in a sentence."""
    return {name: (shape.__doc__ or "").strip() for name, shape in _SHAPES.items()}


def _usual(name: str, of: Range, random: np.random.Generator) -> Scenario:
    """Four channels of marketing and three that people start themselves, the last of which chase intent."""
    count = int(random.integers(of.campaigns[0], of.campaigns[1] + 1))
    touches = random.uniform(0.5, 4.0, count)
    worth = np.exp(of.spread * random.standard_normal(count))
    effect = _MARKETING * worth / worth.sum() / touches
    marketing = [
        Campaign(channel=index % 4, touches=float(touches[index]), effect=float(effect[index]))
        for index in range(count)
    ]
    own = [
        Campaign(channel=4, touches=1.0, effect=0.0, chase=8.0, is_self_initiated=True),
        Campaign(channel=5, touches=0.6, effect=0.0, chase=15.0, is_self_initiated=True),
        Campaign(channel=6, touches=1.5, effect=0.0005, chase=6.0, is_self_initiated=True),
    ]
    return Scenario(
        name=name,
        campaigns=(*marketing, *own),
        baseline=float(random.uniform(*of.baseline)),
        lag=20.0 * float(np.exp(random.uniform(np.log(of.lag[0]), np.log(of.lag[1])))),
    )


Shape = Callable[[Scenario, np.random.Generator], Scenario]


def _change(scenario: Scenario, which: Callable[[int, Campaign], bool], **fields: object) -> Scenario:
    changed = (
        replace(one, **fields) if which(index, one) else one  # type: ignore[arg-type]
        for index, one in enumerate(scenario.campaigns)
    )
    return replace(scenario, campaigns=tuple(changed))


def _is_marketing(_: int, one: Campaign) -> bool:
    return not one.is_self_initiated


def _chased(market: Scenario, random: np.random.Generator) -> Scenario:
    """Retargeting and brand search follow people about to buy, and claim most of them."""
    return _change(
        replace(market, boost=25.0, intent=1.5),
        lambda _, one: one.is_self_initiated,
        chase=float(random.uniform(20, 40)),
    )


def _direct(market: Scenario, random: np.random.Generator) -> Scenario:
    """Half of all visits are direct, and advertising causes many of them."""
    return _change(replace(market, echo=0.5), lambda _, one: one.channel == 4, touches=float(random.uniform(3, 5)))


def _seasonal(market: Scenario, random: np.random.Generator) -> Scenario:
    """Demand has seasons, and half of the campaigns run when it is high."""
    return _change(
        replace(market, season=float(random.uniform(0.5, 0.8))),
        lambda index, one: _is_marketing(index, one) and index % 2 == 0,
        in_season=True,
    )


def _long_lag(market: Scenario, random: np.random.Generator) -> Scenario:
    """Touches work after months, with a hump."""
    return replace(market, lag=market.lag * float(random.uniform(2.5, 3.5)), lag_stages=2)


def _short_lag(market: Scenario, random: np.random.Generator) -> Scenario:
    """Touches work within days."""
    return replace(market, lag=float(random.uniform(2, 5)))


def _sparse(market: Scenario, random: np.random.Generator) -> Scenario:
    """Four times as many campaigns, each with few touches."""
    small = tuple(
        replace(one, touches=one.touches / 4, effect=one.effect * float(np.exp(0.4 * random.standard_normal())))
        for one in market.campaigns[:-3]
        for _ in range(4)
    )
    return replace(market, campaigns=(*small, *market.campaigns[-3:]))


def _repeated(market: Scenario, random: np.random.Generator) -> Scenario:
    """Two newsletters reach everybody every week; a repeated touch is worth less than the one before."""
    weekly = _change(market, lambda index, _: index in (0, 1), touches=45.0, effect=0.0012, fades=0.97)
    return _change(
        weekly, lambda index, one: _is_marketing(index, one) and index > 1, fades=float(random.uniform(0.7, 0.9))
    )


def _bots(market: Scenario, random: np.random.Generator) -> Scenario:
    """Two campaigns are clicked by machines: many touches that nobody saw."""
    return _change(market, lambda index, _: index in (0, 5), touches=float(random.uniform(10, 20)), effect=0.0)


def _saturated(market: Scenario, random: np.random.Generator) -> Scenario:
    """People can only be persuaded so far."""
    return replace(market, saturation=float(random.uniform(0.25, 0.5)))


def _synergy(market: Scenario, random: np.random.Generator) -> Scenario:
    """Two campaigns work better together."""
    more = _change(market, lambda index, _: index in (0, 1), touches=4.0)
    return replace(more, synergy=float(random.uniform(0.5, 1.0)))


def _well_targeted(market: Scenario, random: np.random.Generator) -> Scenario:
    """Those who would buy anyway are reached more often."""
    return _change(
        replace(market, fit=1.0),
        lambda index, one: _is_marketing(index, one) and index % 3 != 0,
        target=float(random.uniform(0.5, 0.8)),
    )


def _bursts(market: Scenario, random: np.random.Generator) -> Scenario:
    """Spending comes in bursts, and some campaigns reach only a part of the market."""
    bursts = _change(market, _is_marketing, pulses=int(random.integers(1, 4)))
    return _change(bursts, lambda index, one: _is_marketing(index, one) and index % 3 == 1, reach=0.4)


_SHAPES: dict[str, Shape] = {
    "Retargeting chases buyers": _chased,
    "Direct after advertising": _direct,
    "Seasonal demand": _seasonal,
    "Long lag": _long_lag,
    "Short lag": _short_lag,
    "Sparse campaigns": _sparse,
    "Heavy repetition": _repeated,
    "Clicks by machines": _bots,
    "Saturation": _saturated,
    "Synergy": _synergy,
    "Well targeted": _well_targeted,
    "Spending in bursts": _bursts,
}
