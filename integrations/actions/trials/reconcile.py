"""Reconcile: compare every record that we know in a CRM with what it holds, and say where the two have drifted apart.

Only marks on links are repaired (archived, merged): they claim nothing. Everything else is listed for people, or mended
by the next sync that has a reason to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from random import Random

from django.db import transaction

from integrations.actions.connections.open_connector import connector_of
from integrations.actions.pull.pull import pulled_kinds, reader_of
from integrations.actions.push.draft_leads import draft_leads
from integrations.actions.runs.guard_run import guard_run
from integrations.actions.runs.hold_connection import Clock, Held, hold_connection
from integrations.actions.runs.log_run import Progress, RunLog, start_run
from integrations.actions.trials.try_pages import differences, repeat, try_page
from integrations.connectors.base import Connector, Kind, RemoteRecord, Window
from integrations.models import ExternalRecord, PendingPush, RecordKind, SyncRecord, SyncRun, Watermark
from integrations.queries.mapping import rules_of

CHUNK = 100
_KINDS: Mapping[Kind, tuple[RecordKind, ...]] = {
    "person": (RecordKind.PERSON, RecordKind.CONTACT),
    "account": (RecordKind.ACCOUNT,),
    "deal": (RecordKind.DEAL,),
}
_Outcome = SyncRecord.Outcome


def reconcile(
    *,
    connection_id: int,
    clock: Clock,
    seed: int = 0,
    reason: str = "nightly",
    is_full: bool = False,
    connector: Connector | None = None,
    progress: Progress | None = None,
) -> SyncRun:
    """Compare all links of a connection; ``is_full`` also lists deals that we lack. Raises ConnectionBusy."""
    with (
        hold_connection(connection_id=connection_id, clock=clock) as held,
        connector_of(connection=held.connection, given=connector) as opened,
    ):
        direction = SyncRun.Direction.RECONCILE
        run = start_run(held=held, direction=direction, reason=reason, connector=opened, progress=progress)
        comparison = _Comparison(held, opened, run)
        return guard_run(run=run, held=held, rng=Random(seed), work=partial(comparison.compare, is_full))


class _Comparison:
    """One pass over all links."""

    def __init__(self, held: Held, connector: Connector, run: RunLog) -> None:
        self.held, self.connector, self.run = held, connector, run
        links = ExternalRecord.objects.filter(connection=held.connection, merged_into="", held_at__isnull=True)
        self.rules = rules_of(held.connection)["person"]
        self.links = links.filter(archived_at__isnull=True)

    def compare(self, is_full: bool) -> str:
        kinds = pulled_kinds(self.connector)
        self.run.expect(sum(self.links.filter(kind__in=_KINDS[kind]).count() for kind in kinds))
        for kind in kinds:
            last = 0
            while links := list(self.links.filter(kind__in=_KINDS[kind], pk__gt=last).order_by("pk")[:CHUNK]):
                last = links[-1].pk
                self._chunk(kind, links)
        if is_full and "deal" in kinds:
            self._list_missing()
        drifted = self.run.run.drifted
        return f"{drifted:,} records have drifted." if drifted else "Both sides agree."

    def _chunk(self, kind: Kind, links: Sequence[ExternalRecord]) -> None:
        self.held.keep()
        records = self.connector.fetch(kind, [link.remote_id for link in links])
        with transaction.atomic():
            at = self.held.keep()
            self._mark(kind, links, records, at)
            live = [each for each in records.values() if not (each.is_archived or each.merged_into)]
            if kind == "person":
                self._people(links, {each.remote_id: each for each in live}, at)
            else:
                self._others(kind, live, at)
            self.run.flush(at, seen=len(links))

    def _mark(
        self, kind: Kind, links: Sequence[ExternalRecord], records: Mapping[str, RemoteRecord], at: datetime
    ) -> None:
        """The safe repair: links know what became of their record."""
        changed: list[ExternalRecord] = []
        for link in links:
            record = records.get(link.remote_id)
            facts = {"kind": link.kind, "lead_id": link.lead_id, "opportunity_id": link.opportunity_id}
            facts |= {"account_id": link.account_id, "remote_id": link.remote_id}
            if record is None:
                self.run.add(_Outcome.MISSING_THERE, at, note="The CRM does not show it any more.", **facts)
            elif record.merged_into:
                note = f"Merged into {record.merged_into} in the CRM."
                self.run.add(_Outcome.MERGED, at, note=note, **facts)
                link.merged_into, link.archived_at = record.merged_into[:120], record.modified_at
                changed.append(link)
            elif record.is_archived and kind != "deal":  # a deal's end is a fact: the pull writes it down
                self.run.add(_Outcome.ARCHIVED, at, **facts)
                link.archived_at = record.modified_at
                changed.append(link)
            elif record.is_archived:
                self.run.add(
                    _Outcome.ARCHIVED, at, note="The next full sync marks the opportunity as deleted.", **facts
                )
        ExternalRecord.objects.bulk_update(changed, ["merged_into", "archived_at"])

    def _people(self, links: Sequence[ExternalRecord], live: Mapping[str, RemoteRecord], at: datetime) -> None:
        """A lead that is owed to the CRM anyway has not drifted; neither has a field that the CRM keeps its own way."""
        ids = [link.lead_id for link in links if link.lead_id is not None and link.remote_id in live]
        open_states = (PendingPush.State.PENDING, PendingPush.State.LEASED)
        owed = PendingPush.objects.filter(connection=self.held.connection, lead__in=ids, state__in=open_states)
        waiting = set(owed.values_list("lead_id", flat=True))
        drafts = draft_leads(connection=self.held.connection, lead_ids=ids)
        for link in links:
            record, drafted = live.get(link.remote_id), drafts.get(link.lead_id or 0)
            if record is None or drafted is None or link.lead_id in waiting:
                continue
            if drafted.link is not None and drafted.link.pk != link.pk:
                continue  # the lead is kept up as the contact it became
            said = differences(theirs=record.fields, ours=drafted.whole, rules=self.rules)
            if said:
                facts = {"kind": link.kind, "way": SyncRecord.Way.OUT, "lead_id": link.lead_id}
                self.run.add(_Outcome.DIFFERS, at, remote_id=link.remote_id, changes=said, **facts)
            else:
                self.run.run.unchanged += 1

    def _others(self, kind: Kind, live: Sequence[RemoteRecord], at: datetime) -> None:
        """What the pull should have brought: changes later than its last window are none of its faults."""
        mark = Watermark.objects.filter(connection=self.held.connection, kind=kind).first()
        read_to = mark.read_to if mark else None
        old = [record for record in live if read_to is not None and record.modified_at < read_to]
        prepare = partial(reader_of, self.held.connection, kind)
        noted, same = try_page(run=self.run, prepare=prepare, records=old, at=at)
        for record in noted:
            if record.outcome in (_Outcome.UPDATED, _Outcome.CREATED, _Outcome.REJECTED):
                repeat(run=self.run, record=record, outcome=_Outcome.DIFFERS, at=at)
        self.run.run.unchanged += same + len(live) - len(old)

    def _list_missing(self) -> None:
        server_time = self.connector.reference().server_time
        mark = Watermark.objects.filter(connection=self.held.connection, kind=RecordKind.DEAL).first()
        until = mark.read_to if mark and mark.read_to else server_time
        for page in self.connector.changes("deal", Window(None, until)):
            at = self.held.keep()
            ids = [record.remote_id for record in page.records if not record.is_archived]
            links = ExternalRecord.objects.filter(connection=self.held.connection, kind=RecordKind.DEAL)
            known = set(links.filter(remote_id__in=ids).values_list("remote_id", flat=True))
            for record in page.records:
                if record.remote_id in known or record.is_archived:
                    continue
                note = str(record.fields.get("name") or "")
                self.run.add(_Outcome.MISSING_HERE, at, kind=RecordKind.DEAL, remote_id=record.remote_id, note=note)
            self.run.flush(at, seen=len(page.records))
