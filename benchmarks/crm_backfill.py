"""A new connection with 50,000 leads here: how long until the CRM has all of them, and how much memory it takes.

    python -m benchmarks.crm_backfill [--leads 50000] [salesforce]

A sandbox in a process of its own, a database of its own (SQLite). Switched on, the back-fill owes every lead, one sync
sends them, and the CRM's rows are counted by our ids.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import crm
from benchmarks.timing import say


def main(arguments: list[str]) -> int:
    """Measure, print, and write crm.json and the read-me's table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crm_backfill", description=__doc__)
    parser.add_argument("--leads", type=int, default=50_000)
    parser.add_argument("--worker", nargs=2, metavar=("VENDOR", "FOLDER"), help=argparse.SUPPRESS)
    parser.add_argument("vendors", nargs="*")
    options = parser.parse_args(arguments)
    if options.worker:
        say(work(options.worker[0], Path(options.worker[1]), options.leads))
        return 0
    page = crm.ROOT / "benchmarks" / "crm.json"
    kept: dict[str, Any] = json.loads(page.read_text(encoding="utf-8"))
    failed = 0
    for kind in options.vendors or ("salesforce",):
        with tempfile.TemporaryDirectory() as folder:
            environment = {
                **os.environ,
                "DATABASE_URL": f"sqlite:///{folder}/portal.sqlite3",
                "REDIS_URL": "",
                "LOG_LEVEL": "ERROR",
                "DJANGO_SETTINGS_MODULE": "tests.settings",
            }
            command = [sys.executable, "-m", "benchmarks.crm_backfill", "--leads", str(options.leads), "--worker"]
            done = subprocess.run(
                [*command, kind, folder], cwd=crm.ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
            )
        found = json.loads(done.stdout.strip().splitlines()[-1])
        kept.setdefault("backfill", {})[kind] = found
        print(f"{kind}: {found}", flush=True)
        failed |= int(found["there"] != found["leads"] or found["doubled"] > 0)
    crm.keep(kept)
    return failed


def work(kind: str, folder: Path, count: int) -> dict[str, Any]:
    """One vendor in this process; its memory is that of the worker that sends."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from integrations.sandbox_crm.dialects import dialects
    from leads.models import Lead
    from tests.integrations.flows.vendors import world_of
    from tests.integrations.sandbox_crm.running import TOKEN

    at = datetime.now(UTC)
    for start in range(0, count, 5_000):
        Lead.objects.bulk_create(
            Lead(
                email=f"lead{n}@customer{n}.example", first_name="Ada", last_name=f"Byron {n}", company=f"Customer {n}",
                stage="mql", captured_at=at, changed_at=at,
            )
            for n in range(start, min(start + 5_000, count))
        )  # fmt: skip
    with crm.sandbox_process(folder) as url:
        crm.told(url, "GET", "/_calls")
        world = world_of(kind, dialects()[kind](folder / f"crm.{kind}.sqlite3", TOKEN))
        found = _measure(kind, url, world, count)
        world.dialect.close()
    return found


def _measure(kind: str, url: str, world: Any, count: int) -> dict[str, Any]:
    from integrations.actions.jobs.run_sync import run_sync
    from integrations.actions.push.back_fill import plan_back_fill, run_back_fills
    from integrations.models import PendingPush

    connection = world.connect(url)
    run_sync(connection_id=connection.pk, reason="asked for", clock=lambda: datetime.now(UTC), seed=1)
    before = _peak()
    began = time.perf_counter()
    plan_back_fill(connection=connection, by=None, at=datetime.now(UTC))
    assert run_back_fills(clock=lambda: datetime.now(UTC)) == count
    owed = time.perf_counter() - began
    crm.told(url, "DELETE", "/_calls")
    synced = run_sync(connection_id=connection.pk, reason="asked for", clock=lambda: datetime.now(UTC), seed=1)
    seconds = time.perf_counter() - began
    assert synced.is_done, synced
    keys = world.keys()
    return {
        "leads": count,
        "there": len(keys),
        "doubled": sum(keys.values()) - len(keys),
        "done": PendingPush.objects.filter(state="done").count(),
        "calls": crm.told(url, "GET", "/_calls")["calls"][kind]["total"],
        "seconds": seconds,
        "seconds_to_owe": owed,
        "peak_mb": _peak(),
        "peak_mb_before": before,
    }


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
