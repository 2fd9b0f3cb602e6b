"""Calls that a sync needs, beside the fewest that each CRM's API allows: `python -m benchmarks crm [VENDOR …]`.
`LEADS` and `DEALS` in the environment make it smaller.

Each vendor gets a sandbox in a process of its own and a database of its own. The real engine pushes 10,000 leads, reads
them back (the echo of its own writes), pulls 2,000 deals that changed (with their people and their past), and syncs
once more when nothing has changed. Every call counts, those for stages, owners and empty windows too. Time between the
syncs is the CRM's clock, moved on by an hour.

Two minima are printed. The one of the work alone is what must be written and read; the whole one adds, once for each of
the three syncs, what no sync can leave unasked.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any

from benchmarks.timing import say

ROOT = Path(__file__).resolve().parents[1]
LEADS, DEALS = (int(os.environ.get(name, usual)) for name, usual in (("LEADS", "10000"), ("DEALS", "2000")))
GOAL = 1.05
KINDS = ("salesforce", "hubspot", "pipedrive")
BEGIN, END = "<!-- crm: begin -->", "<!-- crm: end -->"
# What no sync can leave unasked, whatever changed, in the fewest calls that the API allows.
QUESTIONS: Mapping[str, tuple[int, str]] = {
    "salesforce": (3, "stages, users and currencies, whose answer says until when the windows reach; then five queries"
                      " to a call, windows of leads, contacts, accounts, opportunities, contact roles and members; and"
                      " campaigns"),
    "hubspot": (13, "pipelines, owners, former owners; windows of contacts, companies and deals; archived and merged"
                    " contacts, companies and deals; campaigns"),
    "pipedrive": (7, "pipelines, stages, users, fields; windows of people and organizations; archived deals"),
}  # fmt: skip
PUSHES: Mapping[str, tuple[int, str]] = {
    "salesforce": (
        ceil(2 * ceil(LEADS / 190) / 5) + (7 if LEADS >= 2_000 else ceil(LEADS / 200)),
        "who is there already in queries of about 190 addresses, leads and contacts, five to a call; then a job of Bulk"
        " API 2.0 (make, fill, close, ask once, three results), below 2,000 leads 200 a call",
    ),
    "hubspot": (ceil(LEADS / 100), "100 contacts a call"),
    "pipedrive": (2 * LEADS, "one create for each person and one for the organization of each company: there is no"
                             " batch; who is there already is listed"),
}  # fmt: skip
ECHOES: Mapping[str, tuple[int, str]] = {
    "salesforce": (ceil(LEADS / 2000) - 1, "2,000 leads a page beyond the first, which comes with the questions"),
    "hubspot": (ceil(LEADS / 200) - 1, "200 contacts a search beyond the first"),
    "pipedrive": (ceil(LEADS / 500) - 1, "500 people a page beyond the first"),
}  # fmt: skip
SYNCS = 3
PULLS: Mapping[str, tuple[int, str]] = {
    "salesforce": (2, "contact roles and history, five queries to a call; the deals come with the windows"),
    "hubspot": (ceil(DEALS / 200) - 1 + 2 * ceil(DEALS / 1000) + ceil(DEALS / 50),
                "200 deals a search beyond the first, 1,000 a call for their people and companies, 50 a call with"
                " history"),
    "pipedrive": (ceil(DEALS / 500) + DEALS, "500 deals a page, and a changelog for each that moved"),
}  # fmt: skip
# Calls in so many seconds, as the vendors' pages have it; Salesforce limits the day and calls that take long.
RATES: Mapping[str, tuple[int, float] | None] = {"salesforce": None, "hubspot": (100, 10.0), "pipedrive": (80, 2.0)}


def main(arguments: list[str]) -> int:
    """Measure the vendors named, or all; print, and write crm.json and the read-me's table."""
    kinds = [each for each in KINDS if each in arguments] or list(KINDS)
    page = ROOT / "benchmarks" / "crm.json"
    kept = json.loads(page.read_text(encoding="utf-8")) if page.exists() else {}
    failed = 0
    for kind in kinds:
        print(f"{kind} …", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            found = _in_process(kind, Path(folder))
        kept.setdefault("vendors", {})[kind] = found
        print("\n".join(lines(kind, found)), flush=True)
        failed |= int(not is_good(found))
    keep(kept)
    return failed


def keep(results: dict[str, Any]) -> None:
    """Write crm.json and the tables of the read-me."""
    results["measured"] = f"{datetime.now(UTC):%Y-%m-%d}"
    folder = ROOT / "benchmarks"
    (folder / "crm.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    page = folder / "README.md"
    text = page.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    page.write_text(f"{head}{BEGIN}\n{tables(results)}{END}{rest.split(END)[1]}", encoding="utf-8")


def is_good(found: Mapping[str, Any]) -> bool:
    """Whether the goals are met."""
    return found["ratio"] <= GOAL and not found["throttled"] and not found["writes_of_repeat"] and found["rate_held"]


def lines(kind: str, found: Mapping[str, Any]) -> list[str]:
    """The figures of a vendor for people."""
    asked, push, echo, pull = QUESTIONS[kind], PUSHES[kind], ECHOES[kind], PULLS[kind]
    return [
        f"{kind}: {found['calls']:,} calls, minimum {found['minimum']:,}, ratio {found['ratio']:.3f} (goal {GOAL})",
        f"  minimum of the work alone {found['bare_minimum']:,}, ratio {found['bare_ratio']:.3f}",
        f"  push of {LEADS:,} leads: {found['push']['calls']:,} calls, {found['push']['seconds']:.0f} s;"
        f" minimum {push[0]:,} ({push[1]}) + {asked[0]} questions",
        f"  reading them back: {found['echo']['calls']:,} calls, {found['echo']['seconds']:.0f} s;"
        f" minimum {echo[0]:,} ({echo[1]}) + {asked[0]} questions",
        f"  pull of {DEALS:,} changed deals: {found['pull']['calls']:,} calls, {found['pull']['seconds']:.0f} s;"
        f" minimum {pull[0]:,} ({pull[1]}) + {asked[0]} questions",
        f"  questions: {asked[1]}",
        f"  calls answered 429: {found['throttled']}; rate limit held: {found['rate_held']} ({found['rate']})",
        f"  a sync without changes: {found['repeat']['calls']} calls,"
        f" writes there {found['writes_of_repeat'][0] if found['writes_of_repeat'] else 0}, here"
        f" {found['writes_of_repeat'][1] if found['writes_of_repeat'] else 0}",
    ]


def tables(results: Mapping[str, Any]) -> str:
    """Markdown of all that was measured."""
    told = [
        f"\nMeasured {results['measured']}: {LEADS:,} leads pushed and read back, {DEALS:,} changed deals pulled.\n",
        "| vendor | calls | minimum | ratio | minimum of the work alone | ratio | of them push | echo | pull | seconds"
        " | waits for the limit | 429 | repeat: calls | repeat: writes |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    vendors = {kind: each for kind, each in results.get("vendors", {}).items() if "echo" in each}
    for kind, each in vendors.items():
        writes = sum(each["writes_of_repeat"]) if each["writes_of_repeat"] else 0
        told.append(
            f"| {kind} | {each['calls']:,} | {each['minimum']:,} | {each['ratio']:.3f} | {each['bare_minimum']:,}"
            f" | {each['bare_ratio']:.3f} | {each['push']['calls']:,} | {each['echo']['calls']:,}"
            f" | {each['pull']['calls']:,} | {sum(each[step]['seconds'] for step in ('push', 'echo', 'pull')):.0f}"
            f" | {each['waited']:.0f} s | {each['throttled']} | {each['repeat']['calls']} | {writes} |"
        )
    told.append("")
    for kind in vendors:
        told.append(
            f"- **{kind}**: {PUSHES[kind][1]}; {ECHOES[kind][1]}; {PULLS[kind][1]}."
            f" Asked in every sync ({QUESTIONS[kind][0]} calls):"
            f" {QUESTIONS[kind][1]}."
        )
    if backfill := results.get("backfill"):
        told += [
            "",
            "| back-fill of a new connection | leads | there | doubled | calls | seconds | peak memory |",
            "|---|---:|---:|---:|---:|---:|---:|",
        ]
        told += [
            f"| {kind} | {each['leads']:,} | {each['there']:,} | {each['doubled']} | {each['calls']:,}"
            f" | {each['seconds']:.0f} | {each['peak_mb']:.0f} MB ({each['peak_mb_before']:.0f} before) |"
            for kind, each in backfill.items()
        ]
    if kills := results.get("kills"):
        told += [
            "",
            "| vendor | database | kills (−9) | in a pull | in a push | leads | lost | doubled | changes lost | deals"
            " | lost | doubled | runs marked failed | seconds |",
            "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
        ]
        told += [
            f"| {kind} | {database} | {each['kills']} | {each['died_pulling']} | {each['died_pushing']}"
            f" | {each['leads']} | {each['leads_lost']} | {each['leads_doubled']} | {each['changes_lost']}"
            f" | {each['deals']} | {each['deals_lost']} | {each['deals_doubled']} | {each['failed_runs']}"
            f" | {each['seconds']:.0f} |"
            for database, vendors in kills.items()
            for kind, each in vendors.items()
        ]
    return "\n".join(told) + "\n\n"


def _in_process(kind: str, folder: Path) -> dict[str, Any]:
    environment = {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{folder / 'portal.sqlite3'}",
        "REDIS_URL": "",
        "LOG_LEVEL": "ERROR",
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    command = [sys.executable, "-m", "benchmarks.crm", "--worker", kind, str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


# --- inside a vendor's process ---------------------------------------------------------------------------


@contextmanager
def sandbox_process(folder: Path) -> Iterator[str]:
    """A sandbox CRM in a process of its own; its address."""
    from tests.integrations.sandbox_crm.running import TOKEN

    command = [sys.executable, "-m", "integrations.sandbox_crm", "--port", "0", "--data", str(folder / "crm.sqlite3")]
    with (folder / "crm.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--token", TOKEN, "--rate", "100000"], cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True
        )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[-1].rstrip("/")
    finally:
        process.terminate()
        process.wait()


def told(url: str, method: str, path: str, body: Any = None) -> Any:
    """A call to the sandbox's own controls."""
    import requests

    from tests.integrations.sandbox_crm.running import TOKEN

    answer = requests.request(method, url + path, json=body, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)
    answer.raise_for_status()
    return answer.json()


class Pace:
    """Every request of the connectors by the clock that they see. Waits of a connector that keeps to a rate are added
    to that clock instead of being slept through, where the sandbox does not mind."""

    def __init__(self, kind: str) -> None:
        from integrations.connectors import http
        from integrations.connectors.pipedrive import session as pipedrive_session

        self.waited, self.sent = 0.0, deque[float]()
        real = http.CrmSession.send

        def send(session: Any, request: Any, **options: Any) -> Any:
            self.sent.append(self.monotonic())
            return real(session, request, **options)

        http.CrmSession.send = send  # type: ignore[method-assign]
        if kind == "pipedrive":
            pipedrive_session.time = self  # type: ignore[attr-defined]
            pipedrive_session.PACE_ON_LOOPBACK = True

    def monotonic(self) -> float:
        """Seconds, waits included."""
        return time.monotonic() + self.waited

    def sleep(self, seconds: float) -> None:
        """Wait without waiting."""
        self.waited += seconds

    def most(self, seconds: float) -> int:
        """The most requests in any such span."""
        found, window = 0, deque[float]()
        for moment in self.sent:
            window.append(moment)
            while window[0] <= moment - seconds:
                window.popleft()
            found = max(found, len(window))
        return found


def work(kind: str, folder: Path) -> dict[str, Any]:
    """Measure one vendor in this process."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from integrations.sandbox_crm.dialects import dialects
    from tests.integrations.flows.vendors import world_of
    from tests.integrations.sandbox_crm.running import TOKEN

    pace = Pace(kind)
    with sandbox_process(folder) as url:
        told(url, "GET", "/_calls")  # opens the files
        world = world_of(kind, dialects()[kind](folder / f"crm.{kind}.sqlite3", TOKEN))
        found = _measure(kind, url, world, pace)
        world.dialect.close()
    return found


def _measure(kind: str, url: str, world: Any, pace: Pace) -> dict[str, Any]:
    from integrations.actions.jobs.run_sync import run_sync
    from integrations.actions.push.enqueue import enqueue_leads
    from integrations.models import ExternalRecord, PendingPush, StageMap, SyncRun
    from leads.models import Lead, PipelineStage

    connection = world.connect(url)

    def hour() -> None:
        world.later(hours=1)
        clock = {"skew": world.dialect.clock.skew.total_seconds()}
        told(url, "PUT", "/_scenario", {"dialect": kind, "clock": clock})

    def sync() -> dict[str, Any]:
        hour()
        told(url, "DELETE", "/_calls")
        began, waited, known = time.perf_counter(), pace.waited, SyncRun.objects.count()
        synced = run_sync(connection_id=connection.pk, reason="asked for", clock=lambda: datetime.now(UTC), seed=1)
        assert synced.is_done, synced
        counted = told(url, "GET", "/_calls")["calls"][kind]
        runs = list(SyncRun.objects.order_by("pk")[known:])
        return {
            "seconds": time.perf_counter() - began + pace.waited - waited,
            "calls": counted["total"],
            "by_route": counted["by_route"],
            "throttled": counted["by_status"].get("429", 0),
            "told": sum(run.calls for run in runs),
            "written": sum(run.created + run.updated for run in runs),
        }

    steps = {"first": sync()}
    ours = {stage.status: stage for stage in PipelineStage.objects.all()}
    for row in StageMap.objects.filter(connection=connection, stage=None):
        StageMap.objects.filter(pk=row.pk).update(stage=ours[row.remote_status])
    at = datetime.now(UTC)
    rows = [
        Lead(
            email=f"lead{n}@customer{n}.example", first_name="Ada", last_name=f"Byron {n}", company=f"Customer {n}",
            stage="mql", captured_at=at, changed_at=at,
        )
        for n in range(LEADS)
    ]  # fmt: skip
    leads = Lead.objects.bulk_create(rows, batch_size=500)
    enqueue_leads(lead_ids=[lead.pk for lead in leads], at=at - timedelta(days=1), reason="captured")
    steps["push"] = sync()
    people = world.people()
    assert len(people) == len(world.keys()) == LEADS
    assert PendingPush.objects.filter(state="done").count() == LEADS
    steps["echo"] = sync()
    hour()
    with world.dialect.records.write():
        deals = [world.add_deal(each.id, f"Deal {n}", 1_000 + n) for n, each in enumerate(people[:DEALS])]
    steps["new deals"] = sync()
    steps["settled"] = sync()
    hour()
    with world.dialect.records.write():
        for deal in deals:
            world.move_deal(deal, step=1)
    steps["pull"] = sync()
    assert steps["pull"]["written"] == DEALS, steps["pull"]
    assert ExternalRecord.objects.filter(kind="deal", opportunity__contacts__isnull=False).count() == DEALS
    steps["repeat"] = sync()
    return _judged(kind, steps, pace)


def _judged(kind: str, steps: dict[str, dict[str, Any]], pace: Pace) -> dict[str, Any]:
    calls = sum(steps[step]["calls"] for step in ("push", "echo", "pull"))
    bare = PUSHES[kind][0] + ECHOES[kind][0] + PULLS[kind][0]
    minimum = bare + SYNCS * QUESTIONS[kind][0]
    rate = RATES[kind]
    most = pace.most(rate[1]) if rate else 0
    writes = sum(
        count
        for route, count in steps["repeat"]["by_route"].items()
        if route.startswith(("PATCH", "PUT", "DELETE")) or route.endswith(("upsert", "update", "POST /api/v2/persons"))
    )
    written = steps["repeat"]["written"]
    return {
        **steps,
        "calls": calls,
        "minimum": minimum,
        "ratio": calls / minimum,
        "bare_minimum": bare,
        "bare_ratio": calls / bare,
        "throttled": sum(step["throttled"] for step in steps.values()),
        "rate": f"{most} calls in {rate[1]:g} s, {rate[0]} allowed" if rate else "none but the day's",
        "rate_held": rate is None or most <= rate[0],
        "waited": pace.waited,
        "writes_of_repeat": [writes, written] if writes or written else [],
    }


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        say(work(sys.argv[2], Path(sys.argv[3])))
    else:
        sys.exit(main(sys.argv[1:]))
