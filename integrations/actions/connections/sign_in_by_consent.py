"""Sign in by consent: a person is sent to the CRM, allows our app there, and comes back with a code for tokens."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from integrations.actions.connections.open_connector import account_of
from integrations.connectors import vendor as vendor_of
from integrations.connectors.base import Flow, Token
from integrations.connectors.oauth import Asked, ask, redeem
from integrations.models import Connection
from leads.pure.refused import Refused


class NoConsent(Refused):
    """This way of signing in asks nobody for consent; the message tells a person."""


def flow_of(*, connection: Connection) -> Flow | None:
    """How a person allows our app in this CRM, where the way of signing in does so."""
    ways = {each.key: each for each in vendor_of(connection.kind).sign_ins}
    return ways[connection.sign_in].flow if connection.sign_in in ways else None


def ask_consent(*, connection: Connection, redirect_uri: str) -> Asked:
    """Where to send the person. Raises NoConsent, and `Misuse` for an address that is not the vendor's."""
    flow = flow_of(connection=connection)
    if flow is None:
        raise NoConsent("This way of signing in needs nobody's consent.")
    return ask(flow, account_of(connection=connection), redirect_uri=redirect_uri)


def take_consent(*, connection_id: int, code: str, verifier: str, redirect_uri: str, at: datetime) -> None:
    """Redeem the code and keep the tokens, encrypted. Raises what the CRM says against it; nothing is kept then."""
    connection = Connection.objects.get(pk=connection_id)
    flow = flow_of(connection=connection)
    if flow is None:
        raise NoConsent("This way of signing in needs nobody's consent.")
    account = account_of(connection=connection)
    token = redeem(flow, account, code=code, verifier=verifier, redirect_uri=redirect_uri, now=lambda: at)
    with transaction.atomic():
        _keep(connection_id, token, at)


def _keep(connection_id: int, token: Token, at: datetime) -> None:
    """The pause that the lack of tokens caused is over; whoever renews under the row's lock meanwhile starts anew."""
    row = Connection.objects.select_for_update(of=("self",)).get(pk=connection_id)
    row.access_token, row.access_expires_at, row.refresh_token = token.access, token.expires_at, token.refresh
    row.access_base_url, row.token_lease_until, row.secret_set_at = token.base_url, None, at
    row.failures, row.paused_until, row.health, row.health_note = 0, None, Connection.Health.UNTRIED, ""
    row.save(
        update_fields=[
            "access_token", "access_expires_at", "refresh_token", "access_base_url", "token_lease_until",
            "secret_set_at", "failures", "paused_until", "health", "health_note",
        ]
    )  # fmt: skip
