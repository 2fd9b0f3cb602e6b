"""Our side of the works: `python -m benchmarks.ours WORK WORLD.npz REPEATS` prints one line of JSON."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from attribution.pure.columns.parallel import each
from attribution.pure.credits.credits import allocate, unattributed_cents
from attribution.pure.credits.rollup import totals
from attribution.pure.journeys.journeys import Journeys, Settings, build
from attribution.pure.learning.hazard import fit_hazard
from attribution.pure.learning.histories import Histories, histories
from attribution.pure.learning.markov import first_order
from attribution.pure.learning.markov import totals as shared
from attribution.pure.methods import Options, get_method
from benchmarks.generator import World, shuffled
from benchmarks.timing import measured, say, stage

RULES = ("first_touch", "last_touch", "linear", "u_shaped", "time_decay")
OPTIONS = Options()


def rules(world: World) -> dict:
    """Weights of five rule methods, and their revenue per campaign as floats: what peers return."""
    touches, milestones, size = world.touches(), world.milestones(), len(world.channel_of)
    journeys, _ = build(touches, milestones, Settings())
    revenue, campaign = journeys.spread(world.amount[journeys.opportunity].astype(np.float64)), journeys.campaign

    def total(key: str) -> list[float]:
        weights = get_method(key).weights(journeys, OPTIONS)
        weights *= revenue
        return np.bincount(campaign, weights=weights, minlength=size).tolist()

    return {"totals": dict(zip(RULES, each(total, RULES), strict=True))}


def cents(world: World) -> dict:
    """The same, as credits exact to the cent per opportunity: what we return."""
    touches, milestones, size = world.touches(), world.milestones(), len(world.channel_of)
    journeys, _ = build(touches, milestones, Settings())
    campaign = journeys.campaign

    def total(key: str) -> list[int]:
        credits = allocate(journeys, get_method(key).weights(journeys, OPTIONS), world.amount)
        return totals(credits, campaign, size).tolist()

    return {"totals": dict(zip(RULES, each(total, RULES), strict=True))}


def seen(world: World) -> Histories:
    """The world as histories of people, each opportunity a person."""
    people = len(world.amount)
    return histories(
        person=world.opportunity,
        place=world.campaign,
        at=world.at,
        tie=world.id,
        starts_at=world.known_at,
        ends_at=world.closed_at,
        converted=world.converted,
        band=np.zeros(people, dtype=np.int64),
        channel_of=world.channel_of,
        is_self_initiated=np.zeros(len(world.channel_of), dtype=np.bool_),
    )


def markov(world: World) -> dict:
    """Removal effects of the first-order chain, exactly."""
    parts: dict[str, float] = {}
    began = stage(parts, "start", time.perf_counter())
    journeys = seen(world)
    began = stage(parts, "prepare", began)
    effects = first_order(journeys)
    stage(parts, "model", began)
    shares = shared(effects, 1.0)
    return {"parts": parts, "effects": effects.tolist(), "shares": shares.tolist()}


def hazard(world: World) -> dict:
    """The additive hazard, every lag on its grid tried."""
    parts: dict[str, float] = {}
    began = stage(parts, "start", time.perf_counter())
    people = seen(world)
    began = stage(parts, "prepare", began)
    found = fit_hazard(people)
    stage(parts, "model", began)
    return {"parts": parts, "scale_days": found.scale_days}


def reconcile(world: World) -> dict:
    """Every method that needs no fit: do credits add up to the cent, and does the order of rows change one?"""
    from attribution.pure.methods import all_methods

    milestones, other = world.milestones(), shuffled(world, seed=99)
    journeys, rejected = build(world.touches(), milestones, Settings())
    again, _ = build(other.touches(), milestones, Settings())
    whole, wrong, moved, unattributed = int(world.amount.sum()), {}, {}, {}
    for method in all_methods():
        if method.needs_fit:
            continue
        credits, credits_again = (
            allocate(part, method.weights(part, OPTIONS), world.amount) for part in (journeys, again)
        )
        left = unattributed_cents(journeys, credits, world.amount)
        of_deal = _per_deal(journeys, credits, len(world.amount)) + left
        wrong[method.key] = int((of_deal != world.amount).sum())
        moved[method.key] = int((credits != credits_again).sum())
        unattributed[method.key] = int(left.sum())
    return {
        "opportunities": len(world.amount),
        "eligible": len(journeys.row),
        "rejected": len(rejected.row),
        "amount_cents": whole,
        "opportunities_off_by_a_cent": wrong,
        "credits_moved_by_shuffling": moved,
        "unattributed_cents": unattributed,
    }


def _per_deal(journeys: Journeys, credits: np.ndarray, size: int) -> np.ndarray:
    sums = np.zeros(size, dtype=np.int64)
    # Another way to add than the engine's own, and exact.
    np.add.at(sums, journeys.opportunity[journeys.journey], credits)
    return sums


WORKS = {work.__name__: work for work in (rules, cents, markov, hazard, reconcile)}


def main(arguments: list[str]) -> None:
    """Load, work, print."""
    work, path, repeats = arguments
    world = World.load(Path(path))
    say(measured(lambda: WORKS[work](world), int(repeats)))


if __name__ == "__main__":
    main(sys.argv[1:])
