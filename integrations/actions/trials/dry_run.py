"""Dry run: what a sync would do on either side, record by record and field by field, without doing any of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from random import Random

from django.db.models import Exists, OuterRef, Q

from integrations.actions.connections.open_connector import connector_of
from integrations.actions.pull.pull import OVERLAP, PageReader, pulled_kinds, reader_of
from integrations.actions.pull.read_reference import record_reference
from integrations.actions.push.draft_leads import LeadDraft, draft_leads
from integrations.actions.runs.guard_run import guard_run
from integrations.actions.runs.hold_connection import Clock, Held, hold_connection
from integrations.actions.runs.log_run import Progress, RunLog, start_run
from integrations.actions.trials.try_pages import differences, repeat, rolled_back, try_page
from integrations.connectors.base import Connector, Kind, Misuse, Reference, RemoteRecord, Window
from integrations.models import PendingPush, RecordKind, SyncRecord, SyncRun, Watermark
from integrations.queries.mapping import rules_of
from leads.models import Lead

MOST = 500
CHUNK = 100
_Outcome = SyncRecord.Outcome
_WOULD = {_Outcome.CREATED: _Outcome.WOULD_CREATE, _Outcome.UPDATED: _Outcome.WOULD_UPDATE}


def dry_run(
    *,
    connection_id: int,
    clock: Clock,
    seed: int = 0,
    limit: int = MOST,
    connector: Connector | None = None,
    progress: Progress | None = None,
) -> SyncRun:
    """Read, compare, and keep only the comparison, as a run of its own. Raises ConnectionBusy.

    At most ``limit`` records of each kind in each direction are looked at; the run's note says where there are more.
    """
    with (
        hold_connection(connection_id=connection_id, clock=clock, is_trial=True) as held,
        connector_of(connection=held.connection, given=connector) as opened,
    ):
        run = start_run(
            held=held,
            direction=SyncRun.Direction.DRY_RUN,
            reason="dry run",
            connector=opened,
            progress=progress,
            is_dry_run=True,
        )
        trial = _Trial(held, opened, run, limit)
        return guard_run(run=run, held=held, rng=Random(seed), work=trial.compare)


class _Trial:
    """One comparison of both directions."""

    def __init__(self, held: Held, connector: Connector, run: RunLog, limit: int) -> None:
        self.held, self.connector, self.run, self.limit = held, connector, run, limit
        self.is_known, self.rules = True, rules_of(held.connection)["person"]

    def compare(self) -> str:
        reference = self.connector.reference()
        # Before the first sync the CRM has no field for our key: nobody there can be known as one of ours.
        self.is_known = Watermark.objects.filter(connection=self.held.connection).exists()
        takes_people = self.held.connection.takes_people
        kinds = [kind for kind in pulled_kinds(self.connector) if self.is_known or takes_people or kind != "person"]
        notes = [note for kind in kinds if (note := self._pull(kind, reference))]
        notes.append(self._push(reference))
        return " ".join(note for note in notes if note)

    def _pull(self, kind: Kind, reference: Reference) -> str:
        mark = Watermark.objects.filter(connection=self.held.connection, kind=kind).first()
        since = mark.read_to - OVERLAP if mark and mark.read_to else None
        try:
            return self._look(kind, since, reference)
        except Misuse as error:
            if kind != "person" or self.is_known:
                raise
            return f"People there were not looked at, for the field of our id is missing: {error}"

    def _look(self, kind: Kind, since: datetime | None, reference: Reference) -> str:
        left = self.limit
        for page in self.connector.changes(kind, Window(since, reference.server_time)):
            records, at = page.records[:left], self.held.keep()
            self._take(kind, reference, records, at)
            left -= len(records)
            if left <= 0 and (page.resume or len(records) < len(page.records)):
                return f"Only the first {self.limit} changed {kind}s were looked at."
        return ""

    def _take(self, kind: Kind, reference: Reference, records: Sequence[RemoteRecord], at: datetime) -> None:
        def prepare() -> PageReader:
            record_reference(held=self.held, reference=reference)
            return reader_of(self.held.connection, kind)

        noted, same = try_page(run=self.run, prepare=prepare, records=records, at=at)
        for record in noted:
            outcome = _Outcome(record.outcome)
            repeat(run=self.run, record=record, outcome=_WOULD.get(outcome, outcome), at=at)
        self.run.run.unchanged += same
        self.run.flush(at, seen=len(records))

    def _push(self, reference: Reference) -> str:
        pushes = PendingPush.objects.filter(connection=self.held.connection, lead=OuterRef("pk"))
        is_open = Q(Exists(pushes.filter(state__in=(PendingPush.State.PENDING, PendingPush.State.LEASED))))
        owed = Lead.objects.live().filter(is_open | ~Exists(pushes)).order_by("pk").values_list("pk", flat=True)
        ids = list(owed[: self.limit + 1])
        for start in range(0, min(len(ids), self.limit), CHUNK):
            self._send(ids[start : start + min(CHUNK, self.limit - start)], reference)
        return f"Only the first {self.limit} leads were looked at." if len(ids) > self.limit else ""

    def _send(self, ids: Sequence[int], reference: Reference) -> None:
        with rolled_back():
            record_reference(held=self.held, reference=reference)
            drafts = list(draft_leads(connection=self.held.connection, lead_ids=ids).values())
        self.held.keep()
        linked = [each.draft.remote_id for each in drafts if each.draft.remote_id]
        known = self.connector.fetch("person", linked) if linked else {}
        new = [each.draft.key for each in drafts if not each.draft.remote_id]
        found = self.connector.find("person", new) if new and self.is_known else {}
        at = self.held.keep()
        for each in drafts:
            remote_id = each.draft.remote_id
            self._note(each, known.get(remote_id) if remote_id else found.get(each.draft.key), at)
        self.run.flush(at, seen=len(drafts))

    def _note(self, drafted: LeadDraft, record: RemoteRecord | None, at: datetime) -> None:
        facts = {"kind": RecordKind.PERSON, "way": SyncRecord.Way.OUT, "lead_id": drafted.lead.pk}
        if drafted.hold:
            self.run.add(_Outcome.SKIPPED, at, note=drafted.hold, **facts)
        elif drafted.refusal is not None:
            words = f"{drafted.refusal.field}: {drafted.refusal.message}"
            self.run.add(_Outcome.REJECTED, at, note=words, code=drafted.refusal.code, **facts)
        elif record is None and drafted.draft.if_new is not None:
            why = drafted.draft.if_new
            self.run.add(_Outcome.REJECTED, at, note=f"{why.field}: {why.message}", code=why.code, **facts)
        elif record is None:
            said = differences(theirs={}, ours=drafted.whole)
            gone = [f"{drafted.draft.remote_id} is not there any more."] if drafted.draft.remote_id else []
            note = " ".join((*gone, *drafted.notes))
            self.run.add(_Outcome.WOULD_CREATE, at, changes=said, note=note, **facts)
        elif said := differences(theirs=record.fields, ours=drafted.draft.fields, rules=self.rules):
            self.run.add(_Outcome.WOULD_UPDATE, at, changes=said, remote_id=record.remote_id, **facts)
        else:
            self.run.run.unchanged += 1
