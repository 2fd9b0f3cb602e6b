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
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Client, Listener
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).resolve()
TURNS = 7


def main(arguments: list[str]) -> int:
    """Measure and print one line of JSON for each database and size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", type=Path, required=True)
    parser.add_argument("--sizes", default="demo,1m")
    parser.add_argument("--databases", default="PostgreSQL,SQLite")
    parser.add_argument("--only", default="", help="questions that begin so")
    options = parser.parse_args(arguments)
    for size in options.sizes.split(","):
        for database in options.databases.split(","):
            with (
                _worker(options.before.resolve(), size, database) as before,
                _worker(HERE.parents[2], size, database) as now,
            ):
                questions, _ = before.recv(), now.recv()
                asked = [question for question in questions if question.startswith(options.only)]
                found = {question: _compared(question, before, now) for question in asked}
            print(json.dumps({"database": database, "size": size, "figures": found}), flush=True)
    return 0


def _compared(question: str, before: Any, now: Any) -> dict[str, float]:
    times: dict[Any, list[float]] = {before: [], now: []}
    for turn in range(TURNS + 1):
        for worker in (before, now):
            worker.send(question)
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
            yield worker
            worker.send("")
            process.wait()


def work(address: str, size: str) -> None:
    """The process of one tree: fills a database, then answers each question with its processor time."""
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
    _ours("benchmarks.timing").ask_alone()
    asked = _ours("benchmarks.past.asking")
    _ours("benchmarks.past.world").fill(*asked.SIZES[size])
    asks = {question: asked.asking(question) for question in asked.LIVE}
    client.send(list(asks))
    while question := client.recv():
        client.send(asked.spent(asks[question]))


def _ours(module: str) -> Any:
    """A module of this tree's benchmarks under its own name, whatever the tree that is measured has there."""
    path = HERE.parents[1].joinpath(*module.split(".")[1:]).with_suffix(".py")
    spec: Any = importlib.util.spec_from_file_location(module, path)
    made = sys.modules[module] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


if __name__ == "__main__":
    if len(sys.argv) == 3 and not sys.argv[1].startswith("-"):
        work(*sys.argv[1:])
    else:
        sys.exit(main(sys.argv[1:]))
