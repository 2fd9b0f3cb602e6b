"""Whom capture already knows: leads by e-mail and external id, mergers followed, rows locked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from leads.models import Lead, Touchpoint
from leads.pure.capture.captured import CapturedEvent, CapturedItem
from leads.pure.refused import Refused
from leads.queries.look_up import Asked, look_up

_GENUINE = {
    f"{name}_touch_at": f"(SELECT {which}(t.occurred_at) FROM leads_touchpoint t"  # noqa: S608  # constants alone
    " WHERE t.lead_id = r.id AND t.exclusion = '')"
    for name, which in (("first", "min"), ("newest", "max"))
}
"""The moments of a lead's first and newest genuine touch."""


class CaptureRefused(Refused):
    """An item that contradicts what we know; ``pointer`` is relative to the item."""

    def __init__(self, pointer: str, code: str, detail: str) -> None:
        super().__init__(detail)
        self.pointer, self.code, self.detail = pointer, code, detail


@dataclass(slots=True)
class LeadFile:
    """A lead on the desk: whether it is new, the moments of its first and newest genuine touch, what changed.

    ``is_mail_news``: something happened after which it may be mailed, or may not. ``touches`` are those of this batch.
    """

    lead: Lead
    is_new: bool
    first_at: datetime | None
    newest_at: datetime | None
    changes: dict[str, Any]
    has_news: bool = False
    is_mail_news: bool = False
    touches: list[Touchpoint] = field(default_factory=list)


def asking(items: Sequence[CapturedItem]) -> Asked:
    """Who may be known: always locked in the same order, so that two batches cannot wait for each other."""
    emails = {item.email for item in items if item.email}
    external_ids = {item.external_id for item in items if item.external_id}
    return Asked(Lead, {"email": emails, "external_id": external_ids}, locks=True, more=_GENUINE)


class KnownPeople:
    """The leads that the items of one batch may be about, and those they make. ``found`` are the rows of `asking`."""

    def __init__(self, found: Sequence[Lead]) -> None:
        rows = {lead.pk: lead for lead in found}
        while missing := {lead.merged_into_id for lead in rows.values() if lead.merged_into_id} - rows.keys():
            (winners,) = look_up(Asked(Lead, {"id": missing}, locks=True, more=_GENUINE))
            rows |= {lead.pk: lead for lead in winners}
        files = {
            pk: LeadFile(lead, False, getattr(lead, "first_touch_at", None), getattr(lead, "newest_touch_at", None), {})
            for pk, lead in rows.items()
        }
        self.files: list[LeadFile] = list(files.values())
        self.by_email: dict[str, LeadFile] = {}
        self.by_external_id: dict[str, LeadFile] = {}
        for lead in rows.values():
            winner = lead
            while winner.merged_into_id:
                winner = rows[winner.merged_into_id]
            if lead.email:
                self.by_email[lead.email] = files[winner.pk]
            if lead.external_id:
                self.by_external_id[lead.external_id] = files[winner.pk]

    def identify(self, item: CapturedItem, event: CapturedEvent, at: datetime) -> LeadFile | CaptureRefused:
        """The lead an item is about, a new one, or why neither can be told."""
        by_email = self.by_email.get(item.email) if item.email else None
        by_id = self.by_external_id.get(item.external_id) if item.external_id else None
        if by_email and by_id and by_email is not by_id:
            return CaptureRefused(
                "/external_id", "identity_conflict", "The email and the external id are of two people."
            )
        file = by_email or by_id
        if file is None:
            lead = Lead(captured_at=min(event.occurred_at, at), changed_at=at, stage="")
            file = LeadFile(lead, True, None, None, {})
            self.files.append(file)
        elif by_email is None and item.email and file.lead.email:
            return CaptureRefused(
                "/email", "identity_conflict", "This external id is known with another email address."
            )
        elif by_id is None and item.external_id and file.lead.external_id:
            return CaptureRefused("/external_id", "identity_conflict", "This email is known with another external id.")
        if item.email and by_email is None:
            file.lead.email = file.changes["email"] = item.email
            self.by_email[item.email] = file
        if item.external_id and by_id is None:
            file.lead.external_id = file.changes["external_id"] = item.external_id
            self.by_external_id[item.external_id] = file
        return file
