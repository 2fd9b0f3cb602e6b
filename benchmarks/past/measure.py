"""What keeping versions costs writers, and what reading the past costs readers: `python -m benchmarks past …`.

A throw-away database of either kind is filled with a made-up funnel. Writers are timed in turns with the triggers and
without them; readers ask the same figures and pages in the present and as of a moment after which a tenth of the rows
changed; credits are asked live, as of then for the first time, and again. Time is the processor's, of this process and
of the database's own process, so that a busy machine does not stretch it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.past.asking import SIZES
from benchmarks.past.section import BEGIN, END, section

HERE = Path(__file__).parents[1]
PARTS = ("writers", *SIZES, *(f"credits-{size}" for size in SIZES))


def main(arguments: list[str]) -> int:
    """Measure on both databases; print, and write past.json and the README's section. What is not measured stays."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks past", description=__doc__.splitlines()[0])
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--databases", default="PostgreSQL,SQLite")
    parser.add_argument("--no-write", dest="write", action="store_false", help="print, and leave the files alone")
    options = parser.parse_args(arguments)
    for database in options.databases.split(","):
        for part in options.parts.split(","):
            without = ["--no-postgres"] if database == "SQLite" else []
            worker = [sys.executable, "-m", "benchmarks.past", "--worker", part]
            command = [sys.executable, "-m", "tests.services", *without, "--", *worker]
            done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, check=False)
            if done.returncode:
                print(done.stderr[-3000:], file=sys.stderr)
                return 1
            row = {
                "database": database,
                "part": part,
                "at": datetime.now(UTC).date().isoformat(),
                **json.loads(done.stdout.strip().splitlines()[-1]),
            }
            print(json.dumps(row), flush=True)
            if options.write:
                write(row, HERE)
    return 0


def write(row: dict[str, Any], folder: Path) -> None:
    """Put what a worker found in the place of what was found before, and the tables anew."""
    kept = folder / "past.json"
    rows = json.loads(kept.read_text())["results"] if kept.exists() else []
    known = {(each["database"], each["part"]): each for each in [*rows, row]}
    order = [(database, part) for database in ("PostgreSQL", "SQLite") for part in PARTS]
    rows = [known[place] for place in order if place in known]
    kept.write_text(json.dumps({"results": rows}, indent=1) + "\n")
    page = folder / "README.md"
    before, _, rest = page.read_text().partition(BEGIN)
    page.write_text(f"{before}{BEGIN}\n\n{section(rows)}\n{END}{rest.partition(END)[2]}")


def worker(part: str) -> dict[str, Any]:
    """One database, filled and measured."""
    os.environ.update(DJANGO_SETTINGS_MODULE="tests.settings", LOG_LEVEL="ERROR", PORTAL_MODE="test")
    import django

    django.setup()
    from django.core.management import call_command

    from benchmarks.past import credits, reads, world, writes
    from benchmarks.timing import ask_alone

    call_command("migrate", verbosity=0)
    ask_alone()
    if part == "writers":
        world.fill(50_000, 10_000)
        return {"writes": writes.writes(), "bytes": writes.bytes_per_version()}
    touches, deals = SIZES[part.removeprefix("credits-")]
    if part.startswith("credits-"):
        return {"credits": credits.measure(touches, touches / deals)}
    world.fill(touches, deals)
    return {"touches": touches, "deals": deals, **reads.reads()}
