"""Take people: whom the CRM had first becomes a lead here, where the connection is set to.

Somebody whose e-mail address a lead of ours has is that lead: the record is linked and nobody is made. Who carries an
id of ours that we do not know any more was removed here on purpose, or belongs to another portal, and is left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from integrations.actions.fit_values import Fit
from integrations.actions.local_values import OwnerBook, is_pullable, to_local
from integrations.actions.runs.log_run import RunLog
from integrations.connectors.base import RemoteRecord
from integrations.models import Connection, CrmPeople, ExternalRecord, RecordKind, SyncRecord
from integrations.pure.mapping import MappingError, get_field, has_field
from integrations.pure.merging import LEFT, essence
from leads.actions.capture.capture import CaptureRefused
from leads.actions.identity.revise_leads import ATTRIBUTE
from leads.actions.imports.people import PersonFact, take_over_people
from leads.models import DETAILS, Lead
from leads.pure.spelling.identity import InvalidEmail, normalize_email
from leads.queries.identity import survivors

BATCH = 1000
_Outcome = SyncRecord.Outcome
_KINDS = (RecordKind.PERSON, RecordKind.CONTACT)


@dataclass(slots=True)
class Newcomer:
    """A person of the CRM who is none of our leads yet, as the mapping reads them."""

    record: RemoteRecord
    link: ExternalRecord
    values: dict[str, Any] = field(default_factory=dict)
    snapshot: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Newcomers:
    """Who of a page is taken over, for one connection."""

    def __init__(self, connection: Connection, fit: Fit, owners: OwnerBook) -> None:
        self.connection, self.fit, self.rules, self.owners = connection, fit, fit.rules, owners
        self.found: list[Newcomer] = []
        self.doubles: list[tuple[RemoteRecord, Lead]] = []
        rows = ExternalRecord.objects.filter(connection=connection, kind=RecordKind.OWNER, owner__isnull=True)
        self._names = {row.remote_id: row.remote_name or row.remote_email for row in rows} if self.is_on else {}

    @property
    def is_on(self) -> bool:
        return self.connection.takes_people != CrmPeople.NOBODY

    def look(self, strangers: Sequence[RemoteRecord], ours: Collection[RemoteRecord]) -> dict[str, ExternalRecord]:
        """Judge the records without a link; returns links, not saved, of those who are leads of ours by their e-mail.

        The others stand in ``found`` until `take`. Three queries.
        """
        self.found, self.doubles = [], []
        wanted = [record for record in strangers if self._is_wanted(record)]
        # What the CRM converted a lead of ours into follows it.
        followers = {record.converted.contact_id for record in ours if record.converted}
        wanted = [record for record in wanted if record.remote_id not in followers]
        if not wanted:
            return {}
        rows = ExternalRecord.objects.filter(
            connection=self.connection, kind__in=_KINDS, remote_id__in=[record.remote_id for record in wanted]
        )
        left = {row.remote_id: row for row in rows}  # of leads that an undo has removed
        wanted = [record for record in wanted if not _is_held(left.get(record.remote_id))]
        return self._judge(wanted, left)

    def _is_wanted(self, record: RemoteRecord) -> bool:
        is_gone = record.is_archived or record.merged_into or record.converted
        if not self.is_on or is_gone or record.key:
            return False
        since = self.connection.takes_people_since
        if self.connection.takes_people == CrmPeople.ALL or since is None:
            return True
        return record.created_at is not None and record.created_at >= since

    def _judge(self, wanted: Sequence[RemoteRecord], left: Mapping[str, ExternalRecord]) -> dict[str, ExternalRecord]:
        emails = {record.remote_id: self._email(record) for record in wanted}
        known = self._leads({email for email in emails.values() if email})
        linked = set(
            ExternalRecord.objects.filter(
                connection=self.connection, kind__in=_KINDS, lead__in={lead.pk for lead in known.values()}
            ).values_list("lead_id", flat=True)
        )
        links: dict[str, ExternalRecord] = {}
        taken: set[str] = set()
        for record in wanted:
            email = emails[record.remote_id]
            lead = known.get(email)
            link = left.get(record.remote_id) or ExternalRecord(
                connection=self.connection, kind=RecordKind.PERSON, remote_id=record.remote_id
            )
            link.lacks_key = True
            if lead is not None and lead.pk in linked:
                self.doubles.append((record, lead))
            elif lead is not None:
                linked.add(lead.pk)
                link.lead = lead
                links[record.remote_id] = link
            elif email and email in taken:
                continue  # a second record of a person of this page: known by the next sync
            else:
                taken.add(email)
                link.is_born_there = True
                self.found.append(self._read(record, link))
        return links

    def _leads(self, emails: Collection[str]) -> dict[str, Lead]:
        """Living leads by e-mail address, also by addresses of those that were merged into them."""
        pairs = {str(email): pk for email, pk in Lead.objects.filter(email__in=emails).values_list("email", "pk")}
        ends = survivors(pairs.values())
        leads = Lead.objects.in_bulk(set(ends.values()))
        return {email: leads[ends[pk]] for email, pk in pairs.items()}

    def _email(self, record: RemoteRecord) -> str:
        rule = next((rule for rule in self.rules if rule.local == "email"), None)
        told = str(get_field(record.fields, rule.remote) or "") if rule else ""
        try:
            return normalize_email(told) if told else ""
        except InvalidEmail:
            return ""

    def _read(self, record: RemoteRecord, link: ExternalRecord) -> Newcomer:
        """Every field that the mapping names, whichever way it travels: nothing is known here that it could replace."""
        each = Newcomer(record, link)
        for rule in self.rules:
            if not is_pullable(rule.local) or not has_field(record.fields, rule.remote):
                continue
            theirs = get_field(record.fields, rule.remote)
            if theirs in (None, ""):
                continue
            try:
                value = to_local(name=rule.local, value=self.fit.back(rule, theirs), owners=self.owners)
            except MappingError as error:
                each.snapshot |= {rule.local: "", f"{LEFT}{rule.local}": essence(theirs)}
                if rule.local != "owner_id":
                    each.notes.append(str(error))
            else:
                each.values[rule.local] = value
                each.snapshot[rule.local] = essence(theirs if rule.local == "owner_id" else value)
        return each

    # --- writing ---

    def take(self, run: RunLog, at: datetime) -> None:
        """Make the leads and their links in the caller's transaction."""
        for start in range(0, len(self.found), BATCH):
            self._take(self.found[start : start + BATCH], run, at)
        for record, lead in self.doubles:
            words = f"It has the email address of {lead}, who is known by another record of this CRM."
            facts = {"lead_id": lead.pk, "remote_id": record.remote_id, "note": words}
            run.add(_Outcome.SKIPPED, at, kind=RecordKind.PERSON, way=SyncRecord.Way.IN, **facts)

    def _take(self, some: Sequence[Newcomer], run: RunLog, at: datetime) -> None:
        source = f"crm:{self.connection.source}"
        answers = take_over_people(
            facts=[self._fact(each, at) for each in some], source=source, label=str(self.connection), at=at
        )
        made: list[ExternalRecord] = []
        again: list[ExternalRecord] = []
        for each, answer in zip(some, answers, strict=True):
            shared = {"kind": RecordKind.PERSON, "way": SyncRecord.Way.IN, "remote_id": each.record.remote_id}
            if isinstance(answer, CaptureRefused):
                run.add(_Outcome.REJECTED, at, note=answer.detail, title=_title(each)[:200], **shared)
                continue
            link = each.link
            link.lead, link.snapshot, link.synced_at = answer, each.snapshot, at
            link.remote_changed_at = each.record.modified_at
            (again if link.pk else made).append(link)
            run.add(
                _Outcome.CREATED,
                at,
                lead=answer,
                title=_title(each)[:200],
                changes={name: ["", essence(value)] for name, value in _shown(each).items()},
                note=" ".join(each.notes),
                **shared,
            )
        ExternalRecord.objects.bulk_create(made, batch_size=200)
        columns = ["lead", "snapshot", "synced_at", "remote_changed_at", "is_born_there", "lacks_key"]
        ExternalRecord.objects.bulk_update(again, columns, batch_size=200)

    def _fact(self, each: Newcomer, at: datetime) -> PersonFact:
        values = each.values
        owner_there = each.snapshot.get(f"{LEFT}owner_id", "")
        return PersonFact(
            key=f"{self.connection.source}:{each.record.remote_id}",
            since=each.record.created_at or at,
            email=values.get("email") or "",
            details={name: values[name] for name in DETAILS if values.get(name) not in (None, "")},
            attributes={
                name.removeprefix(ATTRIBUTE): value
                for name, value in values.items()
                if name.startswith(ATTRIBUTE) and value is not None
            },
            owner_id=values.get("owner_id"),
            owner_elsewhere=self._names.get(owner_there, owner_there),
        )


def _is_held(link: ExternalRecord | None) -> bool:
    return link is not None and link.held_at is not None


def _shown(each: Newcomer) -> dict[str, Any]:
    return {name: value for name, value in each.values.items() if name != "owner_id" and value not in (None, "")}


def _title(each: Newcomer) -> str:
    name = f"{each.values.get('first_name', '')} {each.values.get('last_name', '')}".strip()
    return name or str(each.values.get("email") or each.record.remote_id)
