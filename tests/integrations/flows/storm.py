"""Kill syncs at random moments until so many have died, then let one finish; and count what became of it.

Every other death is to fall in a push: leads change here, nothing changes there, and the moment is counted from the
push's beginning. The others fall where a sync begins, in a pull of what the CRM's people changed.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from integrations.actions.jobs.run_sync import run_sync
from integrations.actions.push.enqueue import enqueue_leads
from integrations.models import Connection, ExternalRecord, PendingPush, StageMap, SyncRun
from leads.models import JobRun, Lead, Opportunity, OpportunityContact, PipelineStage
from tests.integrations.flows.syncer import UNFINISHED
from tests.integrations.flows.vendors import World

ROOT = Path(__file__).resolve().parents[3]
CHANGING = 24
"""Leads that change here before a push that is to die: six batches."""
AHEAD = 660
"""Seconds between a death and the next worker: a job is taken over after ten minutes of silence."""


@dataclass
class Storm:
    """What was asked for; `deals` are those that the CRM's people made meanwhile."""

    world: World
    connection_id: int
    kills: int
    seed: int = 1
    spread: tuple[float, ...] = (0.3, 1.2)
    """Seconds after its first call, or the push's beginning, within which a sync dies: one is chosen each time."""
    searches_apart: float = 0.2
    """HubSpot's pace; less only where its sandbox does not mind. The clock jumps past pauses, they are not slept."""
    moments: tuple[str, ...] = ()
    """Moments of a Salesforce job, instead of any: each push goes by one, and dies at one of them, in turn."""
    died: int = 0
    finished: int = 0
    started: int = 0
    deals: list[str] = field(default_factory=list)
    ahead: int = 0

    def run(self, address: str) -> None:
        """Blow over the database at this address. Asks nothing of it: tests lend it to the workers meanwhile."""
        chance = random.Random(self.seed)
        with self._syncer(address) as process:
            in_pushes = 0
            while self.died < self.kills:
                in_push = bool(self.moments) or in_pushes * 2 < self.died
                if not in_push:
                    self._people_work(chance)
                moment = self.moments[self.died % len(self.moments)] if self.moments else ""
                self._start(process, CHANGING if in_push else 0, moment)
                awaited = () if moment else ("pushing" if in_push else "calling",)
                word, number = _line(process, *awaited, "ended")
                if word != "ended":
                    time.sleep(chance.random() * chance.choice(self.spread))
                    with suppress(ProcessLookupError):  # it was faster
                        os.kill(number, signal.SIGKILL)
                    _, number = _line(process, "ended")
                status = number
                if status == -signal.SIGKILL:
                    self.died += 1
                    in_pushes += in_push
                else:
                    assert status in (0, UNFINISHED), status
                    self.finished += 1
            quiet = 0
            for _ in range(20):  # the first one in peace may have been put off by the CRM, or be behind a window
                time.sleep(1.2)  # windows end at a whole second, searches are counted by the second
                self._start(process)
                _, status = _line(process, "ended")
                assert status in (0, UNFINISHED), status
                quiet += status == 0
                if quiet == 2:
                    break
            assert quiet == 2

    def _people_work(self, chance: random.Random) -> None:
        people = self.world.people()
        for _ in range(2):
            person = chance.choice(people)
            self.deals.append(self.world.add_deal(person.id, f"Deal {len(self.deals)}", 1000 + len(self.deals)))
        for deal in set(chance.choices(self.deals, k=3)):
            self.world.move_deal(deal, step=chance.randrange(2))

    def _start(self, process: subprocess.Popen[str], changing: int = 0, moment: str = "") -> None:
        self.ahead += AHEAD
        self.started += 1
        assert process.stdin is not None
        process.stdin.write(f"{self.ahead} {changing} {self.started} {moment or '-'}\n")
        process.stdin.flush()

    @contextmanager
    def _syncer(self, address: str) -> Iterator[subprocess.Popen[str]]:
        environment = {**os.environ, "DATABASE_URL": address, "REDIS_URL": "", "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "tests.integrations.flows.syncer"]
        command += [str(self.connection_id), str(self.searches_apart), *(["jobs"] if self.moments else [])]
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            _line(process, "ready")
            try:
                yield process
            finally:
                process.kill()

    def counted(self) -> dict[str, Any]:
        """What was lost and doubled, by the CRM's own records and by ours; needs the database back."""
        leads = dict(Lead.objects.values_list("public_id", "first_name"))
        wanted = Counter(str(each) for each in leads)
        held = self.world.keys()
        names = {(self.world.key_of(each), self.world.first_name_of(each)) for each in self.world.people()}
        links = ExternalRecord.objects.filter(kind="deal", opportunity__isnull=False)
        here = Counter(links.values_list("remote_id", flat=True))
        opportunities = Opportunity.objects.count()
        contacts = OpportunityContact.objects.filter(opportunity__in=links.values("opportunity")).count()
        dead = SyncRun.objects.filter(state="failed", note="The process ended before the run did.")
        return {
            "kills": self.died,
            "finished": self.finished,
            "leads": len(wanted),
            "leads_lost": len(wanted - held),
            "leads_doubled": sum((held - wanted).values()),
            "changes_lost": len({(str(key), name) for key, name in leads.items()} - names),
            "deals": len(self.deals),
            "deals_lost": len(set(self.deals) - set(here)),
            "deals_doubled": opportunities - len(here) + sum(count - 1 for count in here.values()),
            "contacts": contacts,
            "failed_runs": dead.count(),
            "died_pulling": dead.filter(direction="pull").count(),
            "died_pushing": dead.filter(direction="push").count(),
            "running": SyncRun.objects.filter(state="running").count(),
            "unfinished_jobs": JobRun.objects.unfinished().count(),
            "waiting": PendingPush.objects.exclude(state="done").count(),
        }


def prepare(world: World, url: str, leads: list[Lead], first: int = 6) -> Connection:
    """A connection after its first sync, its stages mapped; all leads but the first ones are owed to it now."""
    connection = world.connect(url)
    at = datetime.now(UTC)

    def owe(some: list[Lead]) -> None:
        enqueue_leads(lead_ids=[lead.pk for lead in some], at=at - timedelta(days=1), reason="captured")

    owe(leads[:first])
    synced = run_sync(connection_id=connection.pk, reason="daily", clock=lambda: datetime.now(UTC), seed=1)
    assert synced.is_done, synced
    ours = {stage.status: stage for stage in PipelineStage.objects.all()}
    for row in StageMap.objects.filter(connection=connection, stage=None):
        StageMap.objects.filter(pk=row.pk).update(stage=ours[row.remote_status])
    owe(leads[first:])
    return connection


def _line(process: subprocess.Popen[str], *words: str) -> tuple[str, int]:
    """The next line that starts with one of these words, and its number."""
    assert process.stdout is not None
    for line in process.stdout:
        word, _, rest = line.partition(" ")
        if word.strip() in words:
            return word.strip(), int(rest or 0)
    raise AssertionError(f"the process ended without saying {words}")
