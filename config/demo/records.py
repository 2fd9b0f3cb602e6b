"""The rows of the made-up company, before any database: plain columns that refer to each other by position.

Moments are aware UTC datetimes, days are dates in the company's time zone, money is integer cents with its
currency. An index such as `lead` or `campaign` is the position in the list of the same name in
`DemoCompany`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo


@dataclass(slots=True)
class Person:
    """Someone who signs in; reps have a home territory, weights in
    rotations, and days away."""

    first_name: str
    last_name: str
    role: str
    email: str
    territory: str = ""
    shares: dict[str, int] = field(default_factory=dict)
    away: list[tuple[date, date, str]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"


@dataclass(slots=True)
class Territory:
    """A sales territory; no countries means it catches everything left."""

    slug: str
    name: str
    countries: tuple[str, ...]


@dataclass(slots=True)
class Campaign:
    """One line of the marketing plan: a programme when `parent` is None, otherwise a campaign inside it.

    `pull` is the share of new leads it brings, `effect` its true causal strength (0 = changes nobody's mind).
    """

    slug: str
    name: str
    channel: str
    parent: int | None
    starts_on: date
    ends_on: date | None
    budget_cents: int
    currency: str
    pull: float
    effect: float
    region: str
    source: str
    medium: str
    daily_cents: int
    happens_on: date | None = None


@dataclass(slots=True)
class Cost:
    """What a campaign cost on one day, as reported on another. A day without a row is unknown, not free."""

    campaign: int
    day: date
    cents: int
    currency: str
    reported_on: date


@dataclass(slots=True)
class Account:
    """A company by its domain."""

    name: str
    domain: str
    country: str
    region: str
    postal_code: str
    industry: str
    size: int
    culture: str
    fit: float
    interest: float


@dataclass(slots=True)
class Lead:
    """A person who gave contact data, at `captured_at`, through touch `born` of the journey."""

    key: str
    email: str
    external_id: str
    first_name: str
    last_name: str
    company: str
    job_title: str
    phone: str
    country: str
    region: str
    postal_code: str
    industry: str
    size: int | None
    account: int | None
    campaign: int | None
    channel: str
    captured_at: datetime
    has_consent: bool
    is_bot: bool
    unsubscribed_at: datetime | None = None
    merged_into: int | None = None
    fit: float = 0.0


@dataclass(slots=True)
class Touch:
    """One dated contact of a lead through a channel; `kind` is the event's word in the API, or a visit."""

    lead: int
    at: datetime
    kind: str
    channel: str
    campaign: int | None
    name: str
    page: str
    is_bot: bool


@dataclass(slots=True)
class StageMove:
    """An opportunity entering a stage."""

    at: datetime
    stage: str


@dataclass(slots=True)
class AmountMove:
    """An opportunity's amount changing to `cents`."""

    at: datetime
    cents: int


@dataclass(slots=True)
class Deal:
    """An opportunity with its people and its whole history; `cause` is the campaign that truly started it.

    It was to close `planned_on`; `expected_on` is the day on which it did, once it is closed.
    """

    key: str
    name: str
    account: int | None
    lead: int
    contacts: list[tuple[int, str]]
    owner: int
    currency: str
    cents: int
    created_at: datetime
    closed_at: datetime | None
    planned_on: date
    expected_on: date
    status: str
    stage: str
    lost_reason: str
    stages: list[StageMove]
    amounts: list[AmountMove]
    cause: int | None
    reopened: bool = False


@dataclass(slots=True)
class Rate:
    """What one unit of `currency` was worth in the company's currency on a day."""

    currency: str
    day: date
    rate: Decimal


@dataclass(slots=True)
class DemoCompany:
    """Everything, in the order it can be written."""

    seed: int
    name: str
    currency: str
    time_zone: str
    since: datetime
    until: datetime
    people: list[Person]
    territories: list[Territory]
    campaigns: list[Campaign]
    costs: list[Cost]
    rates: list[Rate]
    accounts: list[Account]
    leads: list[Lead]
    touches: list[Touch]
    deals: list[Deal]

    def day_of(self, at: datetime) -> date:
        """The day of a moment where the company is."""
        return at.astimezone(ZoneInfo(self.time_zone)).date()
