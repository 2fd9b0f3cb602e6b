"""Read people: what a CRM changed about leads of ours, and what became of their records in the CRM.

Only fields that the mapping lets in are written, decided field by field from what both sides agreed on last. People who
are none of our leads are taken over only where the connection is set to (`take_people`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from integrations.actions.fit_values import Fit
from integrations.actions.local_values import is_pullable, lead_values, owner_book, to_local
from integrations.actions.pull.by_rules import by_rules, grouped
from integrations.actions.pull.settle_link import settle_link
from integrations.actions.pull.take_people import Newcomers
from integrations.actions.runs.log_run import RunLog
from integrations.connectors.base import Connector, RemoteRecord
from integrations.models import Connection, ExternalRecord, RecordKind, SyncRecord
from integrations.pure.keys import is_uuid
from integrations.pure.mapping import Direction, FieldRule, MappingError, for_born_there, get_field, has_field
from integrations.pure.merging import LEFT, Verdict, decide, essence, in_conflict
from integrations.queries.change_words import names_in, pair_words
from leads.actions.identity.merge_leads import MergeRefused, lock_people, merge_leads
from leads.actions.identity.revise_leads import ATTRIBUTE, Revised, Revision, revise_leads
from leads.models import Lead, LeadMerge
from leads.queries.identity import survivors
from leads.queries.mail import opt_outs

KINDS = (RecordKind.PERSON, RecordKind.CONTACT)
_COLUMNS = ("remote_id", "snapshot", "merged_into", "archived_at", "remote_changed_at", "synced_at")
_Outcome = SyncRecord.Outcome


@dataclass(slots=True)
class ReadPerson:
    """A record of one of our leads. ``values`` is what to write here, let in by ``rules``; ``snapshot`` is what was
    agreed then."""

    record: RemoteRecord
    link: ExternalRecord
    lead: Lead
    values: dict[str, Any] = field(default_factory=dict)
    said: dict[str, list[str]] = field(default_factory=dict)
    snapshot: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    rules: list[FieldRule] = field(default_factory=list)
    goes_out: bool = False
    fate: str = ""
    is_new: bool = False
    merges_into: int | None = None

    @property
    def is_news(self) -> bool:
        """Whether anything is to be written."""
        is_told = self.values or self.notes or self.fate or self.is_new or self.goes_out or self.merges_into
        return bool(is_told) or self.snapshot != self.link.snapshot


class PeoplePages:
    """Reads pages of people of one connection; a page costs a fixed number of queries."""

    kind = RecordKind.PERSON

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.fit = Fit(connection, "person")
        self.rules = self.fit.rules
        self.born_rules = for_born_there(self.rules)
        self.owners = owner_book(connection=connection)
        self.newcomers = Newcomers(connection, self.fit, self.owners)
        self.strangers = 0
        self._read: list[ReadPerson] = []
        self._count = 0
        self._opted_out: Collection[int] = ()

    def look(self, records: Sequence[RemoteRecord]) -> None:
        """Compare a page with what we hold. Reads only."""
        newest = {record.remote_id: record for record in records}  # a page may repeat a record
        self._count = len(records)
        links = self._links(newest)
        strangers = [record for record in newest.values() if record.remote_id not in links]
        links |= self.newcomers.look(strangers, [newest[remote_id] for remote_id in links])
        taken = {each.record.remote_id for each in self.newcomers.found}
        leads = Lead.objects.live().select_related("channel", "campaign")
        found = {lead.pk: lead for lead in leads.filter(pk__in=[link.lead_id for link in links.values()])}
        self._winners = self._known({record.merged_into for record in newest.values() if record.merged_into})
        self._parted = self._taken_apart([link.lead_id for each, link in links.items() if newest[each].merged_into])
        has_opt_outs = any(rule.local == "is_unsubscribed" for rule in self.rules)
        self._opted_out = opt_outs(list(found.values())) if has_opt_outs else {}
        self._read = []
        for record in newest.values():
            link = links.get(record.remote_id)
            lead = found.get(link.lead_id or 0) if link else None
            if link is None:
                self.strangers += record.remote_id not in taken
            elif lead is not None and link.held_at is None:  # a lead that was merged here has left its record behind
                self._read.append(self._compare(record, link, lead))
                if record.merged_into:
                    # Several of ours in a record that is new: the first goes on as that record, the others follow it.
                    self._winners.setdefault(record.merged_into, link)

    def fetch_more(self, connector: Connector) -> None:
        """Nothing: a person's record is whole."""

    def write(self, run: RunLog, at: datetime) -> Collection[int]:
        """Write the page in the caller's transaction; returns the leads that the CRM should be sent."""
        news = [each for each in self._read if each.is_news]
        self._merge_people(news, at)
        source = f"CRM {self.connection}"
        revised: dict[int, Revised] = {}
        for rules, group in grouped([each for each in news if each.values], lambda each: each.rules).items():
            revisions = [Revision(each.lead.pk, each.values) for each in group]
            with by_rules(rules):
                revised |= {row.lead_id: row for row in revise_leads(revisions=revisions, source=source, at=at)}
        self._names = names_in(row.written for row in revised.values())
        for each in news:
            self._settle(each, revised.get(each.lead.pk), at)
            self._note(run, each, revised.get(each.lead.pk), at)
        self._link(news, at)
        self.newcomers.take(run, at)
        changed = sum(bool(each.values or each.fate) for each in news) + len(self.newcomers.found)
        run.run.unchanged += self._count - changed
        return {each.lead.pk for each in news if each.goes_out}

    # --- who is who ---

    def _links(self, records: Mapping[str, RemoteRecord]) -> dict[str, ExternalRecord]:
        links = self._known(records)
        keys = {
            record.key: remote_id
            for remote_id, record in records.items()
            if record.key and remote_id not in links and not record.is_archived and is_uuid(record.key)
        }
        if not keys:
            return links
        leads = Lead.objects.live().filter(public_id__in=keys)
        leads = leads.exclude(external_records__in=self._all().filter(kind=RecordKind.PERSON))
        for public_id, lead_id in leads.values_list("public_id", "pk"):
            remote_id = keys[str(public_id)]
            links[remote_id] = ExternalRecord(
                connection=self.connection, kind=RecordKind.PERSON, remote_id=remote_id, lead_id=lead_id
            )
        return links

    def _known(self, remote_ids: Collection[str | None]) -> dict[str, ExternalRecord]:
        return {row.remote_id: row for row in self._all().filter(remote_id__in=remote_ids, kind__in=KINDS)}

    def _all(self) -> Any:
        return ExternalRecord.objects.filter(connection=self.connection, lead__isnull=False)

    # --- one record ---

    def _compare(self, record: RemoteRecord, link: ExternalRecord, lead: Lead) -> ReadPerson:
        read = ReadPerson(record, link, lead, is_new=link.pk is None, snapshot=dict(link.snapshot))
        if record.merged_into:
            read.fate = _Outcome.MERGED if link.merged_into != record.merged_into else ""
            read.merges_into = self._winner_of(record.merged_into, lead)
        elif record.is_archived:
            read.fate = _Outcome.ARCHIVED if link.archived_at is None else ""
        elif link.archived_at is not None:
            read.notes.append("It is back in the CRM.")
        if record.converted and record.converted.contact_id:
            self._converted(read, record.converted.contact_id)
        if not (record.merged_into or record.is_archived or record.converted):
            ours = lead_values(lead=lead, owners=self.owners, rules=self.rules, opted_out=self._opted_out)
            for rule in self.born_rules if link.is_born_there else self.rules:
                if rule.local in ours and has_field(record.fields, rule.remote):
                    self._merge(read, rule, ours[rule.local], get_field(record.fields, rule.remote))
        return read

    def _winner_of(self, remote_id: str, loser: Lead) -> int | None:
        """The lead to merge this one into: that of the record that lives on in the CRM."""
        winner = self._winners.get(remote_id)
        if winner is None or winner.lead_id in (None, loser.pk) or winner.held_at is not None:
            return None
        if self._parted and (loser.pk, survivors([winner.lead_id])[winner.lead_id]) in self._parted:
            return None
        return winner.lead_id if self.connection.merges_people else None

    def _taken_apart(self, lead_ids: Collection[int | None]) -> set[tuple[int, int]]:
        """Loser and survivor of merges that were taken back. A CRM may name a merge again with every change of the
        record that lives on; whoever was made two again here stays two."""
        if not lead_ids:
            return set()
        rows = LeadMerge.objects.filter(loser__in=lead_ids, undone_at__isnull=False)
        return set(rows.values_list("loser", "survivor"))

    def _converted(self, read: ReadPerson, contact_id: str) -> None:
        if not self._known([contact_id]):
            read.notes.append(f"Converted into contact {contact_id}.")

    def _merge(self, read: ReadPerson, rule: FieldRule, ours: Any, theirs: Any) -> None:
        value, told, problem = self._as_ours(rule, ours, theirs)
        verdict = decide(
            rule,
            ours,
            told,
            read.link.snapshot,
            ours_at=read.lead.changed_at,
            theirs_at=read.record.modified_at,
        )
        if verdict is Verdict.IN and problem:
            self._leave(read, rule.local, ours, theirs, problem)
            return
        if in_conflict(rule, ours, told, read.link.snapshot):
            winner = "the CRM's" if verdict is Verdict.IN else "ours"
            read.conflicts.append(rule.local)
            read.notes.append(f"Both sides hold another {rule.local.removeprefix(ATTRIBUTE)}: {winner} wins.")
        if verdict is Verdict.IN and is_pullable(rule.local):
            read.values[rule.local] = value
            read.rules.append(rule)
            read.said[rule.local] = [essence(ours), essence(theirs)]
        elif verdict is Verdict.OUT and rule.direction is Direction.BOTH:
            read.goes_out = read.goes_out or read.snapshot.get(rule.local) != essence(told)
        elif verdict is Verdict.OUT:
            return
        read.snapshot[rule.local] = essence(told)

    def _as_ours(self, rule: FieldRule, ours: Any, theirs: Any) -> tuple[Any, Any, str]:
        """Their value as our column takes it, as a lead's values would name it, and why it cannot be taken over.

        Compared as it would stand here: what we shorten, spell otherwise or know under another owner's name is no
        change of ours that would have to go back.
        """
        if self.fit.same(rule, ours, theirs):
            return None, ours, ""  # as the CRM writes it: cut, coded, or in another order
        if rule.direction is Direction.PUSH or not is_pullable(rule.local):
            return None, theirs, ""
        try:
            value = to_local(name=rule.local, value=self.fit.back(rule, theirs), owners=self.owners)
        except MappingError as error:
            return None, theirs, str(error)
        return value, self.owners.remote.get(value) if rule.local == "owner_id" else value, ""

    def _leave(self, read: ReadPerson, name: str, ours: Any, theirs: Any, problem: str) -> None:
        """What cannot be taken over stays different on both sides, and is told once: nobody here has changed it, so
        ours does not go over theirs."""
        if read.snapshot.get(f"{LEFT}{name}") != essence(theirs):
            read.notes.append(problem)
        read.snapshot |= {name: essence(ours), f"{LEFT}{name}": essence(theirs)}

    # --- writing ---

    def _merge_people(self, news: Sequence[ReadPerson], at: datetime) -> None:
        """Whom the CRM took for one person is one person here, too."""
        pairs = {each.lead.pk: each.merges_into for each in news if each.merges_into is not None}
        if not pairs:
            return
        # Everybody of the page at once: the revisions that follow lock them, too.
        lock_people(lead_ids={*pairs, *pairs.values(), *(each.lead.pk for each in news)})
        for each in news:
            if each.merges_into is None:
                continue
            survivor_id = survivors([each.merges_into])[each.merges_into]
            try:
                lead = merge_leads(
                    survivor_id=survivor_id,
                    loser_id=each.lead.pk,
                    by=None,
                    at=at,
                    reason=f"{self.connection} took them for one person.",
                )
            except MergeRefused as refusal:
                each.merges_into = None
                each.notes.append(str(refusal))
            else:
                each.fate = _Outcome.MERGED
                each.notes.append(f"The CRM took this lead and {lead} for one person; merged here, too.")

    def _settle(self, each: ReadPerson, revised: Revised | None, at: datetime) -> None:
        link, record = each.link, each.record
        winner = self._winners[record.merged_into] if record.merged_into else None
        each.notes += settle_link(link=link, record=record, snapshot=each.snapshot, winner=winner, noun="lead", at=at)
        if winner is not None and winner.lead_id != link.lead_id and each.merges_into is None:
            each.notes.append(f"The CRM took this lead and {winner.lead} for one person. Here they are two.")
        for name, why in (revised.refused if revised else {}).items():
            ours, theirs = each.said[name]
            self._leave(each, name, ours, theirs, f"{name}: {why}")

    def _note(self, run: RunLog, each: ReadPerson, revised: Revised | None, at: datetime) -> None:
        written = {name: list(pair) for name, pair in revised.written.items()} if revised else {}
        left = _Outcome.KEPT if each.conflicts else _Outcome.SKIPPED
        outcome = each.fate or (_Outcome.UPDATED if written else left if each.notes else "")
        if outcome:
            run.add(
                outcome,
                at,
                kind=self.kind,
                way=SyncRecord.Way.IN,
                lead_id=each.lead.pk,
                remote_id=each.record.remote_id,
                changes={
                    name: pair_words(name, pair, self._names) if name == "owner_id" else each.said.get(name, pair)
                    for name, pair in written.items()
                },
                written=written,
                note=" ".join(each.notes),
                is_conflict=bool(each.conflicts),
            )

    def _link(self, news: Sequence[ReadPerson], at: datetime) -> None:
        known = [each.link for each in news if each.link.pk]
        ExternalRecord.objects.bulk_update(known, _COLUMNS, batch_size=200)
        ExternalRecord.objects.bulk_create([each.link for each in news if not each.link.pk], ignore_conflicts=True)
        contacts = [
            ExternalRecord(
                connection=self.connection,
                kind=RecordKind.CONTACT,
                remote_id=each.record.converted.contact_id,
                lead=each.lead,
                synced_at=at,
            )
            for each in news
            if each.record.converted and each.record.converted.contact_id
        ]
        ExternalRecord.objects.bulk_create(contacts, ignore_conflicts=True)
