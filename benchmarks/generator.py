"""Seeded touches and opportunities for benchmarks: columns of any length, in no order.

Journeys are geometric in length (five touches on average, some of fifty), campaigns differ a hundredfold in reach, one
touch in fifty shares its moment with others, one in twenty comes after its deal was closed. The same seed gives the
same columns on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from attribution.pure.journeys.journeys import DAY, Milestones, Touches

START = 1_640_995_200_000_000  # 2022-01-01
CHANNELS = 10


@dataclass(frozen=True, eq=False)
class World:
    """Columns: per touch ``opportunity``, ``id``, ``campaign``, ``channel`` and ``at``; per opportunity ``opened_at``,
    ``closed_at``, ``known_at`` (microseconds), ``amount`` (cents) and whether it ``converted``; per campaign its
    ``channel_of``."""

    opportunity: np.ndarray
    id: np.ndarray
    campaign: np.ndarray
    channel: np.ndarray
    at: np.ndarray
    opened_at: np.ndarray
    closed_at: np.ndarray
    known_at: np.ndarray
    amount: np.ndarray
    converted: np.ndarray
    channel_of: np.ndarray

    def save(self, path: Path) -> None:
        np.savez(path, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> World:
        with np.load(path) as columns:
            return cls(**columns)

    def touches(self) -> Touches:
        """The touches as the engine takes them."""
        return Touches(self.opportunity, self.id, self.campaign, self.channel, self.at)

    def milestones(self) -> Milestones:
        """The opportunities as the engine takes them: every one reached its close."""
        return Milestones(self.opened_at, self.closed_at, self.closed_at, lead_created_at=self.known_at)


def generate(touches: int, *, seed: int, campaigns: int = 200, mean_length: float = 5.0) -> World:
    """Make a world of so many touches."""
    rng = np.random.default_rng(seed)
    lengths = rng.geometric(1 / mean_length, int(touches / mean_length * 1.2) + 10)
    opportunity = np.repeat(np.arange(len(lengths)), lengths)[:touches]
    opportunities = int(opportunity[-1]) + 1
    opportunity = rng.permutation(opportunity)
    closed_at = START + rng.integers(200 * DAY, 1_200 * DAY, opportunities)
    age = (rng.beta(1, 2.5, touches) * 180 * DAY).astype(np.int64)
    late = rng.random(touches) < 0.05
    age[late] = -1 - age[late] // 10
    at = closed_at[opportunity] - age
    together = rng.random(touches) < 0.02
    at[together] -= at[together] % DAY
    reach = 1 / (1 + np.arange(campaigns)) ** 0.8
    channel_of = np.arange(campaigns) % CHANNELS
    campaign = rng.choice(campaigns, touches, p=reach / reach.sum())
    return World(
        opportunity=opportunity,
        id=rng.permutation(touches),
        campaign=campaign,
        channel=channel_of[campaign],
        at=at,
        opened_at=closed_at - rng.integers(10 * DAY, 60 * DAY, opportunities),
        closed_at=closed_at,
        known_at=closed_at - rng.integers(30 * DAY, 150 * DAY, opportunities),
        amount=rng.lognormal(13.5, 1.0, opportunities).astype(np.int64),
        converted=rng.random(opportunities) < 0.3,
        channel_of=channel_of,
    )


def shuffled(world: World, *, seed: int) -> World:
    """The same world, its touches in another order."""
    order = np.random.default_rng(seed).permutation(len(world.id))
    columns = {field.name: getattr(world, field.name) for field in fields(world)}
    for name in ("opportunity", "id", "campaign", "channel", "at"):
        columns[name] = columns[name][order]
    return World(**columns)
