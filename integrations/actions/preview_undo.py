"""Preview an undo: what it would restore and what not, found by doing it and taking it back."""

from __future__ import annotations

from datetime import datetime

from integrations.actions.try_pages import rolled_back
from integrations.actions.undo_run import undo_run
from integrations.models import SyncRecord
from leads.models import User


def preview_undo(*, run_id: int, by: User | None, at: datetime) -> list[SyncRecord]:
    """What the undo would note of each record; nothing is kept. Raises NotUndoable."""
    with rolled_back():
        undo = undo_run(run_id=run_id, by=by, at=at)
        return list(undo.records.select_related("lead", "opportunity").order_by("pk"))
