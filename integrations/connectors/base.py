"""What every connector speaks: drafts in, outcomes, pages and history out, errors that carry the retry
decision.

Outcomes are about one record; exceptions are about the connection. An exception out of `upsert` means that
every draft not yet answered for was *definitely not* written; what is unclear comes back as `Unknown`, never
as an exception.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Literal, Protocol

Kind = Literal["person", "account", "deal"]
StageStatus = Literal["open", "won", "lost"]


# --- errors ----------------------------------------------------------------------------------------------


class CrmError(Exception):
    """A call that brought no usable answer. The message names no secret and no query string.

    `permanent`: the same call will fail again until a person changes something. `stops_connection`: no other
    call of this connection will fare better now. `after` and `resume_at`: the CRM's own word on when to come
    back. `unclear`: a write may have happened all the same.
    """

    permanent: ClassVar[bool] = False
    stops_connection: ClassVar[bool] = True

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        field: str = "",
        after: timedelta | None = None,
        resume_at: datetime | None = None,
        unclear: bool = False,
    ) -> None:
        super().__init__(message)
        self.code, self.field = code, field
        self.after, self.resume_at, self.unclear = after, resume_at, unclear

    def retry_at(self, at: datetime) -> datetime | None:
        """The earliest moment worth another try, seen from `at`; None when only a person can help."""
        if self.permanent:
            return None
        return self.resume_at or at + (self.after or timedelta())


class AuthDead(CrmError):
    """The credentials are refused: stop the connection and tell its admin."""

    permanent = True


class ScopeMissing(CrmError):
    """The credentials hold, but not for this: the admin must grant a scope."""

    permanent = True


class QuotaDay(CrmError):
    """The day's calls are spent: stop the connection until `resume_at`."""


class Throttled(CrmError):
    """Too many calls: pause the whole connection for `after`."""


class Outage(CrmError):
    """No answer, half an answer, or one nobody can read; see `unclear` before repeating a write."""


class Misuse(CrmError):
    """Our request is wrong: a bug or a setting of ours. Repeating it changes nothing; other calls may go
    on."""

    permanent = True
    stops_connection = False


# --- what goes out and what comes of it ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Draft:
    """One record as it should be in the CRM. `key` is our id of it; fields absent are left as they are."""

    key: str
    fields: Mapping[str, Any]
    remote_id: str | None = None


@dataclass(frozen=True, slots=True)
class Created:
    """The CRM holds a new record."""

    key: str
    remote_id: str


@dataclass(frozen=True, slots=True)
class Updated:
    """The CRM changed the record it had."""

    key: str
    remote_id: str


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The CRM held all of it already."""

    key: str
    remote_id: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Definitely not written, and will not be until the data or the mapping changes."""

    key: str
    code: str
    message: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class RetryLater:
    """Definitely not written; worth another try no sooner than `after`."""

    key: str
    reason: str
    after: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Unknown:
    """Perhaps written: look it up (`Connector.find`) before trying again."""

    key: str
    reason: str


Outcome = Created | Updated | Unchanged | Rejected | RetryLater | Unknown


# --- what comes in ---------------------------------------------------------------------------------------


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
    `close_on` (date | None), `closed_at` (datetime | None), `lost_reason`, `owner_id`; of an account: `name`, `domain`,
    `industry`, `owner_id`. The vendor's own names stand under `properties` beside them.
    """

    kind: Kind
    remote_id: str
    key: str | None
    fields: Mapping[str, Any]
    modified_at: datetime
    created_at: datetime | None = None
    is_archived: bool = False
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
    """A step of the CRM's pipeline; probability 0–1."""

    key: str
    name: str
    position: int
    probability: float
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
    amount: Decimal | None
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
    """A person's part in a campaign. `responded_at` is None until they responded."""

    remote_id: str
    campaign_id: str
    person_id: str
    person_key: str | None
    status: str
    created_at: datetime
    responded_at: datetime | None = None


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


