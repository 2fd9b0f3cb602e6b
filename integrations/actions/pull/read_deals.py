"""Read deals: a page of remote deals as facts for our system of record, with what cannot be read set aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from integrations.actions.fit_values import Fit
from integrations.actions.pull.read_amounts import UnreadableAmount, read_amount
from integrations.connectors.base import RemoteContact, RemoteRecord, StageChange
from integrations.models import Connection, ExternalRecord, RecordKind, StageMap
from integrations.pure.keys import is_uuid
from integrations.pure.mapping import (
    DEAL_RULES,
    Direction,
    FieldRule,
    MappingError,
    content_hash,
    get_field,
    has_field,
    opportunity_fields,
)
from integrations.pure.merging import Verdict, decide, essence
from leads.actions.deals.record_opportunity import ChangeFact, ContactFact, DealFacts
from leads.actions.identity.revise_leads import ATTRIBUTE
from leads.models import Company, DealStatus, Lead, Opportunity, OpportunityContact, PipelineStage
from leads.pure.week import LATEST_YEAR, OLDEST_YEAR
from leads.queries.identity import survivors

# Fields whose policy an admin may choose: ours, and where the facts keep them. Stage and status are always the CRM's.
_GOVERNED = ("name", "amount_cents", "expected_close_on", "lost_reason", "owner_id")
_ROLES = {str(role) for role in OpportunityContact.ContactRole.values}


class UnreadableDeal(Exception):
    """The deal cannot become an opportunity; the message tells an admin why."""


@dataclass(slots=True)
class ReadDeal:
    """A deal of a page. ``facts`` is None when ``problem`` says why; ``strangers`` are people we do not know; ``notes``
    say what was read otherwise than it was sent; ``rules`` let in what differs from ours."""

    record: RemoteRecord
    content_hash: str
    link: ExternalRecord | None
    facts: DealFacts | None = None
    problem: str = ""
    is_skipped: bool = False
    strangers: list[RemoteContact] = field(default_factory=list)
    snapshot: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    rules: list[FieldRule] = field(default_factory=list)


class DealReader:
    """Reads pages of one connection. What a page needs is fetched for the page, not for each deal."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        maps = StageMap.objects.filter(connection=connection, stage__isnull=False)
        self.stage_keys = {row.remote_key: row.stage.key for row in maps.select_related("stage") if row.stage}
        self.stages = {stage.key: stage for stage in PipelineStage.objects.all()}
        owners = ExternalRecord.objects.filter(connection=connection, kind=RecordKind.OWNER, owner__isnull=False)
        self.owners = dict(owners.values_list("remote_id", "owner_id"))
        # A field that the mapping does not name travels as it always does.
        self.fit = Fit(connection, "deal")
        self.rules = {rule.local: rule for rule in (*DEAL_RULES, *self.fit.rules)}
        company = Company.current()
        # Of amounts that name none. Never the company's: nothing says that the CRM counts in that.
        self.currency, self.tz, self._company_currency = connection.currency, company.tz, company.currency

    def changed(self, records: Sequence[RemoteRecord]) -> list[ReadDeal]:
        """The deals that are not as we last read them, with the people we know and do not know."""
        links = ExternalRecord.objects.filter(
            connection=self.connection, kind=RecordKind.DEAL, remote_id__in=[each.remote_id for each in records]
        )
        known = {link.remote_id: link for link in links.select_related("opportunity__stage")}
        people = self._people(records)
        self._accounts = self._known_accounts(records)
        read = []
        for record in records:
            link = known.get(record.remote_id)
            leads = {each.person_id: people.get(each.person_id) for each in record.contacts}
            digest = self._digest(record, leads)
            if link is not None and (link.content_hash == digest or link.held_at is not None):
                continue
            strangers = [each for each in record.contacts if leads[each.person_id] is None]
            read.append(ReadDeal(record, digest, link, strangers=strangers))
        self._gone = self._known_contacts(read)
        self._leads = people
        return read

    def read(self, deal: ReadDeal, history: Sequence[StageChange]) -> None:
        """Fill in the facts, or the problem."""
        record = deal.record
        is_over = record.is_deleted or (record.is_archived and record.fields.get("status") == DealStatus.OPEN)
        if is_over and not _opportunity_id(deal.link):
            how = "Deleted" if record.is_deleted else "Archived"
            deal.problem, deal.is_skipped = f"{how} in the CRM before we ever read it.", True
            return
        try:
            deal.facts = self._facts(deal, history)
        except (MappingError, UnreadableDeal, ValueError) as error:
            deal.problem = str(error)[:400]

    def _facts(self, deal: ReadDeal, history: Sequence[StageChange]) -> DealFacts:
        record, link = deal.record, deal.link
        known = link.opportunity if link else None
        if known is not None and _is_gone(record, known):
            return replace(_as_held(known, self.connection.source, record), deleted_at=record.modified_at)
        currency = str(record.fields.get("currency") or self.currency)
        fields = opportunity_fields({**record.fields, "amount": None}, stages=self.stage_keys, tz=self.tz)
        _check_closing(record)
        amount_cents, note = read_amount(record.fields.get("amount"), currency)
        deal.notes += [note] if note else []
        read: dict[str, Any] = {
            "name": str(fields.get("name") or record.remote_id)[:200],
            "amount_cents": amount_cents,
            "expected_close_on": fields.get("expected_close_on"),
            "lost_reason": str(fields.get("lost_reason") or "")[:120],
            "owner_id": self.owners.get(str(fields.get("owner_id") or "")),
        }
        kept = self._govern(deal, read, known)
        named = self._contacts(record)
        facts = DealFacts(
            opportunity_id=link.opportunity_id if link else None,
            stage=self.stages[fields["stage"]],
            status=self._status(fields),
            currency=known.currency if known and "amount_cents" in kept else currency or self._company_currency,
            opened_at=record.created_at or record.modified_at,
            closed_at=fields.get("closed_at") if fields["status"] != DealStatus.OPEN else None,
            account_id=self._accounts.get(record.account_id or ""),
            attributes=self._further(deal, known),
            changed_at=record.modified_at,
            source=self.connection.source,
            changes=self._changes(deal, history, currency),
            contacts=named,
            gone=self._gone.get(_opportunity_id(link), frozenset()) - {contact.lead_id for contact in named},
            **(read | kept),
        )
        if facts.status != DealStatus.OPEN and facts.closed_at is None:
            facts = replace(facts, closed_at=record.modified_at)
        if known is not None:
            deal.rules = [rule for rule in self.rules.values() if _differs(rule.local, known, facts)]
        return facts

    def _govern(self, deal: ReadDeal, read: Mapping[str, Any], known: Opportunity | None) -> dict[str, Any]:
        """The fields that stay as we hold them, by the policies; notes what both sides agree on."""
        base = dict(deal.link.snapshot) if deal.link else {}
        kept: dict[str, Any] = {}
        for name in _GOVERNED:
            rule, ours = self.rules[name], getattr(known, name) if known else None
            if rule.direction is Direction.PUSH:
                kept[name] = ours if known or name != "name" else read[name]
                continue
            verdict = decide(rule, ours, read[name], base, ours_at=_time(known), theirs_at=deal.record.modified_at)
            if known and verdict in (Verdict.OUT, Verdict.KEEP):
                kept[name] = ours
            base[name] = essence(read[name])
        deal.snapshot = base
        return kept

    def _further(self, deal: ReadDeal, known: Opportunity | None) -> dict[str, Any]:
        """Further columns that the mapping names and the policies let in."""
        present, base = known.attributes if known else {}, deal.snapshot
        further: dict[str, Any] = {}
        for rule in self._attribute_rules():
            if not has_field(deal.record.fields, rule.remote):
                continue
            name, theirs = rule.local.removeprefix(ATTRIBUTE), get_field(deal.record.fields, rule.remote)
            theirs = self.fit.back(rule, theirs)
            verdict = decide(
                rule, present.get(name), theirs, base, ours_at=_time(known), theirs_at=deal.record.modified_at
            )
            if verdict is Verdict.IN:
                is_plain = isinstance(theirs, (str, int, float, bool, list)) or theirs is None
                further[name] = theirs if is_plain else str(theirs)
            base[rule.local] = essence(theirs)
        return further

    def _attribute_rules(self) -> list[FieldRule]:
        rules = [rule for name, rule in self.rules.items() if name.startswith(ATTRIBUTE)]
        return [rule for rule in rules if rule.direction is not Direction.PUSH]

    def _status(self, fields: Mapping[str, Any]) -> str:
        status = str(fields["status"])
        if status not in DealStatus.values:
            raise UnreadableDeal(f"The CRM's status {status[:40]!a} is none of open, won and lost.")
        ours = self.stages[fields["stage"]].status
        if ours != status:
            raise UnreadableDeal(f"The deal is {status}, but its stage is mapped to one of ours that is {ours}.")
        return status

    def _changes(self, deal: ReadDeal, history: Sequence[StageChange], currency: str) -> list[ChangeFact]:
        """The lines of the past that can be read, each in its own currency; the others are left out and told."""
        changes: list[ChangeFact] = []
        for line in history:
            stage = self.stages.get(self.stage_keys.get(line.to_stage, ""))
            if stage is None:  # a stage of the past that nobody mapped
                continue
            of_line = line.currency or currency
            try:
                amount_cents, _ = read_amount(line.amount, of_line)
            except UnreadableAmount as error:
                deal.notes.append(f"A line of its history of {line.changed_at:%Y-%m-%d} was left out: {error}")
                continue
            changes.append(
                ChangeFact(
                    source_key=line.remote_id,
                    changed_at=line.changed_at,
                    stage=stage,
                    amount_cents=amount_cents,
                    currency=of_line or self._company_currency,
                )
            )
        return changes

    def _contacts(self, record: RemoteRecord) -> list[ContactFact]:
        contacts: dict[int, ContactFact] = {}
        for each in record.contacts:
            lead_id = self._leads.get(each.person_id)
            if lead_id is None:
                continue
            role = each.role.strip().lower().replace(" ", "_")
            is_primary = role == "primary" and not any(contact.is_primary for contact in contacts.values())
            fact = ContactFact(
                lead_id=lead_id,
                role=role if role in _ROLES else OpportunityContact.ContactRole.OTHER,
                is_primary=is_primary,
            )
            contacts[lead_id] = fact if is_primary or lead_id not in contacts else contacts[lead_id]
        return list(contacts.values())

    def _people(self, records: Sequence[RemoteRecord]) -> dict[str, int]:
        """Lead by remote person: by the link, else by our own id that the CRM keeps; merged leads lead on."""
        contacts = {each.person_id: each.person_key for record in records for each in record.contacts}
        if not contacts:
            return {}
        links = ExternalRecord.objects.filter(
            connection=self.connection,
            kind__in=(RecordKind.PERSON, RecordKind.CONTACT),
            remote_id__in=contacts,
            lead__isnull=False,
        )
        found = {row.remote_id: row.lead_id for row in links if row.lead_id is not None}
        keys = {key for person, key in contacts.items() if key and person not in found}
        by_key = {
            str(key): pk for key, pk in Lead.objects.filter(external_id__in=keys).values_list("external_id", "pk")
        }
        own = [key for key in keys if is_uuid(key)]
        by_key |= {str(key): pk for key, pk in Lead.objects.filter(public_id__in=own).values_list("public_id", "pk")}
        found |= {person: by_key[key] for person, key in contacts.items() if person not in found and key in by_key}
        ends = survivors(found.values())
        return {person: ends[lead_id] for person, lead_id in found.items()}

    def _known_accounts(self, records: Sequence[RemoteRecord]) -> dict[str, int]:
        ids = {record.account_id for record in records if record.account_id}
        rows = ExternalRecord.objects.filter(
            connection=self.connection, kind=RecordKind.ACCOUNT, remote_id__in=ids, account__isnull=False
        )
        pairs = rows.values_list("remote_id", "account_id") if ids else ()
        return {remote_id: account_id for remote_id, account_id in pairs if account_id is not None}

    def _known_contacts(self, deals: Sequence[ReadDeal]) -> dict[int, frozenset[int]]:
        """By opportunity, the people of ours that the CRM knows too: missing in the CRM, they left the deal."""
        ids = [_opportunity_id(deal.link) for deal in deals if _opportunity_id(deal.link)]
        known: dict[int, set[int]] = {}
        rows = OpportunityContact.objects.filter(
            opportunity__in=ids, lead__external_records__connection=self.connection
        )
        for opportunity_id, lead_id in rows.values_list("opportunity_id", "lead_id"):
            known.setdefault(opportunity_id, set()).add(lead_id)
        return {pk: frozenset(leads) for pk, leads in known.items()}

    def _digest(self, record: RemoteRecord, leads: Mapping[str, int | None]) -> str:
        """Everything that decides what we would write: their fields, and what we make of stage, owner and people."""
        return content_hash(
            {
                "fields": record.fields,
                "is_archived": record.is_archived,
                **({"is_deleted": True} if record.is_deleted else {}),
                **({"currency": self.currency} if not record.fields.get("currency") else {}),
                "stage": self.stage_keys.get(str(record.fields.get("stage")), ""),
                "owner": self.owners.get(str(record.fields.get("owner_id") or "")),
                **({"account": account} if (account := self._accounts.get(record.account_id or "")) else {}),
                "people": [[each.person_id, each.role, leads[each.person_id]] for each in record.contacts],
            }
        )


