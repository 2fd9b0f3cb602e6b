"""Note how a connection fares: the breaker opens with each failure in a row and closes with the first success."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from django.db.models import F, Value
from django.db.models.functions import Coalesce

from integrations.connectors.base import AuthDead, CrmError, Quota, QuotaDay, ScopeMissing, Throttled
from integrations.models import Connection, PendingPush
from integrations.pure.backoff import FIRST_PAUSE, full_jitter

# Only a person can mend refused credentials; trying often would lock the account at some vendors.
REFUSED_PAUSE = timedelta(hours=6)
_Health = Connection.Health


def note_success(*, connection: Connection, at: datetime) -> None:
    """A call went well: the breaker is closed. The trouble goes on while a push waits for another try: a CRM may answer
    what we read and refuse every write."""
    rows = Connection.objects.filter(pk=connection.pk)
    rows.update(health=_Health.OK, health_note="", health_at=at, failures=0, paused_until=None)
    tried = PendingPush.objects.filter(connection=connection, state=PendingPush.State.PENDING, attempts__gt=0)
    if not tried.exists():
        rows.filter(failing_since__isnull=False).update(failing_since=None)


def note_failure(*, connection: Connection, error: CrmError, at: datetime, rng: Random) -> datetime | None:
    """A call failed for the whole connection; returns until when it rests. Limits are no failures of anybody."""
    until, health, failures = _rest(connection, error, at, rng)
    note = str(error)[:300]
    rows = Connection.objects.filter(pk=connection.pk)
    rows.update(health=health, health_note=note, health_at=at, paused_until=until, failures=F("failures") + failures)
    if health == _Health.FAILING:
        rows.update(failing_since=Coalesce("failing_since", Value(at)))
    connection.failures += failures
    connection.health, connection.health_note, connection.paused_until = health, note, until
    return until


def note_quota(*, connection: Connection, quota: Quota | None) -> None:
    """Keep what the CRM's last answer said about the day's calls."""
    if quota is not None:
        Connection.objects.filter(pk=connection.pk).update(
            quota_left=quota.left, quota_limit=quota.limit, quota_resets_at=quota.resets_at
        )


def _rest(connection: Connection, error: CrmError, at: datetime, rng: Random) -> tuple[datetime | None, str, int]:
    if isinstance(error, (QuotaDay, Throttled)):
        return error.retry_at(at), _Health.PAUSED, 0
    if isinstance(error, (AuthDead, ScopeMissing)):
        return at + REFUSED_PAUSE, _Health.FAILING, 1
    pause = full_jitter(attempt=connection.failures + 1, rng=rng)
    return at + max(pause, error.after or FIRST_PAUSE), _Health.FAILING, 1
