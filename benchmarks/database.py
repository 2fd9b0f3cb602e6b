"""Database to stored credits: `python -m tests.services -- python -m benchmarks.database TOUCHES …` prints JSON.

A throw-away PostgreSQL is filled with the generator's world, one contact per deal; then runs are timed beside raw COPY:
out of the same rows a run reads, and of the same credits into a table like theirs, with its indexes there from the
start (which is what a run that adds to or replaces credits row by row would do), or built when the rows are there.
Several sizes are measured one after the other, each in an emptied database; five touches make a deal. 100,000 deals,
which the goal of recomputing speaks of, are 500000.
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
    for touches in arguments:
        say(measure(generate(int(touches), seed=SEED)))
        _empty()


def measure(world: World) -> dict[str, Any]:
    """Seconds of runs and of raw COPY over a world; the database must be migrated and empty."""
    from attribution.actions.runs.run_attribution import run_attribution

    fill(world)
    now = datetime.now(UTC)
    first, run = _timed(lambda: run_attribution(at=now, reason="benchmark", kind="full"))
    _change(slice(None), now)
    at = now + timedelta(hours=1)
    replacing, again = _timed(lambda: run_attribution(at=at, reason="benchmark", kind="full"))
    opportunities = len(world.amount)
    if again.difference["opportunities_changed"] != opportunities or again.credits_written != run.credits_written:
        raise RuntimeError("not all credits were replaced")
    out, coming = _timed(_copy_out)
    into, sorted_in = _copy_in()
    compared, due = _recomputed(at)
    raw = out + into
    return {
        "touches": len(world.id),
        "opportunities": opportunities,
        "credits": run.credits_written,
        "methods": sorted(run.methods),
        "bytes_out": coming,
        "changed": CHANGED,
        "copy_out": out,
        "copy_in": into,
        "copy_in_then_index": sorted_in,
        "first_run": first,
        "full_run": replacing,
        "incremental_run": compared,
        "recompute_when_due": due,
        "ratios": {
            "first_run": f"{first / raw:.2f} × (COPY out + COPY in)",
            "full_run": f"{replacing / raw:.2f} × (COPY out + COPY in)",
            "first_run, indexes built afterwards": f"{first / (out + sorted_in):.2f} × (COPY out + COPY in)",
            "full_run, indexes built afterwards": f"{replacing / (out + sorted_in):.2f} × (COPY out + COPY in)",
            "incremental_run": f"{compared / replacing:.2%} of a full run",
            "recompute_when_due": f"{due / replacing:.2%} of a full run",
        },
    }


def _recomputed(at: datetime) -> tuple[float, float]:
    """Seconds to recompute the changed deals: by comparing every deal, and, as each minute, by what says it changed."""
    from attribution.actions.runs.recompute_when_due import recompute_when_due

    compared, due = [], []
    for turn in range(5):
        at += timedelta(minutes=5)
        _change(slice(turn * CHANGED, (turn + 1) * CHANGED), at)
        later = at + timedelta(seconds=1)
        look = recompute_when_due if turn < 3 else _compare
        seconds, run = _timed(lambda look=look, later=later: look(at=later, reason="benchmark"))
        if run is None or run.opportunities_recomputed != CHANGED:
            raise RuntimeError("other deals were recomputed than those changed")
        (due if turn < 3 else compared).append(seconds)
    return statistics.median(compared), statistics.median(due)


def _compare(*, at: datetime, reason: str) -> Any:
    from attribution.actions.runs.run_attribution import run_attribution

    return run_attribution(at=at, reason=reason, kind="incremental")


def _empty() -> None:
    from django.core.management.color import no_style
    from django.db import connection

    from attribution.models import AttributionRun, Credit, JourneyState
    from leads.models import Campaign, Lead, Opportunity, OpportunityContact, Touchpoint

    models = (Credit, JourneyState, AttributionRun, Touchpoint, OpportunityContact, Opportunity, Lead, Campaign)
    # As a flush: any other TRUNCATE of facts is refused.
    tables = [model._meta.db_table for model in models]
    connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), tables, allow_cascade=True))


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


def _copy_in() -> tuple[float, float]:
    """Seconds to write the stored credits, by binary COPY, into a table made like theirs: with its indexes there, and
    with them built afterwards."""
    from django.db import connection, transaction

    from attribution.models import Credit

    table = Credit._meta.db_table
    names = ", ".join(field.column for field in Credit._meta.concrete_fields if not field.primary_key)

    def write(cursor: Any) -> None:
        with cursor.copy(f"COPY b_credit ({names}) FROM STDIN (FORMAT BINARY)") as copy:
            for block in blocks:
                copy.write(block)

    def write_and_index(cursor: Any) -> None:
        write(cursor)
        for place, definition in enumerate(indexes):
            kind, how = definition.split(" INDEX ")[0], definition[definition.index(" USING ") :]
            cursor.execute(f"{kind} INDEX b_{place} ON b_credit{how}")

    found = []
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY (SELECT {names} FROM {table}) TO STDOUT (FORMAT BINARY)") as copy:
            blocks = [bytes(block) for block in copy]
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = %s", [table])
        indexes = [row[0] for row in cursor.fetchall()]
        for like, work in (("ALL", write), ("ALL EXCLUDING INDEXES", write_and_index)):
            cursor.execute(f"CREATE TABLE b_credit (LIKE {table} INCLUDING {like})")
            began = perf_counter()
            with transaction.atomic():
                work(cursor)
            found.append(perf_counter() - began)
            cursor.execute("DROP TABLE b_credit")
    return found[0], found[1]


def _change(which: slice, at: datetime) -> None:
    """Another amount for some deals, by their place, so that every credit of theirs is another."""
    from django.db.models import F

    from leads.models import Opportunity

    some = Opportunity.objects.filter(pk__gt=which.start or 0)
    if which.stop is not None:
        some = some.filter(pk__lte=which.stop)
    some.update(reporting_cents=F("reporting_cents") + 100_000, changed_at=at)


if __name__ == "__main__":
    main(sys.argv[1:])
