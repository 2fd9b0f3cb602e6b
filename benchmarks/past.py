"""What keeping versions costs writers, and what reading the past costs readers: `python -m benchmarks past …`.

A throw-away database of either kind is filled with a made-up funnel. Writers are timed in turns with the triggers and
without them; readers ask the same figures in the present and as of a moment after which a tenth of the rows changed.
Time is the processor's, of this process and of the database's own process, so that a busy machine does not stretch it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.timing import say

HERE = Path(__file__).parent
BEGIN, END = "<!-- past: begin -->", "<!-- past: end -->"
SIZES = {"demo": (20_000, 1_500), "1m": (1_000_000, 10_000)}
"""Touchpoints and deals."""
GOALS = {"capture": 1.15, "pull": 1.3, "merge": 1.3, "bulk": 2.5}
FIGURES = (
    "leads.captured",
    "leads.inquiries",
    "leads.mqls",
    "leads.conversion.mql_to_sql",
    "leads.speed_to_lead",
    "pipeline.created",
    "pipeline.influenced",
    "pipeline.open",
    "pipeline.won",
    "spend.total",
)
TURNS = 5
TICK = os.sysconf("SC_CLK_TCK")


def main(arguments: list[str]) -> int:
    """Measure on both databases; print, and write past.json and the README's section."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks past", description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="demo,1m", help="of those readers ask: demo, 1m")
    parser.add_argument("--databases", default="PostgreSQL,SQLite")
    parser.add_argument("--no-write", dest="write", action="store_false", help="print, and leave the files alone")
    options = parser.parse_args(arguments)
    found: dict[str, Any] = {"at": datetime.now(UTC).date().isoformat(), "results": []}
    for database in options.databases.split(","):
        for part in ("writers", *options.sizes.split(",")):
            without = ["--no-postgres"] if database == "SQLite" else []
            worker = [sys.executable, "-m", "benchmarks.past", "--worker", part]
            command = [sys.executable, "-m", "tests.services", *without, "--", *worker]
            done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, check=False)
            if done.returncode:
                print(done.stderr[-3000:], file=sys.stderr)
                return 1
            row = {"database": database, "part": part, **json.loads(done.stdout.strip().splitlines()[-1])}
            print(json.dumps(row), flush=True)
            found["results"].append(row)
    if options.write:
        (HERE / "past.json").write_text(json.dumps(found, indent=1) + "\n")
        page = HERE / "README.md"
        before, _, rest = page.read_text().partition(BEGIN)
        page.write_text(f"{before}{BEGIN}\n\n{section(found)}\n{END}{rest.partition(END)[2]}")
    return 0


def section(found: dict[str, Any]) -> str:
    """The README's tables."""
    rows = found["results"]
    lines = [f"Measured {found['at']}.", "", "| what is written | database | without, ms | with, ms | ratio | goal |"]
    lines.append("|---|---|---:|---:|---:|---:|")
    for row in rows:
        for name, each in row.get("writes", {}).items():
            without, kept = each["without"] * 1000, each["with"] * 1000
            lines.append(
                f"| {each['what']} | {row['database']} | {without:,.1f} | {kept:,.1f} | {each['ratio']:.2f} × |"
                f" {GOALS[name]} × |"
            )
    lines += ["", "| table | database | bytes a version |", "|---|---|---:|"]
    for row in rows:
        lines += [f"| {name} | {row['database']} | {size:,.0f} |" for name, size in row.get("bytes", {}).items()]
    for row in rows:
        if "figures" not in row:
            continue
        lines += ["", f"{row['database']}, {row['touches']:,} touchpoints, {row['deals']:,} deals:", ""]
        lines += ["| figure | live, ms | as of, ms | ratio |", "|---|---:|---:|---:|"]
        for key, each in row["figures"].items():
            lines.append(f"| {key} | {each['live'] * 1000:,.1f} | {each['past'] * 1000:,.1f} | {each['ratio']:.2f} × |")
        lines.append(f"| median · worst | | | {row['median']:.2f} × · {row['worst']:.2f} × |")
        lines += [f"| opening and closing a span | | {row['span'] * 1000:,.1f} | |"]
    return "\n".join(lines) + "\n"


def worker(part: str) -> dict[str, Any]:
    """One database, filled and measured."""
    os.environ.update(DJANGO_SETTINGS_MODULE="tests.settings", LOG_LEVEL="ERROR", PORTAL_MODE="test")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    if part == "writers":
        fill(50_000, 10_000)
        return {"writes": writes(), "bytes": bytes_per_version()}
    touches, deals = SIZES[part]
    fill(touches, deals)
    return {"touches": touches, "deals": deals, **reads()}


