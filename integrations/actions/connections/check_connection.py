"""Check whether an address and a secret open a CRM, and say in words what is the matter if not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from random import Random

from integrations.actions.connections.open_connector import open_connector
from integrations.actions.runs.note_health import note_failure, note_success
from integrations.connectors.base import (
    AccountInfo,
    AuthDead,
    CrmError,
    Misuse,
    NotConnected,
    Outage,
    QuotaDay,
    ScopeMissing,
    Throttled,
)
from integrations.models import Connection


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of one cheap call. ``words`` is for people; ``error`` is None when it went well."""

    words: str
    error: CrmError | None = None
    info: AccountInfo | None = None

    @property
    def is_ok(self) -> bool:
        return self.error is None


def check_connection(*, connection_id: int, at: datetime, seed: int) -> Checked:
    """Try a stored connection and note its health."""
    connection = Connection.objects.get(pk=connection_id)
    checked = _check(connection)
    if checked.error is None:
        note_success(connection=connection, at=at)
    else:
        note_failure(connection=connection, error=checked.error, at=at, rng=Random(seed))
    return checked


def _check(connection: Connection) -> Checked:
    try:
        connector = open_connector(connection=connection)
    except CrmError as error:
        return Checked(explain(error=error), error)
    try:
        info = connector.check()
    except CrmError as error:
        return Checked(explain(error=error), error)
    finally:
        connector.close()
    return Checked(f"Connected to {info.name} as {info.user}.", info=info)


def explain(*, error: CrmError) -> str:
    """What an admin can do about it."""
    advice = {
        NotConnected: "Press Connect and allow it there.",
        AuthDead: "The CRM refused the secret. Make a new one there and replace it here.",
        ScopeMissing: "The secret is good, but may not do this. Grant the missing permission in the CRM.",
        QuotaDay: "The day's calls are spent. The sync goes on by itself when the CRM allows it.",
        Throttled: "Too many calls in a short time. The sync goes on by itself.",
        Outage: "The CRM cannot be reached or answers with errors. Check the address; the sync tries again by itself.",
        Misuse: "The CRM does not understand what we ask. Check that the address is that of its API.",
    }
    words = next((text for kind, text in advice.items() if isinstance(error, kind)), "")
    return f"{words} ({str(error)[:200]})".strip()
