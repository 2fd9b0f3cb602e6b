"""Draft leads: how each should look in the CRM, ready to send or to compare."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from integrations.actions.local_values import lead_values, owner_book
from integrations.connectors.base import Draft
from integrations.models import Connection, ExternalRecord, RecordKind
from integrations.pure.mapping import Direction, FieldRule, Policy, content_hash, for_born_there, person_fields
from integrations.pure.merging import LEFT, agree, essence
from integrations.queries.mapping import rules_of
from leads.models import Lead


@dataclass(frozen=True, slots=True)
class LeadDraft:
    """A lead as it should be there; ``link`` is the record it is known under, None before the first push.

    ``draft`` leaves out what the CRM holds already, as far as we know, in fields that travel both ways: so that what
    somebody has just entered over there is not overwritten. ``whole`` leaves out nothing, and the hash is of it.
    ``agreed`` is what both sides will agree on when it was sent.
    """

    lead: Lead
    draft: Draft
    content_hash: str
    link: ExternalRecord | None
    whole: Mapping[str, Any] = field(default_factory=dict)
    agreed: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_unchanged(self) -> bool:
        """Whether the CRM holds exactly this, as far as we know."""
        link = self.link
        if link is None or link.archived_at is not None:
            return False
        if link.content_hash == self.content_hash or not self.draft.fields:
            return True
        known = link.snapshot
        return bool(known) and all(name in known and agree(value, known[name]) for name, value in self.agreed.items())

    @property
    def hold(self) -> str:
        """Why it must not be sent, or nothing."""
        if self.link is None:
            return ""
        if self.link.held_at is not None:
            return f"Held: {self.link.held_because}"
        return f"Merged into {self.link.merged_into} in the CRM." if self.link.merged_into else ""


def draft_leads(*, connection: Connection, lead_ids: Collection[int]) -> dict[int, LeadDraft]:
    """Drafts by lead, in five queries. Our public id is the key there: it never changes, an e-mail address does.

    A lead that was converted over there is drafted for the contact it became.
    """
    leads = Lead.objects.filter(pk__in=lead_ids).select_related("channel", "campaign")
    kinds = (RecordKind.PERSON, RecordKind.CONTACT)
    links = ExternalRecord.objects.filter(connection=connection, lead__in=lead_ids, kind__in=kinds)
    # The contact comes last and wins: "person" is the later word.
    people = {link.lead_id: link for link in links.order_by("-kind", "pk")}
    owners, rules = owner_book(connection=connection), rules_of(connection)["person"]
    drafted = {}
    for lead in leads:
        link = people.get(lead.pk)
        values = lead_values(lead=lead, owners=owners, rules=rules)
        whole = person_fields(values, rules)
        sent = person_fields(values, _news(values, rules, link)) if link and link.archived_at is None else whole
        draft = Draft(
            str(lead.public_id), sent, link.remote_id if link else None, is_keyed=link is None or not link.lacks_key
        )
        agreed = {
            rule.local: essence(values[rule.local])
            for rule in rules
            if rule.direction is not Direction.PULL and rule.local in values
        }
        drafted[lead.pk] = LeadDraft(lead, draft, content_hash(whole), link, whole, agreed)
    return drafted


def _news(values: Mapping[str, Any], rules: Sequence[FieldRule], link: ExternalRecord) -> list[FieldRule]:
    """The rules whose field is ours to send to a record that exists."""
    known = link.snapshot
    if link.is_born_there:
        rules = for_born_there(rules)

    def is_theirs(rule: FieldRule) -> bool:
        if rule.local not in known or rule.local not in values:
            return False
        if link.is_born_there and f"{LEFT}{rule.local}" in known and agree(values[rule.local], known[rule.local]):
            return True  # what could not be taken over is not replaced by nothing
        if rule.policy is Policy.FILL_EMPTY:
            return bool(known[rule.local])
        return rule.direction is Direction.BOTH and agree(values[rule.local], known[rule.local])

    return [rule for rule in rules if not is_theirs(rule)]
