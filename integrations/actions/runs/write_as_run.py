"""Write as a run: changes that a run makes name its connection, the run and what it was for."""

from __future__ import annotations

from contextlib import AbstractContextManager

from integrations.models import SyncRun
from leads.models import User
from leads.past.acting import Door, act


def write_as_run(*, run: SyncRun, by: User | None = None) -> AbstractContextManager[None]:
    """A block whose changes came through the CRM. The run is named by the start of its id, as its address has it."""
    name = f"{run.connection.name}, run {str(run.public_id)[:8]}"
    return act(
        Door.CRM,
        actor=by.pk if by else None,
        source=name,
        because=f"{run.get_direction_display()}: {run.reason}",
    )