def _is_gone(record: RemoteRecord, known: Opportunity) -> bool:
    """Whether the CRM deleted it. An archived deal that was won or lost stays so; an open one is in no pipeline."""
    if not record.is_archived:
        return False
    return record.is_deleted or record.fields.get("status", known.status) == DealStatus.OPEN


def _differs(name: str, known: Opportunity, facts: DealFacts) -> bool:
    """Whether the facts bring another value for a field than we hold."""
    if name.startswith(ATTRIBUTE):
        key = name.removeprefix(ATTRIBUTE)
        return key in facts.attributes and facts.attributes[key] != known.attributes.get(key)
    return hasattr(facts, name) and essence(getattr(facts, name)) != essence(getattr(known, name))


def _time(known: Opportunity | None) -> datetime | None:
    return known.changed_at if known else None


def _as_held(known: Opportunity, source: str, record: RemoteRecord) -> DealFacts:
    """An opportunity as facts, for a record that says no more than that it is gone."""
    return DealFacts(
        opportunity_id=known.pk,
        name=known.name,
        stage=known.stage,
        status=known.status,
        amount_cents=known.amount_cents,
        currency=known.currency,
        opened_at=known.opened_at,
        closed_at=known.closed_at,
        expected_close_on=known.expected_close_on,
        lost_reason=known.lost_reason,
        changed_at=record.modified_at,
        source=source,
    )


def _opportunity_id(link: ExternalRecord | None) -> int:
    """The opportunity of a link, or 0."""
    return (link.opportunity_id or 0) if link else 0


def _check_closing(record: RemoteRecord) -> None:
    """Raises UnreadableDeal for a close date that no calendar has, or that somebody mistyped by centuries."""
    on = record.fields.get("close_on")
    if on is not None and not isinstance(on, date):
        raise UnreadableDeal(f"The close date {str(on)[:40]!a} is no date.")
    if on is not None and not OLDEST_YEAR <= on.year <= LATEST_YEAR:
        raise UnreadableDeal(f"The close date {on} is not in a year from {OLDEST_YEAR} to {LATEST_YEAR}.")
