"""The state of connections, for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q, QuerySet, Sum

from integrations.models import EDITORS, LOOKERS, Connection, ExternalRecord, PendingPush, StageMap, SyncRun
from integrations.pure.daily import next_sync
from integrations.queries.runs import SPENT_DAYS
from leads.models import Company, User

_State = PendingPush.State
_TONES = {"ok": "good", "paused": "warn", "failing": "bad"}
_ICONS = {"ok": "check-circle", "paused": "hourglass-split", "failing": "x-circle", "untried": "question-circle"}


@dataclass(slots=True)
class ConnectionState:
    """A connection with what people ask about it first."""

    connection: Connection
    next_sync_at: datetime
    waiting: int = 0
    failed: int = 0
    unmapped: int = 0
    calls: int = 0
    last_runs: dict[str, SyncRun] = field(default_factory=dict)

    @property
    def last_run(self) -> SyncRun | None:
        """The newest run of either direction."""
        return max(self.last_runs.values(), key=lambda run: run.started_at, default=None)

    @property
    def newest_runs(self) -> list[SyncRun]:
        """The newest run of each direction, the latest first."""
        return sorted(self.last_runs.values(), key=lambda run: run.started_at, reverse=True)

    @property
    def tone(self) -> str:
        return _TONES.get(self.connection.health, "") if self.connection.is_active else ""

    @property
    def icon(self) -> str:
        return _ICONS[self.connection.health] if self.connection.is_active else "x-circle"

    @property
    def health(self) -> str:
        if self.connection.is_being_set_up:
            return "Being set up"
        return str(self.connection.get_health_display()) if self.connection.is_active else "Switched off"

    @property
    def circuit(self) -> str:
        """Whether calls go out: the breaker is closed when they do."""
        if not self.connection.is_active:
            return "Nothing goes out while it is off"
        failures = self.connection.failures
        if not failures:
            return "OK"
        return f"Calls are held back after {failures} failure{'' if failures == 1 else 's'} in a row"

    @property
    def quota_share(self) -> int | None:
        """Percent of the day's calls that are left; None where the CRM names no limit."""
        left, limit = self.connection.quota_left, self.connection.quota_limit
        return max(0, min(100, left * 100 // limit)) if left is not None and limit else None


def connection_states(connections: Iterable[Connection], at: datetime) -> list[ConnectionState]:
    """The state of each connection, in five queries however many there are."""
    tz = Company.current().tz
    states = {each.pk: ConnectionState(each, next_sync(at, tz)) for each in connections}
    pushes = PendingPush.objects.filter(connection__in=states).values("connection")
    open_push, failed_push = Q(state__in=(_State.PENDING, _State.LEASED)), Q(state__in=(_State.REJECTED, _State.DEAD))
    for row in pushes.annotate(waiting=Count("pk", filter=open_push), failed=Count("pk", filter=failed_push)):
        states[row["connection"]].waiting, states[row["connection"]].failed = row["waiting"], row["failed"]
    unmapped = StageMap.objects.filter(connection__in=states, stage__isnull=True).values("connection")
    for stages in unmapped.annotate(number=Count("pk")):
        states[stages["connection"]].unmapped = stages["number"]
    runs = SyncRun.objects.filter(connection__in=states)
    recent = runs.filter(started_at__gte=at - timedelta(days=SPENT_DAYS)).values("connection")
    for spent in recent.annotate(spent=Sum("calls")):
        states[spent["connection"]].calls = spent["spent"]
    newest = runs.values("connection", "direction").annotate(newest=Max("pk")).values("newest")
    for run in SyncRun.objects.filter(pk__in=newest):
        states[run.connection_id].last_runs[run.direction] = run
    return list(states.values())


def held_records(connection: Connection) -> QuerySet[ExternalRecord]:
    """Records that are neither read nor written until somebody releases them, the latest first."""
    rows = ExternalRecord.objects.filter(connection=connection, held_at__isnull=False)
    return rows.select_related("lead", "opportunity", "account", "campaign").order_by("-held_at", "-pk")


def secret_state(connection: Connection, at: datetime) -> str:
    """Whether there is a secret and how old it is; never the secret."""
    if connection.secret_set_at is None:
        return "No secret"
    days = (at - connection.secret_set_at).days
    age = "today" if days < 1 else "yesterday" if days == 1 else f"{days} days ago"
    return f"Set {age}"


def is_secret_old(connection: Connection, at: datetime) -> bool:
    """Whether the secret should have been replaced by now: a year is what most policies allow."""
    return connection.secret_set_at is not None and at - connection.secret_set_at > timedelta(days=365)


def may_see_connections(user: User) -> bool:
    """Whether connections are this person's business: those of all who answer for the sync."""
    return user.has_role(*LOOKERS)


def may_edit_connections(user: User) -> bool:
    """Whether this person changes connections."""
    return user.has_role(*EDITORS)
