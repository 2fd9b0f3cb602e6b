"""Random histories by several writers at once: what was noted on the way is what the past answers ever after."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from leads.figures.base import figure, keys
from leads.models import Change, Company
from leads.past.settled import settled_now
from leads.past.snapshot import Snapshot, forget_snapshots, snapshot_at
from leads.past.span import known_at
from tests import forking
from tests.integrations.api.test_capture_races import shared_database
from tests.leads.figures import world
from tests.leads.past import writer
from tests.leads.past.tables import everything, here

WRITERS = 4
MOMENTS = int(os.environ.get("HISTORY_MOMENTS", "4"))
HISTORIES = int(os.environ.get("HISTORIES", "1"))
# The present reads stored credits, which are those of the last run; the past computes its own.
CREDITS = {
    "attribution.coverage",
    "attribution.influenced",
    "attribution.overlap",
    "attribution.payback",
    "attribution.pipeline",
    "attribution.revenue",
    "attribution.roas",
    "attribution.roi",
    "attribution.unattributed",
}
LIVE = [key for key in keys() if key not in CREDITS]
SCOPE = world.scope(at=datetime(2026, 12, 10, tzinfo=UTC))

pytestmark = [pytest.mark.django_db(transaction=True, serialized_rollback=True), pytest.mark.slow]

Noted = dict[str, Any]


def read(figures: Iterable[str]) -> Noted:
    """Figures with their rows, and every row of every fact, as whoever reads now sees them."""
    found: Noted = {}
    for key in figures:
        asked = figure(key, SCOPE)
        rows = {name: sorted(map(repr, part.rows())) for name, part in asked.parts.items()}
        found[key] = (asked.value, dict(asked.totals), rows)
    return found | everything()


def differing(noted: Noted, found: Noted) -> dict[str, Any]:
    return {name: (value, found[name]) for name, value in noted.items() if found[name] != value}


@contextmanager
def one_snapshot():
    """The present at one moment, whoever writes meanwhile."""
    with transaction.atomic(durable=True):
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def seen(snapshot: Snapshot) -> tuple[int, int]:
    """What tells two snapshots apart: how many changes one sees, and the newest."""
    ids = [pk for pk in Change.objects.values_list("pk", flat=True) if snapshot.sees(pk)]
    return len(ids), max(ids)


def note_live(seconds: float = 20.0) -> tuple[datetime, Noted]:
    """The present and a moment at which it was so: one before and after which nothing was committed meanwhile."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        at = settled_now()
        before = seen(snapshot_at(at))
        with one_snapshot():
            found = read(LIVE)
        if seen(snapshot_at(settled_now())) == before:
            return at, found
    raise AssertionError("The writers never paused.")


def under_way() -> int:
    """How many transactions hold changes that nobody else can see yet; SQLite does not tell."""
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT pid) FROM pg_locks WHERE locktype = 'advisory' AND classid <> 0")
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_the_past_stays_as_it_was_noted(seed: int, tmp_path: Path, company: Company) -> None:
    world.build()
    notes: list[tuple[datetime, Noted]] = [note_live()]
    gun, overlapping = tmp_path / "gun", 0
    with shared_database(tmp_path) as address, here(address):
        module = "tests.leads.past.writer"
        processes = [forking.start(module, seed * WRITERS + n, gun, address=address) for n in range(WRITERS)]
        try:
            for process in processes:
                assert "ready\n" in process.stdout, process.communicate()[1][-3000:]
            gun.touch()
            for _ in range(MOMENTS):
                time.sleep(0.4)
                overlapping += under_way()
                at = settled_now()
                with known_at(at):
                    notes.append((at, read(keys())))
            # Fewer writers, so that there are pauses in which the present can be noted.
            gun.with_name(writer.STOP).touch()
            said = [process.communicate() for process in processes]
        finally:
            for process in processes:
                process.kill()
                process.wait()
        assert not any(process.returncode for process in processes), "".join(errors for _, errors in said)[-3000:]
        counts = [list(map(int, words.split()[1:])) for out, _ in said for words in [out.strip().splitlines()[-1]]]
        notes.append(note_live())
        forget_snapshots()
        for at, noted in notes:
            with known_at(at):
                assert not differing(noted, read(set(keys()) & noted.keys())), at
        assert len({repr(noted) for _, noted in notes}) > MOMENTS // 2, "hardly anything happened"
        assert min(written for _, _, written in counts) > 0
        assert connection.vendor != "postgresql" or overlapping >= MOMENTS
