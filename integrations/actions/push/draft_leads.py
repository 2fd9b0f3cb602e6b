"""Draft leads: how each should look in the CRM, ready to send or to compare."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from integrations.actions.fit_values import Fit, Sent
from integrations.actions.lead_facts import further_values
from integrations.actions.local_values import outgoing_values, owner_book
from integrations.connectors import vendor
from integrations.connectors.base import Draft, Rejected
from integrations.models import Connection, ExternalRecord, RecordKind
from integrations.pure.mapping import Direction, FieldRule, Policy, content_hash, for_born_there, person_fields
from integrations.pure.merging import LEFT, agree, essence
from leads.models import Lead
from leads.queries.mail import opt_outs

UNCONVERTIBLE = "UNCONVERTIBLE"
"""Our own code for a value that the CRM's field cannot take."""
REQUIRED = "REQUIRED_FIELD_MISSING"
"""Our own code for a new record that lacks what the CRM asks of each."""


@dataclass(frozen=True, slots=True)
class LeadDraft:
    """A lead as it should be there; ``link`` is the record it is known under, None before the first push.

    ``draft`` leaves out what the CRM holds already, as far as we know, in fields that travel both ways: so that what
    somebody has just entered in the CRM is not overwritten. ``whole`` leaves out nothing, and the hash is of it.
    ``agreed`` is what both sides will agree on when it was sent. A value that the CRM's field cannot take refuses the
    lead before a call is made; ``notes`` say what was cut or left out, ``names`` are the CRM's of ours.
    """

    lead: Lead
    draft: Draft
    content_hash: str
    link: ExternalRecord | None
    whole: Mapping[str, Any] = field(default_factory=dict)
    agreed: Mapping[str, str] = field(default_factory=dict)
    refusal: Rejected | None = None
    notes: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)

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
    """Drafts by lead, in five queries and those of further facts that the mapping names.

    Our public id is the key there: it never changes, an e-mail address does.

    A lead that was converted in the CRM is drafted for the contact it became.
    """
    leads = Lead.objects.filter(pk__in=lead_ids).select_related("channel", "campaign")
    kinds = (RecordKind.PERSON, RecordKind.CONTACT)
    links = ExternalRecord.objects.filter(connection=connection, lead__in=lead_ids, kind__in=kinds)
    # The contact comes last and wins: "person" is the later word.
    people = {link.lead_id: link for link in links.order_by("-kind", "pk")}
    owners, fit = owner_book(connection=connection), Fit(connection, "person")
    rules, prefix = fit.rules, vendor(connection.kind).contact_prefix
    accounts = _accounts(connection, leads) if any(rule.local == "account_id" for rule in rules) else {}
    further = further_values(lead_ids=lead_ids, names={rule.local for rule in rules})
    unmailable = opt_outs(list(leads)) if any(rule.local == "is_unsubscribed" for rule in rules) else {}
    drafted = {}
    for lead in leads:
        link = people.get(lead.pk)
        values = outgoing_values(lead=lead, owners=owners, rules=rules, opted_out=unmailable) | further[lead.pk]
        if lead.account_id in accounts:
            values["account_id"] = accounts[lead.account_id]
        is_contact = link is not None and (
            link.kind == RecordKind.CONTACT or bool(prefix and link.remote_id.startswith(prefix))
        )
        outward = [rule for rule in rules if rule.direction is not Direction.PULL and rule.local in values]
        drafted[lead.pk] = _drafted(lead, values, outward, fit, link, is_contact=is_contact)
    return drafted


def _accounts(connection: Connection, leads: Iterable[Lead]) -> dict[int | None, str]:
    """What the CRM calls the accounts of these leads, the first of several."""
    links = ExternalRecord.objects.filter(
        connection=connection,
        kind=RecordKind.ACCOUNT,
        archived_at=None,
        account__in={lead.account_id for lead in leads},
    )
    return dict(links.order_by("-pk").values_list("account_id", "remote_id"))


def _drafted(
    lead: Lead,
    values: Mapping[str, Any],
    rules: Sequence[FieldRule],
    fit: Fit,
    link: ExternalRecord | None,
    *,
    is_contact: bool,
) -> LeadDraft:
    sent, fitted = Sent(), dict[str, tuple[str, Any] | None]()

    def fit_once(rule: FieldRule, value: Any) -> tuple[str, Any] | None:
        if rule.local not in fitted:
            fitted[rule.local] = fit.out(rule, value, sent, as_contact=is_contact)
        return fitted[rule.local]

    whole = person_fields(values, rules, fit=fit_once)
    news = whole
    if link is not None and link.archived_at is None:
        news = person_fields(values, _news(values, rules, link), fit=fit_once)
    # Nobody clears what the CRM asks of each record.
    news = {name: value for name, value in news.items() if name not in fit.asked or value not in (None, "", [])}
    key = str(lead.public_id)
    names = {local: pair[0] for local, pair in fitted.items() if pair is not None}
    refusal = Rejected(key, UNCONVERTIBLE, sent.problems[0][1], sent.problems[0][0]) if sent.problems else None
    lacking = fit.lacking(whole) if link is None or link.archived_at is not None else None
    if_new = Rejected(key, REQUIRED, lacking[1], lacking[0]) if lacking else None
    if refusal is None and link is not None:  # it is archived: nobody else is looked for
        refusal = if_new
    return LeadDraft(
        lead,
        Draft(
            key,
            news,
            link.remote_id if link else None,
            is_keyed=link is None or not link.lacks_key,
            if_new=if_new if link is None else None,
        ),
        content_hash(whole),
        link,
        whole,
        {local: essence(values[local]) for local in names},
        refusal,
        tuple(sent.notes),
        names,
    )


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
