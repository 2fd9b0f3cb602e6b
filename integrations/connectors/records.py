"""What comes in from a CRM: records in pages, stages and owners, a deal's past, campaigns, hints."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

Kind = Literal["person", "account", "deal"]
StageStatus = Literal["open", "won", "lost"]


@dataclass(frozen=True, slots=True)
class Window:
    """Changes with since ≤ modified < until, both aware; `since` None means from the beginning."""

    since: datetime | None
    until: datetime


@dataclass(frozen=True, slots=True)
class RemoteContact:
    """A person's part in a deal; `person_key` is our own id of the person where the CRM holds one."""

    person_id: str
    person_key: str | None
    role: str = ""


@dataclass(frozen=True, slots=True)
class Converted:
    """The records that a lead turned into; None where there is none."""

    contact_id: str | None = None
    account_id: str | None = None
    deal_id: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteRecord:
    """One record as the CRM holds it.

    `fields` of a person are the vendor's own names and plain values. `fields` of a deal are ours whatever the vendor:
    `name`, `stage` (a key of `Reference.stages`), `status` (open, won, lost), `amount` (Decimal | None), `currency`,
    `close_on` (date | None), `closed_at` (datetime | None), `lost_reason`, `owner_id`; an amount or
    close date that is none stays the text that came. Of an account: `name`, `domain`, `industry`, `owner_id`. The
    vendor's own names stand under `properties` beside them.
    """

    kind: Kind
    remote_id: str
    key: str | None
    fields: Mapping[str, Any]
    modified_at: datetime
    created_at: datetime | None = None
    is_archived: bool = False
    """Whether it is out of the way in the CRM: deleted, or put into an archive."""
    is_deleted: bool = False
    """Whether it was deleted, or nobody can tell."""
    merged_into: str | None = None
    """The id of the record that lives on, where two were merged."""
    contacts: tuple[RemoteContact, ...] = ()
    account_id: str | None = None
    """The company of a person or deal, where the CRM has such records."""
    converted: Converted | None = None
    """What a Salesforce lead became; only such a record carries it."""


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a window. `resume` goes on after this page within the same window; None on the last."""

    records: tuple[RemoteRecord, ...]
    resume: str | None


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of the CRM's pipeline; probability 0–1, None where the CRM tells none."""

    key: str
    name: str
    position: int
    probability: float | None
    status: StageStatus


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody in the CRM who may own records."""

    remote_id: str
    name: str
    email: str
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Reference:
    """Stages by position and owners, with the server's clock when they were read: the ceiling of a run."""

    stages: tuple[Stage, ...]
    owners: tuple[Owner, ...]
    server_time: datetime


@dataclass(frozen=True, slots=True)
class StageChange:
    """One line of a deal's past. `from_stage` is None at creation; equal stages mean that the amount
    changed."""

    remote_id: str
    deal_id: str
    from_stage: str | None
    to_stage: str
    amount: Decimal | str | None
    currency: str
    changed_at: datetime
    changed_by: str = ""


@dataclass(frozen=True, slots=True)
class RemoteCampaign:
    """A campaign as the CRM holds it; money is in `currency`, None is unknown."""

    remote_id: str
    name: str
    kind: str = ""
    starts_on: date | None = None
    ends_on: date | None = None
    budget: Decimal | None = None
    cost: Decimal | None = None
    currency: str = ""
    is_active: bool = True
    parent_id: str | None = None


@dataclass(frozen=True, slots=True)
class CampaignMember:
    """A person's part in a campaign. `responded_at` is None until they responded, and a day where the CRM keeps no
    more."""

    remote_id: str
    campaign_id: str
    person_id: str
    person_key: str | None
    status: str
    created_at: datetime
    responded_at: datetime | date | None = None


@dataclass(frozen=True, slots=True)
class RemoteActivity:
    """Something that happened between us and people, as the CRM keeps it.

    `kind`, `state` and `way` are words of `pure.activity_rules`. Whom the CRM names by e-mail address only stands under
    `emails`. `remote_id` is unique within the kind.
    """

    kind: str
    remote_id: str
    happened_at: datetime
    people: tuple[RemoteContact, ...] = ()
    emails: tuple[str, ...] = ()
    name: str = ""
    state: str = ""
    is_answered: bool | None = None
    way: str = ""
    page_url: str = ""
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class RawWebhook:
    """A webhook exactly as received; a signature covers the bytes."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Hint:
    """A verified word that a record changed: go and look. Never data."""

    kind: Kind
    remote_id: str
    event_id: str = ""
    """The vendor's id of the event, where it gives one: a replay carries the same."""
    is_gone: bool = False
    """Whether it speaks of a delete, archive or merge."""
    merged_into: str = ""
    """Who is said to live on, for CRMs that show nothing of the other any more; looked up before it counts."""


def as_day(value: Any) -> date | None:
    """ISO text to a date; empty is None, and so is what no calendar has: people type years such as 20212."""
    found = day_or_text(value)
    return found if isinstance(found, date) else None


def day_or_text(value: Any) -> date | str | None:
    """The same, but what cannot be read stays as it came: who reads the record refuses that one alone."""
    if not value:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return str(value)


def as_amount(value: Any) -> Decimal | None:
    """A number as it is written, as a Decimal; empty is None, and so is what is no number. Python's shortest text of a
    float is the one that was sent."""
    found = amount_or_text(value)
    return found if isinstance(found, Decimal) else None


def amount_or_text(value: Any) -> Decimal | str | None:
    """The same, but what is no number stays as it came."""
    if value is None or value == "":
        return None
    try:
        return Decimal(str(value))
    except ArithmeticError:
        return str(value)
