"""Live figures of two trees of the portal, in turns: `python benchmarks/past/live.py --before PATH`.

Tells whether figures of the present became slower since the tree at PATH, such as a worktree of the commit before facts
kept versions. Each tree fills a throw-away database of its own with the same funnel; processor time, of the process and
of the database's own.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from multiprocessing.connection import Client, Listener
from pathlib import Path
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

HERE = Path(__file__).resolve()
SIZES = {"demo": (20_000, 1_500), "1m": (1_000_000, 10_000)}
TURNS = 7
LEAST = 0.2
"""Seconds of a turn: the processor time of another process is told in hundredths."""
FIGURES = (
    "leads.captured", "leads.inquiries", "leads.mqls", "leads.conversion.mql_to_sql", "leads.speed_to_lead",
    "pipeline.created", "pipeline.influenced", "pipeline.open", "pipeline.won", "spend.total",
)  # fmt: skip


def main(arguments: list[str]) -> int:
    """Measure and print one line of JSON for each database and size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", type=Path, required=True)
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--databases", default="PostgreSQL,SQLite")
    options = parser.parse_args(arguments)
    for size in options.sizes.split(","):
        for database in options.databases.split(","):
            with (
                _worker(options.before.resolve(), size, database) as before,
                _worker(HERE.parents[2], size, database) as now,
            ):
                found = {key: _compared(key, before, now) for key in FIGURES}
            print(json.dumps({"database": database, "size": size, "figures": found}), flush=True)
    return 0


def _compared(key: str, before: Any, now: Any) -> dict[str, float]:
    times: dict[Any, list[float]] = {before: [], now: []}
    for turn in range(TURNS + 1):
        for worker in (before, now):
            worker.send(key)
            spent = worker.recv()
            if turn:  # the first warms
                times[worker].append(spent)
    old, new = (statistics.median(times[worker]) for worker in (before, now))
    return {"before": old, "now": new, "ratio": new / old}


@contextmanager
def _worker(tree: Path, size: str, database: str) -> Iterator[Any]:
    with tempfile.TemporaryDirectory() as folder:
        address = f"{folder}/socket"
        without = ["--no-postgres"] if database == "SQLite" else []
        command = [sys.executable, "-m", "tests.services", *without, "--", sys.executable, str(HERE), address, size]
        with Listener(address) as listener:
            process = subprocess.Popen(command, cwd=tree, env={**os.environ, "PYTHONPATH": str(tree)})
            worker = listener.accept()
            worker.recv()
            yield worker
            worker.send("")
            process.wait()


def work(address: str, size: str) -> None:
    """The process of one tree: fills a database, then answers each figure's key with its processor time."""
    client = Client(address)
    sys.path[:] = [path for path in sys.path if Path(path).resolve() != HERE.parent]
    os.environ.update(DJANGO_SETTINGS_MODULE="tests.settings", LOG_LEVEL="ERROR", PORTAL_MODE="test")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    if importlib.util.find_spec("leads.past") is None:
        # The funnel's own code takes triggers away and brings them back; this tree has none.
        installing: Any = ModuleType("leads.past.install")
        installing.install = installing.drop_triggers = lambda _: None
        sys.modules.update({"leads.past": ModuleType("leads.past"), "leads.past.install": installing})
    spec: Any = importlib.util.spec_from_file_location("world", HERE.parent / "world.py")
    world = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(world)
    world.fill(*SIZES[size])
    asks = {key: _asking(key) for key in FIGURES}
    client.send("ready")
    while key := client.recv():
        client.send(_spent(asks[key]))


def _asking(key: str) -> Callable[[], None]:
    from leads.figures.base import Scope, figure
    from leads.pure.week import Period

    tz = ZoneInfo("Europe/Berlin")
    period = Period.of_dates(date(2026, 7, 1), date(2026, 10, 1), tz)
    scope = Scope(period=period, at=datetime(2026, 10, 1, tzinfo=UTC), tz=tz, currency="EUR")

    def ask() -> None:
        for part in figure(key, scope).parts.values():
            part.rows(0, 25)

    return ask


def _spent(work: Callable[[], None]) -> float:
    began, goes = _processor(), 0
    while (passed := _processor() - began) < LEAST and goes < 1_000:
        work()
        goes += 1
    return passed / goes


def _processor() -> float:
    from django.db import connection

    spent = time.process_time()
    if connection.vendor == "postgresql":
        connection.ensure_connection()
        words = Path(f"/proc/{connection.connection.info.backend_pid}/stat").read_text().rpartition(")")[2].split()
        spent += (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
    return spent


if __name__ == "__main__":
    if len(sys.argv) == 3 and not sys.argv[1].startswith("-"):
        work(*sys.argv[1:])
    else:
        sys.exit(main(sys.argv[1:]))
