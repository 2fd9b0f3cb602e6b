"""How a CRM is reached: the account with its secrets and token, and what the wizard asks a person for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from .described import Schema
from .records import Kind


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
    described: Mapping[Kind, Schema] = field(default_factory=dict)
    """The fields as the CRM described them when it was tested last; empty where nobody asked yet."""


@dataclass(frozen=True, slots=True)
class SecretSpec:
    """A secret that a kind of CRM asks for: its name in `Account.secrets` and words for the form."""

    name: str
    label: str
    help: str = ""
    is_optional: bool = False
    is_long: bool = False


@dataclass(frozen=True, slots=True)
class Flow:
    """Where a vendor asks people and gives tokens. Addresses are paths below the account's own where they begin with a
    slash; at a sandbox on this machine the last part of each is looked for below the account's address."""

    authorize: str
    token: str
    hosts: tuple[str, ...]
    scope: str = ""
    proves_code: bool = False
    """PKCE (RFC 7636): whoever redeems the code proves that they asked for it."""
    secret_in_header: bool = False
    sandbox: tuple[str, str] = ("/oauth/authorize", "/oauth/token")


@dataclass(frozen=True, slots=True)
class SignIn:
    """A way to prove who we are, and the plain settings and secrets that it needs."""

    key: str
    label: str
    secrets: tuple[SecretSpec, ...]
    settings: tuple[SecretSpec, ...] = ()
    flow: Flow | None = None
    """How a person allows it in the CRM itself; the refresh token is then nobody's to copy."""


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
    takes_people: bool = False
    """Whether people whom it had first can be taken over."""
    activities: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Which rules of `pure.activity_rules` it can follow, by kind of activity."""
    webhooks: Literal["", "signature", "password"] = ""
    """What proves a webhook: a signature made with the app's own secret, or a password that we make up."""
    fills: frozenset[str] = frozenset()
    """Required fields of people that the connector fills by itself."""
    if_described: frozenset[str] = frozenset()
    """Fields of people that are sent only to accounts that describe them."""
    contact_prefix: str = ""
    """How the ids of contacts begin, where a person is a lead first and a contact later."""
