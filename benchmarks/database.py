"""Database to stored credits: `python -m tests.services -- python -m benchmarks.database TOUCHES` prints JSON.

A throw-away PostgreSQL is filled with the generator's world, one contact per deal; then runs are timed beside raw COPY:
out of the same rows a run reads, and into a table with the same indexes and constraints of the same credits.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.generator import World, generate
from benchmarks.timing import say

SEED = 20_260_101
CHANGED = 100


def main(arguments: list[str]) -> None:
    """Fill, run, compare, print."""
    os.environ.update(DJANGO_SETTINGS_MODULE="tests.settings", LOG_LEVEL="ERROR")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    say(measure(generate(int(arguments[0]), seed=SEED)))


def measure(world: World) -> dict[str, Any]:
    """Seconds of runs and of raw COPY over a world; the database must be migrated and empty."""
    from attribution.actions.recompute_when_due import recompute_when_due
    from attribution.actions.run_attribution import run_attribution

    fill(world)
    now = datetime.now(UTC)
    first, run = _timed(lambda: run_attribution(at=now, reason="benchmark", kind="full"))
    full, _ = _timed(lambda: run_attribution(at=now + timedelta(seconds=1), reason="benchmark", kind="full"))
    out, coming = _timed(_copy_out)
    into = _copy_in()
    compared, due = [], []
    for turn in range(3):
        at = now + timedelta(hours=1 + 2 * turn)
        _change(turn, at)
        later = at + timedelta(minutes=5)
        compared.append(_timed(lambda at=later: run_attribution(at=at, reason="benchmark", kind="incremental"))[0])
        at = later + timedelta(minutes=5)
        _change(turn + 3, at)
        due.append(_timed(lambda at=at: recompute_when_due(at=at + timedelta(seconds=1), reason="benchmark"))[0])
    raw = out + into
    found = {
        "copy_out": out,
        "copy_in": into,
        "first_run": first,
        "full_run": full,
        "incremental_run": statistics.median(compared),
        "recompute_when_due": statistics.median(due),
    }
    return {
        "touches": len(world.id),
        "opportunities": len(world.amount),
        "credits": run.credits_written,
        "methods": sorted(run.methods),
        "bytes_out": coming,
        "changed": CHANGED,
        **found,
        "ratios": {
            "first_run": f"{first / raw:.2f} × (COPY out + COPY in)",
            "full_run": f"{full / raw:.2f} × (COPY out + COPY in)",
            "incremental_run": f"{found['incremental_run'] / full:.2%} of the full run",
            "recompute_when_due": f"{found['recompute_when_due'] / full:.2%} of the full run",
        },
    }


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = perf_counter()
    found = work()
    return perf_counter() - began, found


def fill(world: World) -> None:
    """Write the world's deals, people and touches with SQL: this part is not what is measured."""
    from django.db import connection, transaction

    from leads.models import Campaign, Channel, Lead, Opportunity, OpportunityContact, PipelineStage, Touchpoint

    channels = list(Channel.objects.order_by("pk").values_list("pk", flat=True))
    won = PipelineStage.objects.filter(status="won").values_list("pk", flat=True)[0]
    campaigns = np.arange(len(world.channel_of))
    deals = np.arange(len(world.amount))
    with transaction.atomic(), connection.cursor() as cursor:
        _stage(cursor, "b_campaign", n=campaigns, channel=world.channel_of)
        _stage(
            cursor,
            "b_deal",
            n=deals,
            opened=np.minimum(world.opened_at, world.closed_at),
            closed=world.closed_at,
            known=world.known_at,
            amount=world.amount,
        )
        _stage(cursor, "b_touch", n=world.id, deal=world.opportunity, campaign=world.campaign, at=world.at)
        channel = f"(ARRAY{channels})[1 + channel % {len(channels)}]"
        _insert(
            cursor, Campaign, "b_campaign", id="n + 1", name="'Campaign ' || n", code="'c' || n", channel_id=channel,
            created_at="now()",
        )  # fmt: skip
        _insert(
            cursor, Lead, "b_deal", id="n + 1", external_id="'b' || n", stage="'customer'", captured_at=_at("known"),
            changed_at=_at("known"), email=None, merged_into_id=None,
        )  # fmt: skip
        _insert(
            cursor, Opportunity, "b_deal", id="n + 1", name="'Deal ' || n", stage_id=str(won), status="'won'",
            amount_cents="amount", reporting_cents="amount", currency="'EUR'", opened_at=_at("opened"),
            closed_at=_at("closed"), stage_changed_at=_at("closed"), changed_at=_at("closed"),
        )  # fmt: skip
        _insert(
            cursor, OpportunityContact, "b_deal", id="n + 1", opportunity_id="n + 1", lead_id="n + 1", is_primary="true"
        )
        _insert(
            cursor,
            Touchpoint,
            "b_touch JOIN b_campaign ON b_campaign.n = b_touch.campaign",
            id="b_touch.n + 1", lead_id="deal + 1", campaign_id="campaign + 1", channel_id=channel, kind="'page_view'",
            occurred_at=_at("at"), recorded_at=_at("at"), dedupe_key="'b' || b_touch.n",
        )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _at(column: str) -> str:
    return f"to_timestamp(0) + {column} * interval '1 microsecond'"


