"""Log a run: what it did to each record, its counts and its calls, kept up while it goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from integrations.actions.runs.hold_connection import Held
from integrations.connectors.base import Connector
from integrations.models import SyncRecord, SyncRun

Progress = Callable[[int], None]
_Outcome = SyncRecord.Outcome
_COUNTED = {_Outcome.CREATED: "created", _Outcome.UPDATED: "updated", _Outcome.REJECTED: "rejected"}
_COUNTED |= {_Outcome.UNCLEAR: "unclear", _Outcome.WOULD_CREATE: "created", _Outcome.WOULD_UPDATE: "updated"}
_DRIFT = (_Outcome.MISSING_THERE, _Outcome.MISSING_HERE, _Outcome.DIFFERS, _Outcome.MERGED, _Outcome.ARCHIVED)
_COUNTED |= dict.fromkeys(_DRIFT, "drifted")
_COUNTS = ["created", "updated", "unchanged", "rejected", "unclear", "drifted", "seen", "calls"]


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

    def expect(self, records: int) -> None:
        """Say how many records the run will see, for those who watch."""
        self.run.expected = records
        self.run.save(update_fields=["expected"])

    def take(self) -> list[SyncRecord]:
        """What was noted and not written, taken out."""
        taken, self._records = self._records, []
        return taken

    def flush(self, at: datetime, seen: int = 0) -> None:
        """Write the notes and the counts; ``seen`` records were dealt with since the last time."""
        SyncRecord.objects.bulk_create(self._records, batch_size=500)
        self._records.clear()
        self.run.calls = self.connector.calls - self.calls_before
        self.run.beat_at = at
        self.seen += seen
        self.run.seen = self.seen
        self.run.save(update_fields=[*_COUNTS, "beat_at"])
        if self.progress and seen:
            self.progress(self.seen)

    def close(self, state: str, at: datetime, note: str = "") -> SyncRun:
        """The run is over."""
        self.run.calls = self.connector.calls - self.calls_before
        self.run.state, self.run.finished_at, self.run.note = state, at, note[:400]
        # Not saved: who deletes a connection deletes its runs, the one under way too.
        columns = (*_COUNTS, "state", "finished_at", "note")
        SyncRun.objects.filter(pk=self.run.pk).update(**{name: getattr(self.run, name) for name in columns})
        return self.run


def start_run(
    *, held: Held, direction: str, reason: str, connector: Connector, progress: Progress | None = None, **facts: Any
) -> RunLog:
    """A new run of a held connection; ``facts`` are further columns of it."""
    run = SyncRun.objects.create(
        connection=held.connection, direction=direction, reason=reason[:80], started_at=held.clock(), **facts
    )
    return RunLog(run, connector, connector.calls, progress)
