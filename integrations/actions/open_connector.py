"""Open the connector of a connection, with its secret and where it may go."""

from __future__ import annotations

from django.conf import settings

from integrations.connectors import connector_for
from integrations.connectors.base import Account, Connector
from integrations.models import Connection


def open_connector(*, connection: Connection) -> Connector:
    """The connector, closed by the caller. Raises `Misuse` for an address or kind that is not allowed."""
    return open_account(kind=connection.kind, base_url=connection.base_url, secret=connection.secret or "")


def open_account(*, kind: str, base_url: str, secret: str) -> Connector:
    """The same for values that no connection holds yet."""
    account = Account(base_url, {"token": secret}, allow_loopback=settings.SANDBOX_CRM_ALLOWED)
    return connector_for(kind)(account)