# --- what a connector can do -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the sync engine may ask for. `batch_size`: drafts per call; `pushes`: the kinds that `upsert`
    takes; `pulls`: those that `changes` gives; `deletes`: `changes` itself gives archived records; `gone`: they come
    by the pass of that name instead."""

    batch_size: int
    idempotent_upsert: bool
    pushes: frozenset[Kind]
    pulls: frozenset[Kind] = frozenset({"person", "deal"})
    campaigns: bool = False
    members: bool = False
    deletes: bool = False
    gone: bool = False
    history: bool = False
    webhooks: bool = False


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """Whose CRM the credentials open, and its clock."""

    account_id: str
    name: str
    user: str
    server_time: datetime
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Quota:
    """How many calls (or the vendor's tokens) are left of how many, and when they are whole again; None is not told."""

    left: int
    limit: int | None = None
    resets_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SchemaField:
    """One field of the CRM that a mapping may name."""

    name: str
    label: str
    type: Literal["text", "number", "money", "date", "datetime", "owner", "stage", "object", "choice", "boolean"]
    is_writable: bool = True
    is_required: bool = False
    is_custom: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    """(value, label) of a choice."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The fields of one kind."""

    kind: Kind
    fields: tuple[SchemaField, ...]

    def names(self) -> frozenset[str]:
        """The fields' names."""
        return frozenset(each.name for each in self.fields)


@dataclass(frozen=True, slots=True)
class Token:
    """A short-lived access token. `base_url` is where the vendor says it holds, empty for the account's own."""

    access: str = field(repr=False)
    expires_at: datetime | None = None
    base_url: str = ""
    refresh: str = field(default="", repr=False)


class TokenStore(Protocol):
    """Keeps the access token of a connection between processes."""

    def read(self) -> Token | None:
        """The token kept last."""
        ...

    def renew(self, stale: Token | None, fetch: Callable[[Token | None], Token]) -> Token:
        """Replace `stale` by what `fetch` gets, under a lock: whoever comes second gets the first one's token
        without a call. `fetch` is given the token kept now (for its refresh token)."""
        ...


class MemoryTokens:
    """Keeps the token in this object: for checking an account that is not stored, and for tests."""

    def __init__(self, token: Token | None = None) -> None:
        self._token = token

    def read(self) -> Token | None:
        """The token kept last."""
        return self._token

    def renew(self, stale: Token | None, fetch: Callable[[Token | None], Token]) -> Token:
        """Fetch unless another token than `stale` is kept already."""
        if self._token is None or self._token == stale:
            self._token = fetch(self._token)
        return self._token


@dataclass(frozen=True, slots=True)
class Account:
    """Where and how to reach a CRM. Secrets stay out of the repr; `settings` are the vendor's plain ones."""

    base_url: str
    secrets: Mapping[str, str] = field(repr=False)
    allow_loopback: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    tokens: TokenStore = field(default_factory=MemoryTokens, repr=False)
    fields: Mapping[Kind, Sequence[str]] = field(default_factory=dict)
    """The vendor's names of fields that the connection's mapping reads, for vendors that give only what is asked for;
    a connector adds those it needs itself."""


@dataclass(frozen=True, slots=True)
class SecretSpec:
    """A secret that a kind of CRM asks for: its name in `Account.secrets` and words for the form."""

    name: str
    label: str
    help: str = ""
    is_optional: bool = False
    is_long: bool = False


@dataclass(frozen=True, slots=True)
class SignIn:
    """A way to prove who we are, and the plain settings and secrets that it needs."""

    key: str
    label: str
    secrets: tuple[SecretSpec, ...]
    settings: tuple[SecretSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class Vendor:
    """What the wizard must know of a kind of CRM before it can be reached. The address of `sandbox_path` below a
    sandbox server speaks the same dialect."""

    kind: str
    name: str
    sign_ins: tuple[SignIn, ...]
    base_url: str = ""
    """The address for everybody, empty where each account has its own."""
    url_help: str = ""
    sandbox_path: str = ""
    docs_url: str = ""
    webhooks: Literal["", "signature", "password"] = ""
    """What proves a webhook: a signature made with the app's own secret, or a password that we make up."""


class Connector(Protocol):
    """The code for one kind of CRM, bound to one account. Not shared between threads."""

    capabilities: Capabilities

    @property
    def calls(self) -> int:
        """Requests sent so far; calls are money."""
        ...

    @property
    def quota(self) -> Quota | None:
        """What the last answer said about the day's calls; None when it did not say."""
        ...

    def check(self) -> AccountInfo:
        """Whose account it is; the cheapest call that proves the credentials."""
        ...

    def describe(self, kind: Kind) -> Schema:
        """The fields that a mapping may use."""
        ...

    def prepare(self) -> tuple[str, ...]:
        """Make what the CRM lacks for us (the field of our own key); returns what a person must do there."""
        ...

    def upsert(self, kind: Kind, drafts: Sequence[Draft]) -> Iterator[Outcome]:
        """Write drafts; one outcome per draft, in their order."""
        ...

    def find(self, kind: Kind, keys: Sequence[str]) -> dict[str, RemoteRecord]:
        """The records that carry these keys of ours; keys that the CRM does not hold are absent."""
        ...

    def fetch(self, kind: Kind, ids: Sequence[str]) -> dict[str, RemoteRecord]:
        """The records with these remote ids, archived ones too where the CRM still shows them; others are absent."""
        ...

    def changes(self, kind: Kind, window: Window, resume: str | None = None) -> Iterator[Page]:
        """Pages of a window by (modified, id), archived records included; at least one page, perhaps
        empty."""
        ...

    def gone(self, kind: Kind, window: Window, resume: str | None = None) -> Iterator[Page]:
        """Records deleted, archived or merged in the window, for CRMs whose `changes` leaves them out; else nothing."""
        ...

    def campaigns(self) -> Iterator[RemoteCampaign]:
        """All campaigns; nothing where the CRM has none."""
        ...

    def members(self, window: Window) -> Iterator[CampaignMember]:
        """Campaign members changed in the window; nothing where the CRM has none."""
        ...

    def reference(self) -> Reference:
        """Stages and owners."""
        ...

    def stage_history(self, ids: Sequence[str]) -> Iterator[StageChange]:
        """The past of these deals, by deal, oldest first."""
        ...

    def parse_webhook(self, raw: RawWebhook) -> list[Hint]:
        """Verified hints; raises `Misuse` on a bad signature or where webhooks are not spoken."""
        ...

    def close(self) -> None:
        """Let go of the sockets."""
        ...


def as_day(value: Any) -> date | None:
    """ISO text to a date; empty is None."""
    return date.fromisoformat(value) if value else None
