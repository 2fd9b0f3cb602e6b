"""What every connector speaks: drafts in, outcomes, pages and history out, errors that carry the retry
decision.

Outcomes are about one record; exceptions are about the connection. An exception out of `upsert` means that
every draft not yet answered for was *definitely not* written; what is unclear comes back as `Unknown`, never
as an exception.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from .account import Account, Flow, MemoryTokens, SecretSpec, SignIn, Token, TokenStore, Vendor
from .described import Schema, SchemaField
from .errors import AuthDead, CrmError, Misuse, NotConnected, Outage, QuotaDay, ScopeMissing, Throttled
from .outcomes import Candidate, Created, Draft, Outcome, Rejected, RetryLater, Unchanged, Unknown, Updated
from .records import (
    CampaignMember,
    Converted,
    Hint,
    Kind,
    Owner,
    Page,
    RawWebhook,
    Reference,
    RemoteActivity,
    RemoteCampaign,
    RemoteContact,
    RemoteRecord,
    Stage,
    StageChange,
    Window,
    amount_or_text,
    as_amount,
    as_day,
    day_or_text,
)

__all__ = [
    "Account", "AccountInfo", "AuthDead", "CampaignMember", "Candidate", "Capabilities", "Connector", "Converted",
    "Created", "CrmError", "Draft", "Flow", "Hint", "Kind", "MemoryTokens", "Misuse", "NotConnected",
    "Outage", "Outcome", "Owner", "Page",
    "Quota", "QuotaDay", "RawWebhook", "Reference", "Rejected", "RemoteActivity", "RemoteCampaign", "RemoteContact",
    "RemoteRecord",
    "RetryLater", "Schema", "SchemaField", "ScopeMissing", "SecretSpec", "SignIn", "Stage", "StageChange",
    "Throttled", "Token", "TokenStore", "Unchanged", "Unknown", "Updated", "Vendor", "Window",
    "amount_or_text", "as_amount", "as_day", "day_or_text",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the sync engine may ask for. `batch_size`: drafts per call; `pushes`: the kinds that `upsert`
    takes; `pulls`: those that `changes` gives; `deletes`: `changes` itself gives archived records; `gone`: they come
    by the pass of that name instead. From `bulk_from` drafts on `upsert` takes `bulk_size` at once; 0 is never."""

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
    bulk_from: int = 0
    bulk_size: int = 0


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """Whose CRM the credentials open, and its clock."""

    account_id: str
    name: str
    user: str
    server_time: datetime
    currency: str = ""
    time_zone: str = ""
    """In which its people name days, where the CRM has one for all of them."""


@dataclass(frozen=True, slots=True)
class Quota:
    """How many calls (or the vendor's tokens) are left of how many, and when they are whole again; None is not told."""

    left: int
    limit: int | None = None
    resets_at: datetime | None = None


class Connector(Protocol):
    """The code for one kind of CRM, bound to one account. Not shared between threads."""

    capabilities: Capabilities
    beat: Callable[[], object]
    """Called while a call waits for the CRM to finish something long; whoever holds the connection sets it."""

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

    def gone(self, kind: Kind, window: Window, resume: str | None = None, *, lists: bool = True) -> Iterator[Page]:
        """Records deleted, archived or merged in the window, for CRMs whose `changes` leaves them out; else nothing.
        Without `lists`, only those that need no list of everything that was ever gone."""
        ...

    def living(self, kind: Kind, made_before: datetime) -> int | None:
        """How many records made before a moment are there now, in one call: while that stays the same, `gone` need read
        no `lists`. None where the CRM does not count."""
        ...

    def campaigns(self) -> Iterator[RemoteCampaign]:
        """All campaigns; nothing where the CRM has none."""
        ...

    def members(self, window: Window) -> Iterator[CampaignMember]:
        """Campaign members changed in the window; nothing where the CRM has none."""
        ...

    def activities(self, kinds: Sequence[str], window: Window, names: Sequence[str] = ()) -> Iterator[RemoteActivity]:
        """What changed in the window of these kinds, deleted ones too where the CRM tells of them; of lists those that
        are named by one of the patterns. Nothing where the CRM has none."""
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
