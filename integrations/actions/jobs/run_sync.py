"""Run a sync: pull first, so that what the CRM knows better is not sent back to it, then push."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from random import Random

from integrations.actions.connections.former_records import learn_account
from integrations.actions.connections.open_connector import connector_of
from integrations.actions.jobs.follow_changes import follow_changes
from integrations.actions.pull.pull import pull_held
from integrations.actions.push.push import push_held
from integrations.actions.push.requeue import bring_forward
from integrations.actions.runs.hold_connection import Clock, Held, hold_connection
from integrations.actions.runs.note_health import note_failure
from integrations.connectors.base import Connector, CrmError
from integrations.models import Connection, SyncRun

DAILY, MANUAL, RETRY = "daily", "asked for", "retry"


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync did. ``paused_until`` says when the rest goes on, where something stopped it."""

    words: str
    is_done: bool
    paused_until: datetime | None = None


def run_sync(
    *,
    connection_id: int,
    reason: str,
    clock: Clock,
    seed: int,
    is_full: bool = False,
    connector: Connector | None = None,
    progress: Callable[[int], None] | None = None,
) -> Synced:
    """Sync one connection under one lease. Raises ConnectionBusy; never raises for what the CRM does.

    A pause that the CRM asked for is kept. One that we took after failures is not, when a person asks: they may have
    mended what was wrong. A retry only pushes.
    """
    with hold_connection(connection_id=connection_id, clock=clock) as held:
        at, connection, rng = clock(), held.connection, Random(seed)
        is_ours = connection.failures > 0 and reason == MANUAL
        if connection.paused_until and connection.paused_until > at and not is_ours:
            return _paused(connection, connection.paused_until)
        if reason == MANUAL:
            follow_changes(at=at)
        with ExitStack() as stack:
            try:
                opened = stack.enter_context(connector_of(connection=connection, given=connector))
            except CrmError as error:
                note_failure(connection=connection, error=error, at=at, rng=rng)
                return Synced(str(error), False, connection.paused_until)
            return _sync(held, opened, rng, reason, is_full, progress)


def _sync(
    held: Held,
    connector: Connector,
    rng: Random,
    reason: str,
    is_full: bool,
    progress: Callable[[int], None] | None,
) -> Synced:
    runs: list[SyncRun] = []
    if reason != RETRY:
        learn_account(connection=held.connection, connector=connector)
        runs.append(
            pull_held(held=held, connector=connector, rng=rng, reason=reason, is_full=is_full, progress=progress)
        )
        # After the pull, which may itself have changed leads.
        bring_forward(connection_id=held.connection.pk, at=held.clock())
    if all(run.state == SyncRun.State.DONE for run in runs):
        runs.append(push_held(held=held, connector=connector, rng=rng, reason=reason, progress=progress))
    words = " ".join(describe(run=run) for run in runs)
    if runs[-1].state == SyncRun.State.DONE:
        return Synced(words, True)
    return Synced(words, False, held.connection.paused_until)


def describe(*, run: SyncRun) -> str:
    """A run in one sentence."""
    verb = "Pulled" if run.direction == SyncRun.Direction.PULL else "Pushed"
    counts = [
        f"{number:,} {word}"
        for number, word in (
            (run.created, "new"),
            (run.updated, "changed"),
            (run.rejected, "refused"),
            (run.unclear, "unclear"),
        )
        if number
    ]
    note = f" {run.note}" if run.note else ""
    return f"{verb}: {', '.join(counts) or 'nothing new'}.{note}"


def _paused(connection: Connection, until: datetime) -> Synced:
    return Synced(f"{connection} rests until {until:%Y-%m-%d %H:%M} UTC. {connection.health_note}", False, until)
