"""Revise leads: take over what another system of record, or the undoing of a run, says about people we know.

Unlike capture, which only ever adds to what is known, a revision may empty a field: whoever calls has decided whose
value counts. Everything that follows from a change happens as always: news, a fresh score, the log of the owner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from leads.actions.capture.suppress import apply_suppressions
from leads.models import DETAILS, Assignment, Lead, LeadEvent, User

BATCH = 200
ATTRIBUTE = "attributes."
COLUMNS = (*DETAILS, "email", "owner_id")


@dataclass(frozen=True, slots=True)
class Revision:
    """New values of one lead by name: columns of ``COLUMNS``, or ``attributes.<name>``. They are already validated."""

    lead_id: int
    values: Mapping[str, Any]


@dataclass(slots=True)
class Revised:
    """What became of a revision: ``written`` is {name: [before, after]}, ``refused`` {name: why}."""

    lead_id: int
    written: dict[str, list[Any]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def revise_leads(*, revisions: Sequence[Revision], source: str, at: datetime, by: User | None = None) -> list[Revised]:
    """Write what differs, in one transaction; answers are in the order of the revisions, each lead named once."""
    with transaction.atomic():
        desk = _Desk(revisions, source, at, by)
        revised = [desk.revise(revision) for revision in revisions]
        desk.write()
    return revised


class _Desk:
    """The leads of a batch, locked in one order."""

    def __init__(self, revisions: Sequence[Revision], source: str, at: datetime, by: User | None) -> None:
        self.source, self.at, self.by = source, at, by
        rows = Lead.objects.live().select_for_update(of=("self",)).order_by("pk")
        self.leads = {lead.pk: lead for lead in rows.filter(pk__in=[each.lead_id for each in revisions])}
        emails = {each.values["email"] for each in revisions if each.values.get("email")}
        known = Lead.objects.filter(email__in=emails).values_list("email", "pk") if emails else ()
        self.taken: dict[str, int] = {str(email): pk for email, pk in known}
        owners = {each.values["owner_id"] for each in revisions if each.values.get("owner_id")}
        self.users = {user.pk: user for user in User.objects.filter(pk__in=owners)} if owners else {}
        self.changed: list[Lead] = []
        self.with_new_email: set[int] = set()
        self.events: list[LeadEvent] = []
        self.assignments: list[Assignment] = []

    def revise(self, revision: Revision) -> Revised:
        revised, lead = Revised(revision.lead_id), self.leads.get(revision.lead_id)
        if lead is None:
            revised.refused = dict.fromkeys(revision.values, "The lead was merged or removed.")
            return revised
        for name, value in revision.values.items():
            before = self._read(lead, name)
            if before == value:
                continue
            refusal = self._refusal(lead, name, value)
            if refusal:
                revised.refused[name] = refusal
                continue
            self._set(lead, name, value)
            revised.written[name] = [before, value]
        if revised.written:
            self._tell(lead, revised.written)
        return revised

    def _read(self, lead: Lead, name: str) -> Any:
        if name.startswith(ATTRIBUTE):
            return lead.attributes.get(name.removeprefix(ATTRIBUTE))
        if name not in COLUMNS:
            raise ValueError(f"{name} is not revised from outside.")
        return getattr(lead, name)

    def _refusal(self, lead: Lead, name: str, value: Any) -> str:
        if name == "email":
            if not value:
                return "" if lead.external_id else "A lead without an external id keeps its email address."
            if self.taken.setdefault(value, lead.pk) != lead.pk:
                return "Another lead has this email address."
        if name == "owner_id" and value is not None and value not in self.users:
            return "There is no such user."
        return ""

    def _set(self, lead: Lead, name: str, value: Any) -> None:
        if not name.startswith(ATTRIBUTE):
            setattr(lead, name, (value or None) if name == "email" else value)
            return
        rest = {key: each for key, each in lead.attributes.items() if key != name.removeprefix(ATTRIBUTE)}
        lead.attributes = rest if value is None else {**rest, name.removeprefix(ATTRIBUTE): value}

    def _tell(self, lead: Lead, written: Mapping[str, Sequence[Any]]) -> None:
        lead.changed_at = self.at
        # A score may follow from any detail; the sweep gives it within seconds.
        lead.intake_due_at = self.at
        self.changed.append(lead)
        if "email" in written:
            self.with_new_email.add(lead.pk)
        if details := sorted(name for name in written if name != "owner_id"):
            self._event(lead, LeadEvent.Kind.UPDATED, {"fields": details, "source": self.source})
        if "owner_id" in written:
            owner = self.users.get(lead.owner_id or 0)
            because = f"{self.source} names {owner}" if owner else f"{self.source} names nobody"
            self.assignments.append(
                Assignment(
                    lead=lead,
                    territory_id=lead.territory_id,
                    owner=owner,
                    because=because[:400],
                    assigned_at=self.at,
                    by=self.by,
                )
            )
            self._event(lead, LeadEvent.Kind.ASSIGNED, {"owner": str(owner or ""), "because": because})

    def _event(self, lead: Lead, kind: LeadEvent.Kind, details: dict[str, Any]) -> None:
        self.events.append(
            LeadEvent(lead=lead, kind=kind, happened_at=self.at, recorded_at=self.at, by=self.by, details=details)
        )

    def write(self) -> None:
        columns = [*COLUMNS, "attributes", "changed_at", "intake_due_at"]
        Lead.objects.bulk_update(self.changed, columns, batch_size=BATCH)
        if given := [lead for lead in self.changed if lead.pk in self.with_new_email]:
            apply_suppressions(leads=given, at=self.at)
        Assignment.objects.bulk_create(self.assignments, batch_size=BATCH)
        LeadEvent.objects.bulk_create(self.events, batch_size=BATCH)
