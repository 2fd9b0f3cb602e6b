"""Apply deals: a page of them becomes opportunities, with their history, their people and the links."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from integrations.actions.pull.by_rules import by_rules, grouped
from integrations.actions.pull.read_deals import DealReader, ReadDeal
from integrations.actions.runs.log_run import RunLog
from integrations.connectors.base import Connector, RemoteRecord, StageChange
from integrations.models import Connection, ExternalRecord, RecordKind, SyncRecord
from leads.actions.deals.record_opportunity import Recorded, record_opportunities

_Outcome = SyncRecord.Outcome
_COLUMNS = ("opportunity", "content_hash", "snapshot", "remote_changed_at", "synced_at", "archived_at", "merged_into")


class DealPages:
    """Reads pages of deals of one connection."""

    kind = RecordKind.DEAL

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.reader = DealReader(connection)
        self.strangers = 0
        self._deals: list[ReadDeal] = []
        self._history: dict[str, list[StageChange]] = {}
        self._count = 0

    def look(self, records: Sequence[RemoteRecord]) -> None:
        """Find the deals of a page that are not as we last read them. Reads only."""
        self._count = len(records)
        newest = {record.remote_id: record for record in records}  # a page may repeat a record
        self._deals = self.reader.changed(list(newest.values()))
        self._history = {}

    def fetch_more(self, connector: Connector) -> None:
        """The past of the deals that changed; one call per hundred, none where nothing changed."""
        ids = [deal.record.remote_id for deal in self._deals if not deal.record.is_archived or deal.link]
        if ids and connector.capabilities.history:
            for line in connector.stage_history(ids):
                self._history.setdefault(line.deal_id, []).append(line)

    def write(self, run: RunLog, at: datetime) -> Collection[int]:
        """Write the page in the caller's transaction; returns the leads that moved on."""
        for deal in self._deals:
            self.reader.read(deal, self._history.get(deal.record.remote_id, []))
        recorded = self._record(at)
        self._link(recorded, at)
        self._note(run, recorded, at)
        run.run.unchanged += self._count - len(self._deals)
        return {pk for each in recorded for pk in each.moved}

    def _record(self, at: datetime) -> list[Recorded]:
        """Those that can be read, each under the rules that let its values in."""
        readable = [deal for deal in self._deals if deal.facts is not None]
        recorded: dict[str, Recorded] = {}
        for rules, group in grouped(readable, lambda deal: deal.rules).items():
            facts = [deal.facts for deal in group if deal.facts is not None]
            with by_rules(rules):
                found = record_opportunities(deals=facts, at=at)
            recorded |= {deal.record.remote_id: each for deal, each in zip(group, found, strict=True)}
        return [recorded[deal.record.remote_id] for deal in readable]

    def _link(self, recorded: Sequence[Recorded], at: datetime) -> None:
        """Remember what was read. A deal with a problem keeps no hash, so it is looked at again whenever it is met."""
        opportunities = iter(recorded)
        new: list[ExternalRecord] = []
        known: list[ExternalRecord] = []
        for deal in self._deals:
            record = deal.record
            link = deal.link or ExternalRecord(
                connection=self.connection, kind=RecordKind.DEAL, remote_id=record.remote_id
            )
            if deal.facts is not None:
                link.opportunity, link.snapshot = next(opportunities).opportunity, deal.snapshot or link.snapshot
            link.content_hash = deal.content_hash if deal.facts is not None or deal.is_skipped else ""
            link.remote_changed_at, link.synced_at = record.modified_at, at
            link.archived_at = record.modified_at if record.is_archived else None
            link.merged_into = (record.merged_into or "")[:120]
            (known if link.pk else new).append(link)
        ExternalRecord.objects.bulk_create(new, batch_size=200)
        ExternalRecord.objects.bulk_update(known, _COLUMNS, batch_size=200)

    def _note(self, run: RunLog, recorded: Sequence[Recorded], at: datetime) -> None:
        opportunities = iter(recorded)
        shared = {"kind": self.kind, "way": SyncRecord.Way.IN}
        for deal in self._deals:
            remote_id = deal.record.remote_id
            if deal.facts is None:
                outcome = _Outcome.SKIPPED if deal.is_skipped else _Outcome.REJECTED
                title = str(deal.record.fields.get("name") or "")[:200]
                run.add(outcome, at, remote_id=remote_id, title=title, note=deal.problem, **shared)
                continue
            each = next(opportunities)
            facts = {"opportunity": each.opportunity, "remote_id": remote_id, **shared}
            if each.is_created:
                run.add(_Outcome.CREATED, at, title=each.opportunity.name, note=_told(deal), **facts)
            elif each.changes:
                facts |= {"changes": each.changes, "written": each.written}
                run.add(_Outcome.UPDATED, at, note=_told(deal), **facts)
            elif deal.notes:
                run.add(_Outcome.KEPT, at, note=_told(deal), **facts)
                run.run.unchanged += 1
            else:
                run.run.unchanged += 1
            for person in deal.strangers:
                words = f"Person {person.person_id} of deal {remote_id} is none of our leads."
                stranger = {**shared, "kind": RecordKind.PERSON}
                run.add(
                    _Outcome.SKIPPED,
                    at,
                    opportunity=each.opportunity,
                    remote_id=person.person_id,
                    note=words,
                    **stranger,
                )


def _told(deal: ReadDeal) -> str:
    """What became of it in the CRM, and what was read otherwise than it was sent."""
    return " ".join(text for text in (_fate(deal.record), *deal.notes) if text)


def _fate(record: RemoteRecord) -> str:
    if record.merged_into:
        return f"Merged into {record.merged_into} in the CRM."
    return "Deleted in the CRM." if record.is_deleted else "Archived in the CRM." if record.is_archived else ""
