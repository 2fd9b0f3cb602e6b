"""Open the connector of a connection, with its secrets, its tokens and where it may go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.conf import settings

from integrations.actions.connections.token_store import StoredTokens
from integrations.connectors import connector_for
from integrations.connectors.base import Account, Connector, Kind, MemoryTokens, Schema, TokenStore
from integrations.models import Connection
from integrations.queries.mapping import rules_of, schemas_of


@contextmanager
def connector_of(*, connection: Connection, given: Connector | None = None) -> Iterator[Connector]:
    """The connector for the length of a `with` block; one that is given stays open for its owner. Raises `Misuse`."""
    opened = given or open_connector(connection=connection)
    try:
        yield opened
    finally:
        if given is None:
            opened.close()


def open_connector(*, connection: Connection) -> Connector:
    """The connector, closed by the caller. Raises `Misuse` for an address or kind that is not allowed."""
    return connector_for(connection.kind)(account_of(connection=connection))


def account_of(*, connection: Connection) -> Account:
    """How a stored connection is reached: with its secrets, its tokens and the fields that its mapping reads."""
    secrets = connection.all_secrets
    if connection.webhook_secret:
        # What we made up ourselves and an admin copied into the CRM; never shown again.
        secrets.setdefault("webhook_password", connection.webhook_secret)
    return Account(
        connection.base_url,
        dict(secrets) if secrets else {"token": ""},
        allow_loopback=settings.SANDBOX_CRM_ALLOWED,
        settings=settings_of(connection=connection),
        tokens=StoredTokens(connection.pk),
        fields=_fields_read(connection, schemas := schemas_of(connection)),
        described=schemas,
    )


def _fields_read(connection: Connection, schemas: Mapping[Kind, Schema]) -> dict[Kind, list[str]]:
    """The vendor's names that the mapping reads, with codes beside names. Accounts and deals come in our names but for
    what is their own."""
    found: dict[Kind, list[str]] = {}
    for kind, rules in rules_of(connection).items():
        names = [rule.remote for rule in rules if kind == "person" or rule.remote.startswith("properties.")]
        known = schemas[kind].by_name() if kind in schemas else {}
        found[kind] = [*names, *(known[name].coded_by for name in names if name in known and known[name].coded_by)]
    return found


def settings_of(*, connection: Connection) -> dict[str, Any]:
    """The plain settings with the way of signing in, the currency and what the test told of the account's zone."""
    own = {"sign_in": connection.sign_in, "currency": connection.currency}
    own["time_zone"] = str(connection.account.get("time_zone") or "")
    own["takes_people"] = connection.takes_people
    return dict(connection.settings) | {name: value for name, value in own.items() if value}


def open_account(
    *,
    kind: str,
    base_url: str,
    secret: str = "",
    secrets: Mapping[str, str] | None = None,
    account_settings: Mapping[str, Any] | None = None,
    tokens: TokenStore | None = None,
    fields: Mapping[Kind, Sequence[str]] | None = None,
    described: Mapping[Kind, Schema] | None = None,
) -> Connector:
    """The same for values that no connection holds yet. ``secret`` is the one token where there are no ``secrets``."""
    account = Account(
        base_url,
        dict(secrets) if secrets else {"token": secret},
        allow_loopback=settings.SANDBOX_CRM_ALLOWED,
        settings=account_settings or {},
        tokens=tokens or MemoryTokens(),
        fields=fields or {},
        described=described or {},
    )
    return connector_for(kind)(account)
