"""How much capture takes beside a bare view and beside COPY: `python -m benchmarks capture [--databases …] [--rows N]`.

Each database is a throw-away one. In turns, a request at a time, the bare view of `benchmarks.bare`, the promise
(`Prefer: respond-async`) and the full answer go through Django's whole request handling, middleware and key check
included; then batches of 1,000, promised and in full; then the rows that those wrote are written once more by COPY (on
SQLite: one executemany each table). Last a file of leads beside `bulk_create` of every row that it leaves in every
table. Ratios are of processor time, of this process and of the database's own, so that a busy machine does not
stretch them; p50 and p99 are on the clock.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.timing import processor, say

HERE = Path(__file__).parent
BEGIN, END = "<!-- capture: begin -->", "<!-- capture: end -->"
TURNS, EACH, BATCHES = 12, 25, 3
GOALS = {"promise": 0.5, "full": 0.15, "batch_promised": 3000, "batch_full": 1000, "batch_full_copy": 0.35, "csv": 0.25}


def main(arguments: list[str]) -> int:
    """Measure on both databases; print, and write capture.json and the README's section."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks capture")
    parser.add_argument("--databases", default="PostgreSQL,SQLite")
    parser.add_argument("--rows", type=int, default=100_000, help="of the imported file")
    parser.add_argument("--no-write", dest="write", action="store_false")
    options = parser.parse_args(arguments)
    kept = HERE / "capture.json"
    found = json.loads(kept.read_text()) if kept.exists() else {}
    for database in options.databases.split(","):
        without = ["--no-postgres"] if database == "SQLite" else []
        worker = [sys.executable, "-m", "benchmarks.capture", "--worker", str(options.rows)]
        command = [sys.executable, "-m", "tests.services", *without, "--", *worker]
        done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, check=False)
        if done.returncode:
            print(done.stderr[-3000:], file=sys.stderr)
            return 1
        found[database] = json.loads(done.stdout.strip().splitlines()[-1])
        print(json.dumps(found[database]), flush=True)
        if options.write:
            kept.write_text(json.dumps(found, indent=1) + "\n")
            page = HERE / "README.md"
            before, _, rest = page.read_text().partition(BEGIN)
            page.write_text(f"{before}{BEGIN}\n\n{section(found)}\n{END}{rest.partition(END)[2]}")
    return 0


def worker(rows: int) -> dict[str, Any]:
    """One database: requests, batches, a file."""
    os.environ.update(DJANGO_SETTINGS_MODULE="tests.settings", LOG_LEVEL="ERROR", API_RATE="10000000/min")
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    if connection.vendor == "sqlite":
        # In memory nothing would be written; a file is what an installation has.
        path = Path(os.environ.get("TMPDIR", "/tmp")) / f"capture-{os.getpid()}.sqlite3"
        connection.close()
        settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = str(path)
    call_command("migrate", verbosity=0)
    try:
        return {"at": datetime.now(UTC).date().isoformat(), **requests(), "csv": file(rows)}
    finally:
        if connection.vendor == "sqlite":
            connection.close()
            path.unlink()


def _setting() -> dict[str, str]:
    """A company that does everything: territories with reps, scoring rules, two CRMs."""
    from django.db import connection
    from django.utils import timezone

    from benchmarks.bare import BareRow
    from integrations.models import Connection
    from leads.models import Territory, TerritoryRep
    from tests.leads.api.keys import make_key
    from tests.leads.factories import UserFactory

    with connection.schema_editor() as editor:
        editor.create_model(BareRow)
    territory = Territory.objects.get(is_catch_all=True)
    for _ in range(5):
        TerritoryRep.objects.create(territory=territory, rep=UserFactory())
    for number in range(2):
        Connection.objects.create(
            slug=f"crm-{number}", name=f"CRM {number}", kind="sandbox", base_url="http://127.0.0.1:9",
            created_at=timezone.now(),
        )  # fmt: skip
    return make_key()[1]


