"""Simulate a version of the rules on the leads of the last 13 weeks; writes nothing but the result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from leads.actions.take_jobs import Clock, failing_openly, take_jobs
from leads.models import Company, JobRun, RoutingSimulation, RoutingVersion, SimulatedLead, User
from leads.pure.refused import Refused
from leads.queries.reroute import LOOKS_BACK, Rerouted, Rerouter, fingerprint, past_leads, with_facts
from leads.queries.routing import RuleBook

KIND = "routing-simulation"
CHUNK = 250
GIVE_UP_AFTER = timedelta(minutes=2)


class SimulationRefused(Refused):
    """It cannot be started now; the message tells a person why."""


def request_simulation(*, version: RoutingVersion, by: User | None, at: datetime) -> RoutingSimulation:
    """A simulation that waits for a worker. Raises SimulationRefused while one of the version is under way."""
    with transaction.atomic():
        RoutingVersion.objects.select_for_update().get(pk=version.pk)
        if version.simulations.filter(job__in=JobRun.objects.unfinished()).exists():
            raise SimulationRefused("A simulation of this version is under way.")
        repeats = version.simulations.count()
        job = JobRun.objects.create(
            kind=KIND,
            period=f"version {version.number}, {repeats + 1}, {at.isoformat()}",
            total=past_leads(at).count(),
            started_by=by,
            created_at=at,
        )
        return RoutingSimulation.objects.create(
            version=version,
            since=at - LOOKS_BACK,
            until=at,
            fingerprint=fingerprint(version),
            job=job,
            created_by=by,
            created_at=at,
        )


def simulate_rules(*, clock: Clock) -> int:
    """Work on what was requested, also on what a dead worker left; returns how many simulations are done."""
    done = 0
    for job in take_jobs(kind=KIND, at=clock(), silence=GIVE_UP_AFTER):
        with failing_openly(job=job, clock=clock):
            _simulate(RoutingSimulation.objects.select_related("version", "job").get(job=job), clock)
        done += 1
    return done


def _simulate(simulation: RoutingSimulation, clock: Clock) -> None:
    # A dead worker's part is thrown away: turns and loads of the first leads decide about the later ones.
    simulation.leads.all().delete()
    company, at = Company.current(), simulation.until
    rerouter = Rerouter(book=RuleBook.of(simulation.version, company), company=company, at=at)
    tally = _Tally(rerouter)
    last = done = 0
    while leads := list(with_facts(past_leads(at).filter(pk__gt=last))[:CHUNK]):
        decided = list(rerouter.decide(leads))
        tally.count(decided)
        SimulatedLead.objects.bulk_create(_row(simulation, each, rerouter) for each in decided)
        last, done = leads[-1].pk, done + len(leads)
        JobRun.objects.filter(pk=simulation.job_id).update(done=done, beat_at=clock())
    with transaction.atomic():
        RoutingSimulation.objects.filter(pk=simulation.pk).update(result=tally.result(done))
        JobRun.objects.filter(pk=simulation.job_id).update(
            state=JobRun.State.DONE, total=done, message=f"{tally.moved:,} leads would move", finished_at=clock()
        )


def _row(simulation: RoutingSimulation, each: Rerouted, rerouter: Rerouter) -> SimulatedLead:
    lead = each.lead
    return SimulatedLead(
        simulation=simulation,
        lead=lead,
        is_open=each.is_open,
        moves=each.moves,
        rule_id=each.match.rule.id if each.match.rule else None,
        from_territory_id=lead.territory_id,
        to_territory=each.territory,
        from_owner_id=lead.owner_id,
        to_owner=each.owner,
        because=each.because[:400],
        passed_over=each.decision.passed_over(rerouter.rota.names) if each.decision else [],
    )


class _Tally:
    """Counts for the result: by rule, by territory, by rep."""

    def __init__(self, rerouter: Rerouter) -> None:
        self.rerouter = rerouter
        self.decided: Counter[int] = Counter()
        self.met: Counter[int] = Counter()
        self.taken: Counter[tuple[int, int]] = Counter()
        self.before: Counter[int] = Counter()
        self.after: Counter[int] = Counter()
        self.territories: Counter[tuple[int, int]] = Counter()
        self.owners: Counter[tuple[int, int]] = Counter()
        self.moved = self.unassigned = self.open = self.unmatched = 0

    def count(self, decided: Iterable[Rerouted]) -> None:
        for each in decided:
            lead = each.lead
            self.met.update(each.met)
            if each.met:
                self.decided[each.met[0]] += 1
                self.taken.update((later, each.met[0]) for later in each.met[1:])
            else:
                self.unmatched += 1
            self.territories[lead.territory_id or 0, each.territory.pk if each.territory else 0] += 1
            if each.is_open:
                self.open += 1
                self.unassigned += each.owner is None
                self.before[lead.owner_id or 0] += 1
                self.after[each.owner.pk if each.owner else 0] += 1
                if each.moves:
                    self.moved += 1
                    self.owners[lead.owner_id or 0, each.owner.pk if each.owner else 0] += 1

    def result(self, leads: int) -> dict[str, Any]:
        """Counts as they are stored; ids are keys of rules, territories and people, 0 is none."""
        return {
            "leads": leads,
            "open": self.open,
            "moved": self.moved,
            "unassigned": self.unassigned,
            "unmatched": self.unmatched,
            "rules": [
                {
                    "rule": rule.id,
                    "decided": self.decided[rule.id],
                    "met": self.met[rule.id],
                    "taken_by": [
                        [earlier, count] for (later, earlier), count in self.taken.most_common() if later == rule.id
                    ],
                }
                for rule in self.rerouter.book.rules.ordered
            ],
            "territories": [[*pair, count] for pair, count in self.territories.most_common()],
            "owners": [[*pair, count] for pair, count in self.owners.most_common()],
            "load": [
                [rep, self.before[rep], self.after[rep]] for rep in sorted({*self.before, *self.after, *self.shared()})
            ],
            "expected": self._expected(),
        }

    def shared(self) -> set[int]:
        """Everybody with a share in a territory."""
        return {share.rep_id for share in self.rerouter.rota.shares}

    def _expected(self) -> list[list[float]]:
        """New leads per rep in as many weeks, by territory and weight: [rep, today, with these rules]."""
        today, then = Counter[int](), Counter[int]()
        for (before, after), count in self.territories.items():
            today[before] += count
            then[after] += count
        expected: dict[int, list[float]] = {}
        for territory, shares in self.rerouter.rota.by_territory.items():
            able = [share for share in shares if share.rep.is_active and share.rep.left_crm_at is None]
            weight = sum(share.weight for share in able)
            for share in able:
                row = expected.setdefault(share.rep_id, [0.0, 0.0])
                row[0] += today[territory] * share.weight / weight
                row[1] += then[territory] * share.weight / weight
        return [[rep, round(before, 1), round(after, 1)] for rep, (before, after) in sorted(expected.items())]