# --- the world -------------------------------------------------------------------------------------------------------


def fill(touches: int, deals: int) -> None:
    """Rows by SQL, copies of one row of each kind with what matters drawn anew; recorded as one change."""
    from django.db import connection

    from leads.models import (
        CampaignCost,
        FollowUp,
        Lead,
        LifecyclePassage,
        Opportunity,
        OpportunityChange,
        OpportunityContact,
        Touchpoint,
    )
    from leads.past.install import drop_triggers, install
    from tests.leads import factories

    drop_triggers(connection)
    owner, area = factories.UserFactory(), factories.TerritoryFactory()
    campaigns = factories.CampaignFactory.create_batch(50)
    lead = factories.LeadFactory(owner=owner, territory=area, campaign=campaigns[0], channel=campaigns[0].channel)
    touch = factories.TouchpointFactory(lead=lead, campaign=campaigns[0])
    deal = factories.OpportunityFactory(owner=owner, territory=area)
    contact = OpportunityContact.objects.create(opportunity=deal, lead=lead, is_primary=True)
    at = factories.START
    passage = LifecyclePassage.objects.create(lead=lead, from_stage="lead", to_stage="mql", passed_at=at)
    follow_up = FollowUp.objects.create(lead=lead, owner=owner, because="", planned_at=at, due_at=at)
    cost = CampaignCost.objects.create(
        campaign=campaigns[0],
        spent_on=at.date(),
        amount_cents=1,
        currency="EUR",
        reporting_cents=1,
        recorded_at=at,
    )
    first = {model: each.pk for model, each in ((Lead, lead), (Opportunity, deal))}
    change = OpportunityChange.objects.create(
        opportunity=deal, stage=deal.stage, status="open", amount_cents=1, currency="EUR", changed_at=at,
        recorded_at=at, source_key="0",
    )  # fmt: skip
    people = touches // 5
    of_lead = f"{first[Lead]} + i * 7919 % {people}"
    same = f"{first[Lead]} + i"
    in_year = moment("i * 7919 % 28000000")
    one_campaign = f"{campaigns[0].pk} + i * 31 % 50"
    won, lost = factories.stage("won").pk, factories.stage("lost").pk
    state = "CASE WHEN i % 3 = 0 THEN {} WHEN i % 3 = 1 THEN {} ELSE {} END"
    copies(
        Lead, lead.pk, people,
        email="'p' || i || '@x' || (i % 5000) || '.example'", captured_at=in_year, changed_at=in_year,
        campaign_id=one_campaign, stage="CASE WHEN i % 4 = 0 THEN 'mql' ELSE 'lead' END",
    )  # fmt: skip
    copies(Touchpoint, touch.pk, touches, lead_id=of_lead, campaign_id=one_campaign, occurred_at=in_year,
           recorded_at=in_year, dedupe_key="'t' || i")  # fmt: skip
    copies(
        Opportunity, deal.pk, deals,
        status=state.format("'won'", "'lost'", "'open'"), stage_id=state.format(won, lost, deal.stage_id),
        amount_cents="10000 + i % 977 * 100", reporting_cents="10000 + i % 977 * 100", opened_at=in_year,
        closed_at=state.format(moment("i * 7919 % 28000000 + 900000"), moment("i * 7919 % 28000000 + 900000"), "NULL"),
        stage_changed_at=in_year, changed_at=in_year,
    )  # fmt: skip
    copies(OpportunityContact, contact.pk, deals, opportunity_id=f"{first[Opportunity]} + i", lead_id=same)
    copies(OpportunityChange, change.pk, 2 * deals, opportunity_id=f"{first[Opportunity]} + i / 2",
           changed_at=in_year, recorded_at=in_year, source_key="'k' || i")  # fmt: skip
    copies(LifecyclePassage, passage.pk, people // 2, lead_id=f"{first[Lead]} + i * 2 % {people}", passed_at=in_year,
           to_stage="CASE WHEN i % 3 = 0 THEN 'sql' ELSE 'mql' END")  # fmt: skip
    copies(FollowUp, follow_up.pk, people // 4, lead_id=f"{first[Lead]} + i * 4 % {people}", planned_at=in_year,
           due_at=moment("i * 7919 % 28000000 + 90000"), done_at=moment("i * 7919 % 28000000 + 50000"),
           outcome="'reached'")  # fmt: skip
    copies(CampaignCost, cost.pk, 50 * 300, campaign_id=f"{campaigns[0].pk} + i % 50", amount_cents="i",
           reporting_cents="i", spent_on=day("i / 50"))  # fmt: skip
    install(connection)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def moment(seconds: str) -> str:
    """SQL of a moment of 2026, by seconds from its start."""
    from django.db import connection

    if connection.vendor == "postgresql":
        return f"timestamptz '2026-01-01 00:00:00+00' + ({seconds}) * interval '1 second'"
    return f"datetime('2026-01-01', ({seconds}) || ' seconds')"


