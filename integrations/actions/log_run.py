"""Log a run: what it did to each record, its counts and its calls, kept up while it goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from integrations.actions.hold_connection import Held
from integrations.connectors.base import Connector
from integrations.models import SyncRecord, SyncRun

Progress = Callable[[int], None]
_Outcome = SyncRecord.Outcome
_COUNTED = {_Outcome.CREATED: "created", _Outcome.UPDATED: "updated", _Outcome.REJECTED: "rejected"}
_COUNTED |= {_Outcome.UNCLEAR: "unclear"}


@dataclass(slots=True)
class RunLog:
    """A run under way. `add` notes a record, `flush` writes what was noted in the caller's transaction."""

    run: SyncRun
    connector: Connector
    calls_before: int
    progress: Progress | None = None
    seen: int = 0
    _records: list[SyncRecord] = field(default_factory=list)

    def add(self, outcome: str, at: datetime, **facts: Any) -> None:
        """Note what became of a record: lead_id or opportunity, remote_id, changes, note."""
        facts["note"] = str(facts.get("note", ""))[:400]
        self._records.append(SyncRecord(run=self.run, outcome=outcome, at=at, **facts))
        name = _COUNTED.get(SyncRecord.Outcome(outcome))
        if name:
            setattr(self.run, name, getattr(self.run, name) + 1)

    def flush(self, at: datetime, seen: int = 0) -> None:
        """Write the notes and the counts; ``seen`` records were dealt with since the last time."""
        SyncRecord.objects.bulk_create(self._records, batch_size=500)
        self._records.clear()
        self.run.calls = self.connector.calls - self.calls_before
        self.run.beat_at = at
        self.run.save(update_fields=["created", "updated", "unchanged", "rejected", "unclear", "calls", "beat_at"])
        self.seen += seen
        if self.progress and seen:
            self.progress(self.seen)

    def close(self, state: str, at: datetime, note: str = "") -> SyncRun:
        """The run is over."""
        self.run.calls = self.connector.calls - self.calls_before
        self.run.state, self.run.finished_at, self.run.note = state, at, note[:400]
        self.run.save(
            update_fields=[
                "state", "finished_at", "note", "calls", "created", "updated", "unchanged", "rejected", "unclear",
            ]
        )  # fmt: skip
        return self.run


def start_run(
    *, held: Held, direction: str, reason: str, connector: Connector, progress: Progress | None = None
) -> RunLog:
    """A new run of a held connection."""
    run = SyncRun.objects.create(
        connection=held.connection, direction=direction, reason=reason[:80], started_at=held.clock()
    )
    return RunLog(run, connector, connector.calls, progress)