def requests() -> dict[str, Any]:
    """Single requests in turns, then batches, then COPY."""
    from django.test import Client, override_settings

    from tests.integrations.api.capture import URL, body

    key, client, number = _setting(), Client(), iter(range(10**9))

    def item() -> dict[str, Any]:
        n = next(number)
        event = {**body()["event"], "occurred_at": datetime.now(UTC).isoformat(), "visitor_id": f"v-{n}"}
        return body(email=f"person{n}@company{n % 5000}.example", event=event)

    def sent(path: str, status: int, data: Any, **headers: str) -> float:
        text = json.dumps(data)
        began = time.perf_counter()
        answer = client.post(path, text, content_type="application/json", headers={**key, **headers})
        took = time.perf_counter() - began
        if answer.status_code != status:
            raise RuntimeError(answer.content[:500])
        return took

    ways: dict[str, Callable[[], float]] = {
        "bare": lambda: sent("/api/v1/bare", 201, item()),
        "promise": lambda: sent(URL, 202, item(), Prefer="respond-async"),
        "full": lambda: sent(URL, 201, item()),
    }
    with override_settings(ROOT_URLCONF="benchmarks.bare", ALLOWED_HOSTS=["*"]):
        clock: dict[str, list[float]] = {name: [] for name in ways}
        spent: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(TURNS + 1):
            for name, way in ways.items():
                began = processor()
                took = [way() for _ in range(EACH)]
                if turn:  # the first one warms up
                    spent[name].append((processor() - began) / EACH)
                    clock[name] += took
        singles = {
            name: {
                "processor_ms": statistics.median(spent[name]) * 1000,
                "p50_ms": statistics.median(clock[name]) * 1000,
                "p99_ms": sorted(clock[name])[int(len(clock[name]) * 0.99)] * 1000,
            }
            for name in ways
        }
        take_all()
        people = {
            "somebody new of a new company": (201, {**item(), "email": "ada@new.example"}),
            "somebody new of a known company": (201, {**item(), "email": "bob@new.example"}),
            "somebody known": (200, {**item(), "email": "ada@new.example"}),
        }
        statements = {who: _statements(partial(sent, URL, status, data)) for who, (status, data) in people.items()}
        return {"singles": singles, "statements": statements, **_batches(item, sent)}


def _statements(way: Callable[[], float]) -> int:
    """BEGIN and COMMIT among them, and on PostgreSQL the one that tells who writes, which Django does not see."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as asked:
        way()
    return len(asked) + (connection.vendor == "postgresql")


def take_all() -> None:
    """Do what is promised and what intake owes."""
    from django.utils import timezone

    from leads.actions.capture.take_submissions import take_submissions
    from leads.actions.intake import finish_intake

    at = timezone.now()
    take_submissions(at=at)
    while finish_intake(at=at):
        pass


def _batches(item: Callable[[], Any], sent: Callable[..., float]) -> dict[str, Any]:
    from tests.integrations.api.capture import URL

    found: dict[str, list[float]] = {"promised": [], "answered": [], "full": [], "copy": []}
    for _ in range(BATCHES):
        data = {"leads": [item() for _ in range(1000)]}
        began = processor()
        sent(URL, 202, data, Prefer="respond-async")
        found["promised"].append(processor() - began)
        take_all()
        data, marks = {"leads": [item() for _ in range(1000)]}, _marks()
        began = processor()
        sent(URL, 200, data)
        found["answered"].append(processor() - began)
        take_all()
        found["full"].append(processor() - began)
        found["copy"].append(_copied(marks))
    return {"batches": {name: 1000 / statistics.median(values) for name, values in found.items()}}


def _tables() -> list[str]:
    """What capture and intake write, parents first."""
    return [
        "leads_campaign", "leads_account", "leads_lead", "leads_touchpoint", "leads_lifecyclepassage",
        "leads_consent", "leads_leadevent", "leads_submission", "leads_leadscore", "leads_assignment",
        "leads_shownscore", "leads_followup", "integrations_pendingpush",
    ]  # fmt: skip


def _marks() -> dict[str, int]:
    from django.db import connection

    with connection.cursor() as cursor:
        found = {}
        for table in _tables():
            cursor.execute(f"SELECT coalesce(max(id), 0) FROM {table}")
            found[table] = cursor.fetchone()[0]
    return found


class _Undo(Exception):
    """Ends the transaction."""


def _copied(marks: dict[str, int]) -> float:
    """Processor seconds to write the rows beyond the marks once more, into the same tables."""
    from django.db import connection, transaction

    spent = 0.0
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            kept = {table: _read(cursor, table, mark) for table, mark in marks.items()}
            for table in reversed(_tables()):
                cursor.execute(f"DELETE FROM {table} WHERE id > {marks[table]}")
            _check_references()
            began = processor()
            for table in _tables():
                _write(cursor, table, kept[table])
            _check_references()
            spent = processor() - began
            raise _Undo
    except _Undo:
        return spent


def _check_references() -> None:
    """What a commit would do: on PostgreSQL references are looked up then, on SQLite they have been."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def _read(cursor: Any, table: str, mark: int) -> Any:
    if cursor.db.vendor == "postgresql":
        stream = io.BytesIO()
        with cursor.copy(f"COPY (SELECT * FROM {table} WHERE id > {mark} ORDER BY id) TO STDOUT") as copy:
            for data in copy:
                stream.write(data)
        return stream.getvalue()
    cursor.execute(f"SELECT * FROM {table} WHERE id > {mark} ORDER BY id")
    return cursor.fetchall()


def _write(cursor: Any, table: str, rows: Any) -> None:
    if cursor.db.vendor == "postgresql":
        with cursor.copy(f"COPY {table} FROM STDIN") as copy:
            copy.write(rows)
    elif rows:
        marks = ", ".join(["%s"] * len(rows[0]))
        cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