def day(days: str) -> str:
    """SQL of a day of 2026."""
    from django.db import connection

    if connection.vendor == "postgresql":
        return f"date '2026-01-01' + ({days})::int"
    return f"date('2026-01-01', ({days}) || ' days')"


def copies(model: Any, pk: int, count: int, **drawn: str) -> None:
    """So many copies of a row, numbered ``i`` from 1, with these columns drawn by SQL."""
    from django.db import connection

    is_postgres = connection.vendor == "postgresql"
    drawn["id"] = f"{pk} + i"
    columns = [field.column for field in model._meta.local_concrete_fields]
    if "public_id" in columns:
        drawn["public_id"] = "gen_random_uuid()" if is_postgres else "lower(hex(randomblob(16)))"
    series = (
        f"WITH g AS (SELECT i FROM generate_series(1, {count}) AS i)"
        if is_postgres
        else f"WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < {count})"
    )
    table, chosen = model._meta.db_table, ", ".join(drawn.get(column, f't."{column}"') for column in columns)
    named = ", ".join(f'"{column}"' for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({named}) {series} SELECT {chosen} FROM {table} t, g WHERE t.id = {pk}")
        if is_postgres:
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")


# --- measuring -------------------------------------------------------------------------------------------------------


def processor() -> float:
    """Seconds of processor time of this process, and of the one that serves its connection."""
    from django.db import connection

    spent = time.process_time()
    if connection.vendor == "postgresql":
        connection.ensure_connection()
        words = Path(f"/proc/{connection.connection.info.backend_pid}/stat").read_text().rpartition(")")[2].split()
        spent += (int(words[11]) + int(words[12])) / TICK
    return spent


def spent(work: Callable[[], Any]) -> float:
    """Seconds of processor time."""
    began = processor()
    work()
    return processor() - began


def writes() -> dict[str, Any]:
    """Each kind of write with triggers and without, in turns."""
    from django.db import connection
    from django.test import Client, override_settings

    from leads.actions.deals.record_opportunity import DealFacts, record_opportunities
    from leads.actions.identity.merge_leads import merge_leads
    from leads.models import Lead, Opportunity
    from leads.past.acting import act
    from leads.past.install import drop_triggers
    from tests.integrations.api.capture import body, post
    from tests.leads.api.keys import make_key

    key, client, turn = make_key()[1], Client(), iter(range(10**6))
    now = datetime.now(UTC)

    def capture() -> None:
        for _ in range(40):
            answer = post(client, key, body(email=f"new{next(turn)}@capture.example"))
            assert answer.status_code == 201, answer.content

    def pull() -> None:
        n = next(turn)
        rows = list(Opportunity.objects.select_related("stage").order_by("pk")[:2_000])
        for start in range(0, len(rows), 100):
            facts = [
                DealFacts(
                    name=row.name, stage=row.stage, status=row.status, amount_cents=n * 100 + place, currency="EUR",
                    opened_at=row.opened_at, closed_at=row.closed_at, changed_at=now, source="crm",
                    opportunity_id=row.pk,
                )
                for place, row in enumerate(rows[start : start + 100])
            ]  # fmt: skip
            record_opportunities(deals=facts, at=now)

    def merge() -> None:
        free = Lead.objects.filter(merged_into=None, deal_roles=None, touchpoints__isnull=False).distinct()
        pairs = list(free.order_by("pk").values_list("pk", flat=True)[:40])
        for survivor, loser in zip(pairs[::2], pairs[1::2], strict=True):
            merge_leads(survivor_id=survivor, loser_id=loser, by=None, at=now)

    def bulk() -> None:
        Lead.objects.filter(pk__in=chosen).update(company=f"Firm {next(turn)}")

    chosen = list(Lead.objects.order_by("pk").values_list("pk", flat=True)[:10_000])
    works = {
        "capture": ("a capture by the API", capture, 40),
        "pull": ("a pull of 2,000 changed deals", pull, 1),
        "merge": ("a merge", merge, 20),
        "bulk": ("an update of 10,000 rows", bulk, 1),
    }
    found = {}
    with override_settings(ALLOWED_HOSTS=["*"]), act("command"):
        for name, (what, work, times) in works.items():
            work()  # warm
            seconds: dict[bool, list[float]] = {True: [], False: []}
            for place in range(2 * TURNS):
                is_kept = place % 2 == 0
                if not is_kept:
                    drop_triggers(connection)
                seconds[is_kept].append(spent(work) / times)
                if not is_kept:
                    _restore()
            kept, without = statistics.median(seconds[True]), statistics.median(seconds[False])
            found[name] = {"what": what, "with": kept, "without": without, "ratio": kept / without}
    return found


def _restore() -> None:
    """The triggers alone: what was written without them stays unrecorded, which takes nothing from their work."""
    from django.db import connection

    from leads.past import postgres, sqlite
    from leads.past.registry import facts

    dialect: Any = postgres if connection.vendor == "postgresql" else sqlite
    with connection.cursor() as cursor:
        for fact in facts():
            for statement in dialect.triggers(fact):
                cursor.execute(statement)


def bytes_per_version() -> dict[str, float]:
    """What one more version takes, with its indexes, when every row of a table gets another."""
    from django.db import connection

    found = {}
    with connection.cursor() as cursor:
        for table, column in (("leads_touchpoint", "name"), ("leads_opportunity", "name"), ("leads_lead", "company")):
            cursor.execute(f"VACUUM FULL {table}_past" if connection.vendor == "postgresql" else "VACUUM")
            before = size(cursor, f"{table}_past")
            cursor.execute(f"SELECT count(*) FROM {table}")
            rows = cursor.fetchone()[0]
            cursor.execute(f"UPDATE {table} SET {column} = {column} || '.'")
            found[table] = (size(cursor, f"{table}_past") - before) / rows
    return found


def size(cursor: Any, table: str) -> int:
    """Bytes of a table with its indexes; on SQLite of the pages in use, all of which it is that grew."""
    if cursor.db.vendor == "postgresql":
        cursor.execute("SELECT pg_total_relation_size(%s)", [table])
        return int(cursor.fetchone()[0])
    cursor.execute("SELECT (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size)")
    return int(cursor.fetchone()[0])


def reads() -> dict[str, Any]:
    """Figures and their rows' first page, live and as of before a tenth of the rows changed, in turns."""
    from django.db import connection, transaction

    from leads.figures.base import Scope, figure
    from leads.past.settled import settled_now
    from leads.past.span import known_at
    from leads.pure.week import Period

    at = settled_now()
    with connection.cursor() as cursor:
        for table, column in (
            ("leads_touchpoint", "name = 'changed'"),
            ("leads_lead", "job_title = 'changed'"),
            ("leads_opportunity", "amount_cents = amount_cents + 1"),
            ("leads_opportunitycontact", "role = 'champion'"),
            ("leads_lifecyclepassage", "because = 'changed'"),
            ("leads_followup", "because = 'changed'"),
            ("leads_campaigncost", "amount_cents = amount_cents + 1"),
        ):
            cursor.execute(f"UPDATE {table} SET {column} WHERE id % 10 = 0")
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")
    tz = ZoneInfo("Europe/Berlin")
    period = Period.of_dates(date(2026, 7, 1), date(2026, 10, 1), tz)
    scope = Scope(period=period, at=datetime(2026, 10, 1, tzinfo=UTC), tz=tz, currency="EUR")

    def ask(key: str) -> None:
        asked = figure(key, scope)
        for part in asked.parts.values():
            part.rows(0, 25)

    def clocked(work: Callable[[], Any]) -> float:
        # The processor's clock of another process ticks too seldom; the least of several goes is undisturbed.
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    figures, spans = {}, []
    for key in FIGURES:
        live, past = [], []
        for _ in range(TURNS):
            live.append(clocked(lambda key=key: ask(key)))
            with transaction.atomic(), known_at(at):
                past.append(clocked(lambda key=key: ask(key)))
        figures[key] = {"live": min(live), "past": min(past), "ratio": min(past) / min(live)}
    for _ in range(TURNS):
        spans.append(clocked(lambda: _span(at)))
    ratios = sorted(each["ratio"] for each in figures.values())
    return {"figures": figures, "median": statistics.median(ratios), "worst": ratios[-1], "span": min(spans)}


def _span(at: datetime) -> None:
    from leads.past.span import known_at

    with known_at(at):
        pass


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        say(worker(sys.argv[2]))
    else:
        sys.exit(main(sys.argv[1:]))
