"""Guard a run: do its work and close it, whatever happens."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import structlog

from integrations.actions.runs.hold_connection import Held, LeaseLost
from integrations.actions.runs.log_run import RunLog
from integrations.actions.runs.note_health import note_failure, note_quota, note_success
from integrations.actions.runs.write_as_run import write_as_run
from integrations.connectors.base import CrmError, QuotaDay, Throttled
from integrations.models import SyncRun

log = structlog.get_logger(__name__)


def guard_run(*, run: RunLog, held: Held, rng: Random, work: Callable[[], str]) -> SyncRun:
    """Do a run's work and close it, whatever happens: what the CRM does is noted, our own mistakes are raised."""
    try:
        with write_as_run(run=run.run):
            note = work()
    except CrmError as error:
        until = note_failure(connection=held.connection, error=error, at=held.clock(), rng=rng)
        is_limit = isinstance(error, (QuotaDay, Throttled))
        text = f"{error}" + (f" It goes on after {until:%Y-%m-%d %H:%M} UTC." if until else "")
        return run.close(SyncRun.State.STOPPED if is_limit else SyncRun.State.FAILED, held.clock(), text)
    except LeaseLost as lost:
        log.warning("lease_lost", connection=held.connection.slug)
        return run.close(SyncRun.State.FAILED, held.clock(), str(lost))
    except BaseException as error:
        run.close(SyncRun.State.FAILED, held.clock(), f"An error of ours: {type(error).__name__}. It is in the log.")
        raise
    finally:
        note_quota(connection=held.connection, quota=run.connector.quota)
    if run.connector.calls:
        note_success(connection=held.connection, at=held.clock())
    return run.close(SyncRun.State.DONE, held.clock(), note)
