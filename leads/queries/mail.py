"""Whom nobody may send mail: people who unsubscribed or complained, and addresses that bounced."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from leads.models import Lead, TouchKind, Touchpoint

Stored = Mapping[int, Sequence[Touchpoint]]
"""Leads by key, each with all touchpoints that are stored of it."""

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


def opt_outs(leads: Collection[Lead], stored: Stored | None = None) -> dict[int, OptOut]:
    """Id of a lead → the newest reason not to mail them; who may be mailed is not among them.

    Signing up again lifts an unsubscription. A complaint or a hard bounce stays, and so does what a file said. Whose
    touchpoints are ``stored`` at hand needs no look-up of them.
    """
    kinds, at_hand = [*_WORDS, *_LIFTED_BY], stored or {}
    told = [
        (lead.pk, touch.kind, touch.occurred_at)
        for lead in leads
        for touch in sorted(at_hand.get(lead.pk, ()), key=lambda touch: touch.occurred_at)
        if touch.kind in kinds
    ]
    if looked_up := [lead.pk for lead in leads if lead.pk not in at_hand]:
        rows = Touchpoint.objects.filter(lead__in=looked_up, kind__in=kinds).order_by("occurred_at", "pk")
        told += rows.values_list("lead_id", "kind", "occurred_at")
    found: dict[int, OptOut] = {}
    said = {lead.pk: OptOut("unsubscribed") for lead in leads if lead.is_unsubscribed}
    for lead, kind, at in told:
        if kind in _LIFTED_BY:
            if lead in found and found[lead].reason == _WORDS[TouchKind.EMAIL_UNSUBSCRIBE]:
                del found[lead]
        elif lead not in found or kind != TouchKind.EMAIL_UNSUBSCRIBE:
            found[lead] = OptOut(_WORDS[TouchKind(kind)], at)
    return {**said, **found}