def file(rows: int) -> dict[str, Any]:
    """A file of leads taken in, and every row that it left in every table written once more by bulk_create."""
    from django.utils import timezone

    from leads.actions.imports.file import map_columns, receive_file, start_import
    from leads.actions.imports.rows import import_rows
    from leads.models import ImportRun

    lines = ["email,first name,last name,company,country,phone,first contact"]
    lines += [
        f"import{n}@firm{n % 20_000}.example,Ada,Byron {n},Firm {n % 20_000},DE,+49 30 {100000 + n},"
        f"2026-0{1 + n % 9}-11"
        for n in range(rows)
    ]
    at, before, marks = timezone.now(), _private(), _marks()
    run = receive_file(kind="leads", file_name="leads.csv", content="\n".join(lines).encode(), by=None, at=at)
    del lines
    map_columns(run=run, columns=run.columns, defaults={**run.defaults, "dates": "ymd"}, save_as="")
    start_import(run=run, is_dry_run=False, by=None, at=at)
    peak = 0
    seen: list[int] = []

    def look(state: ImportRun) -> None:
        nonlocal peak
        peak = max(peak, _private())
        seen.append(state.next_row)

    began, clock = processor(), time.perf_counter()
    import_rows(run_id=run.pk, at=at, on_batch=look)
    spent, took = processor() - began, time.perf_counter() - clock
    run.refresh_from_db()
    again = _created_again(marks)
    return {
        "rows": rows,
        "created": run.rows_created,
        "seconds": took,
        "rows_per_processor_second": rows / spent,
        "bulk_create_rows_per_processor_second": rows / again,
        "ratio": again / spent,
        "private_mib": peak / 2**20,
        "private_mib_before": before / 2**20,
        "progress_steps": len(seen),
    }


def _private() -> int:
    """Bytes that are this process's alone; mapped files are not counted."""
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Private_Dirty:"):
            return int(line.split()[1]) * 1024
    return 0


def _created_again(marks: dict[str, int]) -> float:
    """Processor seconds of bulk_create of all rows beyond the marks, a table at a time."""
    from django.apps import apps
    from django.db import transaction

    models = {model._meta.db_table: model for model in apps.get_models()}
    spent = 0.0
    try:
        with transaction.atomic():
            kept = {table: list(models[table].objects.filter(pk__gt=mark)) for table, mark in marks.items()}
            for table in reversed(_tables()):
                models[table].objects.filter(pk__gt=marks[table])._raw_delete("default")
            _check_references()
            began = processor()
            for table in _tables():
                models[table].objects.bulk_create(kept[table], batch_size=1000)
            _check_references()
            spent = processor() - began
            raise _Undo
    except _Undo:
        return spent


def section(found: dict[str, Any]) -> str:
    """The tables of the README."""
    lines = [f"Measured {max(each['at'] for each in found.values())}.", ""]
    lines += ["| one request | database | processor, ms | of the bare view | goal | p50, ms | p99, ms |"]
    lines += ["|---|---|---:|---:|---:|---:|---:|"]
    words = {"bare": "the bare view", "promise": "the promise", "full": "the full answer"}
    for database, each in found.items():
        bare = each["singles"]["bare"]["processor_ms"]
        for name, one in each["singles"].items():
            goal = f"≥ {GOALS[name]:.0%}" if name in GOALS else ""
            share = bare / one["processor_ms"]
            lines.append(
                f"| {words[name]} | {database} | {one['processor_ms']:.2f} | {share:.0%} | {goal} |"
                f" {one['p50_ms']:.1f} | {one['p99_ms']:.1f} |"
            )
    lines += ["", "| a batch of 1,000 | database | leads a processor second | goal |", "|---|---|---:|---:|"]
    names = {
        "promised": ("promised", "≥ 3,000"),
        "answered": ("captured and answered, intake to follow", ""),
        "full": ("taken in fully", "≥ 1,000 or 35% of COPY"),
        "copy": ("the same rows by COPY (SQLite: INSERT)", ""),
    }
    for database, each in found.items():
        for name, (what, goal) in names.items():
            lines.append(f"| {what} | {database} | {each['batches'][name]:,.0f} | {goal} |")
    lines += ["", "| a file of leads | database | rows a processor second | of bulk_create | goal | private memory |"]
    lines += ["|---|---|---:|---:|---:|---:|"]
    for database, each in found.items():
        csv = each["csv"]
        lines.append(
            f"| {csv['rows']:,} rows | {database} | {csv['rows_per_processor_second']:,.0f} | {csv['ratio']:.0%} |"
            f" ≥ 25% | {csv['private_mib']:.0f} MiB, {csv['private_mib_before']:.0f} before |"
        )
    lines += ["", "| statements of a full answer about | database | number | goal |", "|---|---|---:|---:|"]
    for database, each in found.items():
        lines += [f"| {who} | {database} | {number} | ≤ 20 |" for who, number in each["statements"].items()]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        say(worker(int(sys.argv[2])))
    else:
        sys.exit(main(sys.argv[1:]))