def _stage(cursor: Any, table: str, **columns: np.ndarray) -> None:
    names = ", ".join(f'"{name}" bigint' for name in columns)
    cursor.execute(f"CREATE TEMPORARY TABLE {table} ({names}) ON COMMIT DROP")
    with cursor.copy(f"COPY {table} FROM STDIN") as copy:
        for row in zip(*(values.tolist() for values in columns.values()), strict=True):
            copy.write_row(row)


def _insert(cursor: Any, model: Any, source: str, **given: str | None) -> None:
    """INSERT … SELECT; columns not given get the model's default."""
    columns = {field.column: given.get(field.column, _default(field)) for field in model._meta.concrete_fields}
    names, values = ", ".join(columns), ", ".join(value or "NULL" for value in columns.values())
    cursor.execute(f"INSERT INTO {model._meta.db_table} ({names}) SELECT {values} FROM {source}")


def _default(field: Any) -> str:
    if field.get_internal_type() == "UUIDField" and not field.null:
        return "gen_random_uuid()"
    value = None if field.null else field.get_default()
    if value is None:
        return "NULL"
    return "'{}'" if isinstance(value, dict) else f"'{value}'"


def _copy_out() -> int:
    """Read what a run reads, by binary COPY; returns bytes."""
    from django.db import connection

    size = 0
    with connection.cursor() as cursor:
        for query in (
            "SELECT id, lead_id, campaign_id, channel_id, occurred_at, exclusion FROM leads_touchpoint",
            "SELECT id, status, reporting_cents, opened_at, closed_at, account_id FROM leads_opportunity",
            "SELECT opportunity_id, lead_id, is_primary FROM leads_opportunitycontact",
        ):
            with cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT BINARY)") as copy:
                size += sum(len(block) for block in copy)
    return size


def _copy_in() -> float:
    """Seconds to write the stored credits, by binary COPY, into a table made like theirs."""
    from django.db import connection, transaction

    from attribution.models import Credit

    table = Credit._meta.db_table
    names = ", ".join(field.column for field in Credit._meta.concrete_fields if not field.primary_key)
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY (SELECT {names} FROM {table}) TO STDOUT (FORMAT BINARY)") as copy:
            blocks = [bytes(block) for block in copy]
        cursor.execute(f"CREATE TABLE b_credit (LIKE {table} INCLUDING ALL)")
        cursor.execute(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = %s::regclass AND contype = 'f'",
            [table],
        )
        for name, definition in cursor.fetchall():
            cursor.execute(f"ALTER TABLE b_credit ADD CONSTRAINT b_{name} {definition}")
        began = perf_counter()
        with transaction.atomic(), cursor.copy(f"COPY b_credit ({names}) FROM STDIN (FORMAT BINARY)") as copy:
            for block in blocks:
                copy.write(block)
        seconds = perf_counter() - began
        cursor.execute("DROP TABLE b_credit")
    return seconds


def _change(turn: int, at: datetime) -> None:
    """Another amount for a hundred deals."""
    from django.db.models import F

    from leads.models import Opportunity

    ids = range(1 + turn * CHANGED, 1 + (turn + 1) * CHANGED)
    Opportunity.objects.filter(pk__in=ids).update(reporting_cents=F("reporting_cents") + 100, changed_at=at)


if __name__ == "__main__":
    main(sys.argv[1:])
