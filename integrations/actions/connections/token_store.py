"""Keep a connection's short-lived access token, so that every process uses the same one and one at a time renews it.

The row itself is the lock: a conditional update takes it for a while. A lock held by an open transaction would make
every other writer of SQLite wait for the CRM's answer, and house law keeps the network out of transactions.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeGuard

from django.db.models import Q
from django.db.models.functions import Now

from integrations.connectors.base import Outage, Token
from integrations.models import Connection

# Longer than a renewal may take: a call's total deadline is a minute.
LEASE = timedelta(seconds=90)
LONGEST_WAIT = 100.0
PAUSE = 0.2


class StoredTokens:
    """`TokenStore` over the row of a connection."""

    def __init__(self, connection_id: int, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._rows = Connection.objects.filter(pk=connection_id)
        self._sleep = sleep

    def read(self) -> Token | None:
        """The access token kept last; None before the first."""
        kept = self._kept()
        return kept if kept is not None and kept.access else None

    def _kept(self) -> Token | None:
        columns = ("access_token", "access_expires_at", "access_base_url", "refresh_token")
        row = self._rows.values_list(*columns).first()
        if row is None or not (row[0] or row[3]):
            return None
        return Token(row[0] or "", row[1], row[2], row[3] or "")

    def renew(self, stale: Token | None, fetch: Callable[[Token | None], Token]) -> Token:
        """Fetch under the lock unless somebody else has done so since `stale` was read.

        Raises what `fetch` raises, and Outage when the lock cannot be had.
        """
        waited = 0.0
        while True:
            kept = self._kept()
            if _is_fresh(kept, stale):
                return kept
            if self._take():
                break
            if waited >= LONGEST_WAIT:
                raise Outage("Another process has been renewing the access token for too long.", code="token_busy")
            self._sleep(PAUSE)
            waited += PAUSE
        try:
            # Read again: somebody may have renewed it between our look and our lock.
            kept = self._kept()
            if _is_fresh(kept, stale):
                return kept
            return self._keep(fetch(kept))
        finally:
            self._rows.update(token_lease_until=None)

    def _take(self) -> bool:
        free = Q(token_lease_until__isnull=True) | Q(token_lease_until__lt=Now())
        return self._rows.filter(free).update(token_lease_until=Now() + LEASE) == 1

    def _keep(self, token: Token) -> Token:
        values = {
            "access_token": token.access,
            "access_expires_at": token.expires_at,
            "access_base_url": token.base_url,
        }
        if token.refresh:  # some vendors give a new one with each renewal, others never again
            values["refresh_token"] = token.refresh
        self._rows.update(**values)
        return token


def _is_fresh(kept: Token | None, stale: Token | None) -> TypeGuard[Token]:
    return kept is not None and bool(kept.access) and (stale is None or kept.access != stale.access)


def forget_tokens(*, connection_id: int) -> None:
    """Drop the access token, as after a change of the secrets; the refresh token belongs to the old ones too."""
    Connection.objects.filter(pk=connection_id).update(
        access_token="", access_expires_at=None, access_base_url="", refresh_token="", token_lease_until=None
    )
