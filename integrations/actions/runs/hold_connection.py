"""Hold a connection: one drain or reader at a time, and a stale one is refused by its fence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from integrations.models import Connection, SyncRun

# Longer than any one call may take (its total deadline is a minute), kept up before every call.
LEASE = timedelta(minutes=3)

Clock = Callable[[], datetime]


class ConnectionBusy(Exception):
    """Somebody else is syncing this connection right now, or it is switched off."""


class LeaseLost(Exception):
    """Our lease ended and somebody else took over; whatever we still wanted to write is theirs to do."""


@dataclass(slots=True)
class Held:
    """A lease on a connection."""

    connection: Connection
    fence: int
    clock: Clock

    def keep(self) -> datetime:
        """Prolong the lease and return the moment; inside a transaction it also guards what is written there.

        Raises LeaseLost. The row stays locked to the end of the transaction, so nobody takes over half-way.
        """
        at = self.clock()
        mine = Connection.objects.filter(pk=self.connection.pk, fence=self.fence)
        if not mine.update(lease_until=at + LEASE):
            raise LeaseLost(f"Somebody else took over {self.connection}.")
        return at


@contextmanager
def hold_connection(*, connection_id: int, clock: Clock, is_trial: bool = False) -> Iterator[Held]:
    """The lease for the length of a `with` block. Raises ConnectionBusy. A trial may hold one that is not switched on.

    Runs whose process died are marked failed: their lease is over, so nobody is working on them any more.
    """
    at = clock()
    with transaction.atomic():
        free = Q(lease_until__isnull=True) | Q(lease_until__lt=at)
        rows = Connection.objects.all() if is_trial else Connection.objects.active()
        if not rows.filter(free, pk=connection_id).update(lease_until=at + LEASE, fence=F("fence") + 1):
            raise ConnectionBusy("Another sync of this connection is under way, or it is switched off.")
        connection = Connection.objects.get(pk=connection_id)
        SyncRun.objects.filter(connection=connection, state=SyncRun.State.RUNNING).update(
            state=SyncRun.State.FAILED, finished_at=at, note="The process ended before the run did."
        )
    held = Held(connection, connection.fence, clock)
    try:
        yield held
    finally:
        Connection.objects.filter(pk=connection_id, fence=held.fence).update(lease_until=None)
