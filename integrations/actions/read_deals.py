"""Read deals: a page of remote deals as facts for our system of record, with what cannot be read set aside."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from integrations.connectors.base import RemoteContact, RemoteRecord, StageChange
from integrations.models import Connection, ExternalRecord, RecordKind, StageMap
from integrations.pure.mapping import MappingError, content_hash, opportunity_fields
from leads.actions.record_opportunity import ChangeFact, ContactFact, DealFacts
from leads.models import DealStatus, Lead, OpportunityContact, PipelineStage
from leads.pure.money import to_cents

ARCHIVED = "Archived in the CRM"
_ROLES = {str(role) for role in OpportunityContact.ContactRole.values}


class UnreadableDeal(Exception):
    """The deal cannot become an opportunity; the message tells an admin why."""


@dataclass(slots=True)
class ReadDeal:
    """A deal of a page. ``facts`` is None when ``problem`` says why; ``strangers`` are people we do not know."""

    record: RemoteRecord
    content_hash: str
    link: ExternalRecord | None
    facts: DealFacts | None = None
    problem: str = ""
    is_skipped: bool = False
    strangers: list[RemoteContact] = field(default_factory=list)


class DealReader:
    """Reads pages of one connection. What a page needs is fetched for the page, not for each deal."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        maps = StageMap.objects.filter(connection=connection, stage__isnull=False)
        self.stage_keys = {row.remote_key: row.stage.key for row in maps.select_related("stage") if row.stage}
        self.stages = {stage.key: stage for stage in PipelineStage.objects.all()}
        owners = ExternalRecord.objects.filter(connection=connection, kind=RecordKind.OWNER, owner__isnull=False)
        self.owners = dict(owners.values_list("remote_id", "owner_id"))

    def changed(self, records: Sequence[RemoteRecord]) -> list[ReadDeal]:
        """The deals that are not as we last read them, with the people we know and do not know."""
        links = ExternalRecord.objects.filter(
            connection=self.connection, kind=RecordKind.DEAL, remote_id__in=[each.remote_id for each in records]
        )
        known = {link.remote_id: link for link in links.select_related("opportunity")}
        people = self._people(records)
        read = []
        for record in records:
            link = known.get(record.remote_id)
            leads = {each.person_id: people.get(each.person_id) for each in record.contacts}
            digest = self._digest(record, leads)
            if link is not None and link.content_hash == digest:
                continue
            strangers = [each for each in record.contacts if leads[each.person_id] is None]
            read.append(ReadDeal(record, digest, link, strangers=strangers))
        self._gone = self._known_contacts(read)
        self._leads = people
        return read

    def read(self, deal: ReadDeal, history: Sequence[StageChange]) -> None:
        """Fill in the facts, or the problem."""
        if deal.record.is_archived and not _opportunity_id(deal.link):
            deal.problem, deal.is_skipped = "Archived in the CRM before we ever read it.", True
            return
        try:
            deal.facts = self._facts(deal, history)
        except (MappingError, UnreadableDeal, ValueError) as error:
            deal.problem = str(error)[:400]

    def _facts(self, deal: ReadDeal, history: Sequence[StageChange]) -> DealFacts:
        record, link = deal.record, deal.link
        currency = str(record.fields.get("currency") or "")
        fields = opportunity_fields({**record.fields, "amount": None}, stages=self.stage_keys)
        amount = record.fields.get("amount")
        named = self._contacts(record)
        facts = DealFacts(
            opportunity_id=link.opportunity_id if link else None,
            name=str(fields.get("name") or record.remote_id)[:200],
            stage=self.stages[fields["stage"]],
            status=self._status(fields),
            amount_cents=None if amount is None else to_cents(amount, currency),
            currency=currency,
            opened_at=record.created_at or record.modified_at,
            closed_at=fields.get("closed_at") if fields["status"] != DealStatus.OPEN else None,
            expected_close_on=fields.get("expected_close_on"),
            lost_reason=str(fields.get("lost_reason") or "")[:120],
            owner_id=self.owners.get(str(fields.get("owner_id") or "")),
            changed_at=record.modified_at,
            source=self.connection.slug,
            changes=[change for line in history if (change := self._change(line)) is not None],
            contacts=named,
            gone=self._gone.get(_opportunity_id(link), frozenset()) - {contact.lead_id for contact in named},
        )
        if facts.status != DealStatus.OPEN and facts.closed_at is None:
            facts = replace(facts, closed_at=record.modified_at)
        return self._archived(facts, record) if record.is_archived else facts

    def _status(self, fields: Mapping[str, Any]) -> str:
        status = str(fields["status"])
        if status not in DealStatus.values:
            raise UnreadableDeal(f"The CRM's status {status[:40]!a} is none of open, won and lost.")
        ours = self.stages[fields["stage"]].status
        if ours != status:
            raise UnreadableDeal(f"The deal is {status}, but its stage is mapped to one of ours that is {ours}.")
        return status

    def _archived(self, facts: DealFacts, record: RemoteRecord) -> DealFacts:
        """An open deal that was archived is lost, or it would stand in the pipeline for ever; closed ones stay."""
        lost = next((stage for stage in self.stages.values() if stage.status == DealStatus.LOST), None)
        if facts.status != DealStatus.OPEN or lost is None:
            return facts
        line = ChangeFact(
            source_key=f"archived:{record.modified_at.isoformat()}",
            changed_at=record.modified_at,
            stage=lost,
            amount_cents=facts.amount_cents,
            currency=facts.currency,
        )
        return replace(
            facts,
            stage=lost,
            status=DealStatus.LOST,
            closed_at=record.modified_at,
            lost_reason=ARCHIVED,
            changes=[*facts.changes, line],
        )

    def _change(self, line: StageChange) -> ChangeFact | None:
        stage = self.stages.get(self.stage_keys.get(line.to_stage, ""))
        if stage is None:  # a stage of the past that nobody mapped
            return None
        return ChangeFact(
            source_key=line.remote_id,
            changed_at=line.changed_at,
            stage=stage,
            amount_cents=None if line.amount is None else to_cents(line.amount, line.currency),
            currency=line.currency,
        )

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
            connection=self.connection, kind=RecordKind.PERSON, remote_id__in=contacts, lead__isnull=False
        )
        found = {row.remote_id: row.lead_id for row in links if row.lead_id is not None}
        keys = {key for person, key in contacts.items() if key and person not in found}
        by_key = {
            str(key): pk for key, pk in Lead.objects.filter(external_id__in=keys).values_list("external_id", "pk")
        }
        own = [key for key in keys if _is_uuid(key)]
        by_key |= {str(key): pk for key, pk in Lead.objects.filter(public_id__in=own).values_list("public_id", "pk")}
        found |= {person: by_key[key] for person, key in contacts.items() if person not in found and key in by_key}
        winners = Lead.objects.filter(pk__in=found.values(), merged_into__isnull=False)
        merged = dict(winners.values_list("pk", "merged_into"))
        return {person: merged.get(lead_id) or lead_id for person, lead_id in found.items()}

    def _known_contacts(self, deals: Sequence[ReadDeal]) -> dict[int, frozenset[int]]:
        """By opportunity, the people of ours that the CRM knows too: missing over there, they left the deal."""
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
                "stage": self.stage_keys.get(str(record.fields.get("stage")), ""),
                "owner": self.owners.get(str(record.fields.get("owner_id") or "")),
                "people": [[each.person_id, each.role, leads[each.person_id]] for each in record.contacts],
            }
        )


def _opportunity_id(link: ExternalRecord | None) -> int:
    """The opportunity of a link, or 0."""
    return (link.opportunity_id or 0) if link else 0


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
