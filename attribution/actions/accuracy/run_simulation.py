"""Run a market of known truth and keep what every method made of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

from django.db import transaction

from attribution.models import Simulation
from attribution.pure.accuracy.accuracy import score_methods
from attribution.pure.accuracy.scenarios import REPORTING, scenarios
from attribution.pure.accuracy.simulator import simulate
from attribution.pure.methods import all_methods
from leads.actions.take_jobs import Clock, failing_openly, take_jobs
from leads.models import JobRun, User
from leads.pure.refused import Refused

KIND = "attribution_simulation"
MOST_PEOPLE = 20_000
AT_ONCE = 5_000
"""More people than this are a worker's: they would take more than about two seconds."""
GIVE_UP_AFTER = timedelta(minutes=5)


class SimulationRefused(Refused):
    """The market asked for does not exist or is too big; the message says so."""


def request_simulation(*, scenario: str, seed: int, people: int, by: User | None, at: datetime) -> Simulation:
    """The market of this seed, run at once where it is small, else waiting for a worker; the same one is run once.

    ``results`` is {"campaigns": [{"name", "channel", "is_self_initiated", "touches", "caused"}], "buyers", "revenue",
    "caused", "methods": [{"method", "name", "craa", "claimed", "credited": [per campaign]}]}; money in whole units.
    Raises SimulationRefused.
    """
    if scenario not in {one.name for one in scenarios(REPORTING, seed)}:
        raise SimulationRefused(f"There is no scenario {scenario!r}.")
    if not 500 <= people <= MOST_PEOPLE or not 0 <= seed < 2**31:
        raise SimulationRefused(f"A market has 500 to {MOST_PEOPLE:,} people.")
    known = {"scenario": scenario, "seed": seed, "people": people}
    with transaction.atomic():
        found, is_new = Simulation.objects.get_or_create(**known, defaults={"asked_by": by, "made_at": at})
        if is_new and people > AT_ONCE:
            found.job = JobRun.objects.create(
                kind=KIND, period=str(found.public_id), started_by=by, created_at=at, message=scenario
            )
            found.save(update_fields=["job"])
    if found.results is None and found.job_id is None:
        _run(found)
    return found


def run_simulations(*, clock: Clock) -> int:
    """Run what waits, also what a dead worker left; returns how many."""
    done = 0
    for job in take_jobs(kind=KIND, at=clock(), silence=GIVE_UP_AFTER):
        simulation = Simulation.objects.get(job=job)
        with failing_openly(job=job, clock=clock):
            _run(simulation)
        JobRun.objects.filter(pk=job.pk).update(state=JobRun.State.DONE, finished_at=clock())
        done += 1
    return done


def _run(simulation: Simulation) -> None:
    started = perf_counter()
    scenario = next(one for one in scenarios(REPORTING, simulation.seed) if one.name == simulation.scenario)
    market = simulate(scenario, people=simulation.people, seed=simulation.seed)
    touches = [int((market.campaign == index).sum()) for index in range(len(scenario.campaigns))]
    bought = market.bought_at == market.bought_at  # NaN: not within the year
    names = {method.key: method.name for method in all_methods()}
    own = marketing = 0
    campaigns: list[dict[str, Any]] = []
    for index, one in enumerate(scenario.campaigns):
        own, marketing = own + one.is_self_initiated, marketing + (not one.is_self_initiated)
        campaigns.append(
            {
                "name": f"Self {own}" if one.is_self_initiated else f"Campaign {marketing}",
                "channel": one.channel,
                "is_self_initiated": one.is_self_initiated,
                "touches": touches[index],
                "caused": round(float(market.caused[index])),
            }
        )
    simulation.results = {
        "campaigns": campaigns,
        "buyers": int(bought.sum()),
        "revenue": round(float(market.amount[bought].sum())),
        "caused": round(float(market.caused.sum())),
        "methods": [
            {
                "method": score.method,
                "name": names[score.method],
                "craa": round(score.craa, 4),
                "claimed": round(score.claimed, 3),
                "credited": [round(cents) for cents in score.credited],
            }
            for score in score_methods(market)
        ],
    }
    simulation.seconds = round(perf_counter() - started, 3)
    simulation.save(update_fields=["results", "seconds"])
