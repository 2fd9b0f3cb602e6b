"""What the rows of imported tables become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from leads.pure.capture.captured import CapturedConsent


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadRecord:
    """A person and their first contact; ``occurred_at`` is None where the file does not say.

    ``stage`` is "" where the row names none, ``owner`` the name or address in the file; ``is_unsubscribed`` is None
    where the row does not say.
    """

    email: str
    external_id: str
    details: Mapping[str, str | int]
    occurred_at: datetime | None
    channel: str
    landing_page: str
    campaign: str
    attributes: Mapping[str, str]
    stage: str = ""
    owner: str = ""
    consent: CapturedConsent | None = None
    is_unsubscribed: bool | None = None

    def identities(self) -> list[tuple[str, ...]]:
        """What must not occur twice in a file."""
        return [pair for pair in (("email", self.email), ("external id", self.external_id)) if pair[1]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DealRecord:
    """A deal; ``stage`` is the key that the file's word is mapped to, else the word itself ("" if it gives none).

    ``closed_at`` may lie in the future: of an open deal it is the day expected. ``owner`` and ``account`` are names or
    addresses as the file has them.
    """

    external_id: str
    lead_external_id: str
    lead_email: str
    name: str
    stage: str
    opened_at: datetime | None
    closed_at: datetime | None
    stage_since: datetime | None
    amount_cents: int | None
    currency: str
    lost_reason: str
    owner: str
    account: str
    account_domain: str
    attributes: Mapping[str, str]
    note: str = ""
    """What was read otherwise than the file says it."""

    def identities(self) -> list[tuple[str, ...]]:
        """What must not occur twice in a file."""
        return [("external id", self.external_id)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRecord:
    """A company; empty where the file does not say."""

    name: str
    domain: str
    industry: str
    company_size: int | None
    country: str
    region: str
    owner: str
    attributes: Mapping[str, str] = field(default_factory=dict)

    def identities(self) -> list[tuple[str, ...]]:
        """What must not occur twice in a file."""
        return [("domain", self.domain)] if self.domain else [("name", self.name.casefold())]


@dataclass(frozen=True, slots=True)
class CostRecord:
    """What a campaign cost on a day."""

    campaign: str
    spent_on: date
    amount_cents: int
    currency: str
    note: str = ""

    def identities(self) -> list[tuple[str, ...]]:
        """What must not occur twice in a file."""
        return [("campaign and day", self.campaign, self.spent_on.isoformat())]


@dataclass(frozen=True, slots=True)
class AttendanceRecord:
    """A person at a webinar. ``has_come`` is False where the file says that they did not."""

    email: str
    joined_at: datetime | None
    minutes: int | None
    has_come: bool

    def identities(self) -> list[tuple[str, ...]]:
        """What must not occur twice in a file: people who lost the connection join again."""
        return [("email and time", self.email, self.joined_at.isoformat())] if self.joined_at else []


Record = AttendanceRecord | LeadRecord | DealRecord | AccountRecord | CostRecord
