"""Kill −9 workers at random moments of a sync, fifty times a vendor: `python -m benchmarks.crm_kills --kills 50`.

A sandbox in a process of its own, a database of its own, and workers forked by `tests.integrations.flows.syncer`, half
of which are killed while they push leads that changed here and half while they pull deals that people changed there.
Then one worker may finish, and both sides are counted. Exits with 1 when anything was lost or doubled, or a run did not
end.
On SQLite, or where `DATABASE_URL` names a PostgreSQL server, on that: `python -m tests.services -- python -m
benchmarks.crm_kills`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from benchmarks import crm
from benchmarks.timing import say

LEADS_A_KILL = 12
JOBS = "salesforce-jobs"
"""Salesforce by jobs of Bulk API 2.0: workers die before and after the upload, while a job runs, and at its results."""
BAD = (
    "leads_lost", "leads_doubled", "changes_lost", "deals_lost", "deals_doubled", "running", "unfinished_jobs",
    "waiting",
)  # fmt: skip


def main(arguments: list[str]) -> int:
    """Kill, count, print; write crm.json and the read-me's table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crm_kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--worker", nargs=2, metavar=("VENDOR", "FOLDER"), help=argparse.SUPPRESS)
    parser.add_argument("vendors", nargs="*")
    options = parser.parse_args(arguments)
    if options.worker:
        say(work(options.worker[0], Path(options.worker[1]), options.kills, options.seed))
        return 0
    page = crm.ROOT / "benchmarks" / "crm.json"
    kept: dict[str, Any] = json.loads(page.read_text(encoding="utf-8")) if page.exists() else {}
    given = os.environ.get("DATABASE_URL", "")
    server = given if given.startswith("postgres") else ""
    database = "PostgreSQL" if server else "SQLite"
    failed = 0
    for kind in options.vendors or (*crm.KINDS, JOBS):
        with tempfile.TemporaryDirectory() as folder:
            environment = {
                **os.environ,
                "DATABASE_URL": new_database(server, kind) if server else f"sqlite:///{folder}/portal.sqlite3",
                "REDIS_URL": "",
                "LOG_LEVEL": "ERROR",
                "DJANGO_SETTINGS_MODULE": "tests.settings",
            }
            further = ["--kills", str(options.kills), "--seed", str(options.seed)]
            command = [sys.executable, "-m", "benchmarks.crm_kills", *further, "--worker", kind, folder]
            done = subprocess.run(command, cwd=crm.ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        found = json.loads(done.stdout.strip().splitlines()[-1])
        kept.setdefault("kills", {}).setdefault(database, {})[kind] = found
        print(f"{kind} on {database}: {found}", flush=True)
        failed |= int(any(found[name] for name in BAD))
    crm.keep(kept)
    return failed


def new_database(server: str, kind: str) -> str:
    """The address of an empty database of its own on this server."""
    name = f"kills_{kind.replace('-', '_')}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}")
        connection.execute(f"CREATE DATABASE {name}")
    return urlsplit(server)._replace(path=f"/{name}").geturl()


def work(kind: str, folder: Path, kills: int, seed: int) -> dict[str, Any]:
    """One vendor's storm in this process."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from django.db import connection

    from integrations.sandbox_crm.dialects import dialects
    from tests.integrations.flows.storm import Storm, prepare
    from tests.integrations.flows.syncer import MOMENTS
    from tests.integrations.flows.vendors import world_of
    from tests.integrations.sandbox_crm.running import TOKEN
    from tests.leads.factories import LeadFactory

    with crm.sandbox_process(folder) as url:
        crm.told(url, "GET", "/_calls")
        vendor, moments = ("salesforce", tuple(MOMENTS)) if kind == JOBS else (kind, ())
        world = world_of(vendor, dialects()[vendor](folder / f"crm.{vendor}.sqlite3", TOKEN))
        leads = LeadFactory.create_batch(LEADS_A_KILL * kills, company="Acme")
        storm = Storm(world, prepare(world, url, leads).pk, kills, seed, spread=(0.3, 1, 3), moments=moments)
        if moments:
            world.dialect.records.set_meta("job_seconds", "1.5")
        connection.close()
        began = time.perf_counter()
        storm.run(os.environ["DATABASE_URL"])
        found = storm.counted() | {"seconds": time.perf_counter() - began}
        world.dialect.close()
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
