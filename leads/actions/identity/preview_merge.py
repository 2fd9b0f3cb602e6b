"""What a merge would do, told before it is done: which value of which lead wins, and what moves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leads.actions.identity.merge_values import merged_values, standings
from leads.models import Consent, FollowUp, Lead, OpportunityContact, Touchpoint
from leads.pure.one_person import is_empty

_ROWS = (
    ("First name", "first_name"),
    ("Last name", "last_name"),
    ("Email", "email"),
    ("External id", "external_id"),
    ("Phone", "phone"),
    ("Job title", "job_title"),
    ("Company", "company"),
    ("Account", "account"),
    ("Industry", "industry"),
    ("Company size", "company_size"),
    ("Country", "country"),
    ("Region", "region"),
    ("Postal code", "postal_code"),
    ("Stage", "stage"),
    ("Owner", "owner"),
    ("Territory", "territory"),
    ("First channel", "channel"),
    ("First campaign", "campaign"),
    ("Created", "captured_at"),
    ("Unsubscribed", "is_unsubscribed"),
)
_MOVING = (("touchpoint", Touchpoint), ("deal", OpportunityContact), ("follow-up", FollowUp), ("consent", Consent))


@dataclass(frozen=True, slots=True)
class Compared:
    """A value of both leads; ``is_theirs`` where the merged lead gets that of the other."""

    label: str
    ours: Any
    theirs: Any
    is_theirs: bool

    @property
    def is_moment(self) -> bool:
        """Whether these are moments, to be shown in the company's time zone."""
        return isinstance(self.ours, datetime)


@dataclass(frozen=True, slots=True)
class MergePreview:
    """Values that either lead has, and [how many, of what] moves to the survivor."""

    rows: list[Compared]
    moving: list[tuple[int, str]]


def preview_merge(*, survivor: Lead, loser: Lead) -> MergePreview:
    """Reads only; both leads with their relations loaded. What is done is decided again when it is done."""
    found = standings(leads={survivor.pk: survivor, loser.pk: loser})
    values = merged_values(survivor=survivor, loser=loser, standing=found[survivor.pk], other=found[loser.pk])
    rows = [
        Compared(label, _said(survivor, name), _said(loser, name), name in values or f"{name}_id" in values)
        for label, name in _ROWS
    ]
    rows += _attributes(survivor, loser)
    counts = [(model._default_manager.filter(lead=loser).count(), noun) for noun, model in _MOVING]
    said = [row for row in rows if not (is_empty(row.ours) and is_empty(row.theirs))]
    return MergePreview(said, [(count, noun) for count, noun in counts if count])


def _attributes(survivor: Lead, loser: Lead) -> list[Compared]:
    names = sorted({*survivor.attributes, *loser.attributes})
    pairs = [(name, survivor.attributes.get(name), loser.attributes.get(name)) for name in names]
    return [Compared(name, ours, theirs, is_empty(ours) and not is_empty(theirs)) for name, ours, theirs in pairs]


def _said(lead: Lead, name: str) -> Any:
    if name == "stage":
        return lead.get_stage_display()
    if name == "is_unsubscribed":
        return "Yes" if lead.is_unsubscribed else "No"
    return getattr(lead, name)
