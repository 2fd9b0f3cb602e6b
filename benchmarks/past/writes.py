"""What versions cost whoever writes: each kind of write with the triggers and without, in turns."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from benchmarks.timing import processor

TURNS = 5


def _spent(work: Callable[[], Any]) -> float:
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
                seconds[is_kept].append(_spent(work) / times)
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
            before = _size(cursor, f"{table}_past")
            cursor.execute(f"SELECT count(*) FROM {table}")
            rows = cursor.fetchone()[0]
            cursor.execute(f"UPDATE {table} SET {column} = {column} || '.'")
            found[table] = (_size(cursor, f"{table}_past") - before) / rows
    return found


def _size(cursor: Any, table: str) -> int:
    """Bytes of a table with its indexes; on SQLite of the pages in use, all of which it is that grew."""
    if cursor.db.vendor == "postgresql":
        cursor.execute("SELECT pg_total_relation_size(%s)", [table])
        return int(cursor.fetchone()[0])
    cursor.execute("SELECT (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size)")
    return int(cursor.fetchone()[0])
