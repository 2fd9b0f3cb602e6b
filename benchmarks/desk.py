"""The lead desk on the demo company: `python -m benchmarks desk [--leads 20000] [--database URL]`.

Seeds a demo in a temporary folder, simulates the draft of the territory rules on the last 13 weeks, activates it and
compares what moved with what was predicted; back-tests the draft of the scoring rules, activates it and scores every
lead anew. Exits with 1 where a lead went elsewhere than predicted, or the simulation took ten seconds or more.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MOST_SECONDS = 10.0


def main(arguments: list[str]) -> int:
    """Seed, then measure in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks desk")
    parser.add_argument("--leads", type=int, default=20_000)
    parser.add_argument("--database", default="", help="an empty database; otherwise SQLite in the temporary folder")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="portal-desk-") as folder:
        address = asked.database or f"sqlite:///{folder}/portal.sqlite3"
        environment = {**os.environ, "PORTAL_MODE": "demo", "VAR_DIR": folder, "DATABASE_URL": address}
        environment["PYTHONPATH"] = str(ROOT)
        manage = [sys.executable, str(ROOT / "manage.py")]
        subprocess.run([*manage, "migrate", "-v0"], env=environment, check=True, cwd=ROOT)
        seed = [*manage, "seed_demo", "--leads", str(asked.leads), "--sandbox-data", f"{folder}/crm.sqlite3"]
        wall, processor = time.perf_counter(), _children()
        subprocess.run(seed, env=environment, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
        _say(f"seeding {asked.leads:,} leads", time.perf_counter() - wall, _children() - processor)
        return subprocess.run([sys.executable, "-m", "benchmarks.desk"], env=environment, cwd=ROOT).returncode


def measure() -> int:
    """What the seeded company's drafts do; prints seconds of the clock and of the processor."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.utils import timezone

    from leads.actions.routing.reroute_leads import reroute_leads
    from leads.actions.routing.simulate_rules import request_simulation, simulate_rules
    from leads.actions.routing.version_rules import schedule_version
    from leads.actions.scoring.back_test import request_back_test, run_back_tests
    from leads.actions.scoring.rescore_leads import rescore_leads, rescoring_waits
    from leads.actions.scoring.version_scoring import activate_rule_set
    from leads.models import BackTest, RoutingVersion, ScoringRuleSet, User

    admin = User.objects.filter(role="admin").order_by("pk")[0]
    draft = RoutingVersion.objects.get(state="draft")
    at = timezone.now()
    simulation = request_simulation(version=draft, by=admin, at=at)
    seconds, _ = _timed("simulation of the last 13 weeks", lambda: simulate_rules(clock=timezone.now))
    simulation.refresh_from_db()
    rows = simulation.leads.count()
    print(f"  {rows:,} leads, {simulation.result['moved']:,} would move")

    _timed("activation", lambda: schedule_version(number=draft.number, activates_at=at, note="Benchmark",
                                                  moves_leads=True, by=admin, at=at))  # fmt: skip
    _, moved = _timed("moving open leads", lambda: reroute_leads(clock=lambda: at))
    expected = {row.lead_id: row for row in simulation.leads.filter(is_open=True).select_related("lead")}
    wrong = [
        row
        for row in expected.values()
        if (row.lead.owner_id, row.lead.territory_id) != (row.to_owner_id, row.to_territory_id)
    ]
    print(f"  {moved:,} moved; of {len(expected):,} open leads {len(wrong):,} are elsewhere than predicted")

    scoring = ScoringRuleSet.objects.get(state="draft")
    last = BackTest.objects.filter(rule_set=scoring).order_by("-pk")[0]
    request_back_test(rule_set_id=scoring.pk, first_day=last.first_day, last_day=last.last_day,
                      horizon_days=last.horizon_days, by=admin, at=timezone.now())  # fmt: skip
    _timed("back-test", lambda: run_back_tests(clock=timezone.now))
    tried = BackTest.objects.filter(rule_set=scoring).order_by("-pk")[0]
    print(f"  leads created {tried.first_day} to {tried.last_day}, message: {tried.job.message}")
    activate_rule_set(rule_set_id=scoring.pk, why="Benchmark", by=admin, at=timezone.now())

    def rescore() -> int:
        done = rescore_leads(clock=timezone.now)
        while rescoring_waits():
            done += rescore_leads(clock=timezone.now)
        return done

    _, scored = _timed("scoring every lead anew", rescore)
    print(f"  {scored:,} leads")
    return int(bool(wrong) or moved != simulation.result["moved"] or seconds >= MOST_SECONDS)


def _timed(name: str, work: Callable[[], Any]) -> tuple[float, Any]:
    wall, processor = time.perf_counter(), time.process_time()
    result = work()
    seconds = time.perf_counter() - wall
    _say(name, seconds, time.process_time() - processor)
    return seconds, result


def _say(name: str, wall: float, processor: float) -> None:
    print(
        f"{name}: {wall:.1f} s, of which {processor:.1f} s of the processor; load {os.getloadavg()[0]:.0f}", flush=True
    )


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(measure())
