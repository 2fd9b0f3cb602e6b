"""Whom nobody may send mail: people who unsubscribed or complained, and addresses that bounced."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from leads.models import Lead, TouchKind, Touchpoint

_LIFTED_BY = frozenset([TouchKind.EMAIL_SIGNUP])
_WORDS = {
    TouchKind.EMAIL_UNSUBSCRIBE: "unsubscribed",
    TouchKind.EMAIL_COMPLAINT: "complained",
    TouchKind.EMAIL_BOUNCE: "bounced",
}


@dataclass(frozen=True, slots=True)
class OptOut:
    """Why a lead gets no mail, and since when; None where a file only said that it is so."""

    reason: str
    at: datetime | None = None

    @property
    def words(self) -> str:
        """The same for people."""
        said = {"complained": "marked an email as spam", "bounced": "the address bounced"}
        return said.get(self.reason, self.reason) + (f" on {self.at:%Y-%m-%d}" if self.at else "")


def opt_outs(leads: Collection[Lead]) -> dict[int, OptOut]:
    """Id of a lead → the newest reason not to mail them; who may be mailed is not among them.

    Signing up again lifts an unsubscription. A complaint or a hard bounce stays, and so does what a file said.
    """
    kinds = [*_WORDS, *_LIFTED_BY]
    rows = Touchpoint.objects.filter(lead__in=leads, kind__in=kinds).order_by("occurred_at", "pk")
    found: dict[int, OptOut] = {}
    said = {lead.pk: OptOut("unsubscribed") for lead in leads if lead.is_unsubscribed}
    for lead, kind, at in rows.values_list("lead_id", "kind", "occurred_at"):
        if kind in _LIFTED_BY:
            if lead in found and found[lead].reason == _WORDS[TouchKind.EMAIL_UNSUBSCRIBE]:
                del found[lead]
        elif lead not in found or kind != TouchKind.EMAIL_UNSUBSCRIBE:
            found[lead] = OptOut(_WORDS[TouchKind(kind)], at)
    return {**said, **found}
