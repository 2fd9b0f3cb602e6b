"""Reading the state of connections for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q, QuerySet, Sum

from integrations.connectors import rules as vendor_rules
from integrations.connectors.base import Kind
from integrations.models import Connection, FieldMap, PendingPush, StageMap, SyncRun
from integrations.pure.daily import next_sync
from integrations.pure.mapping import Direction, FieldRule, Policy
from leads.models import Company

SPENT_DAYS = 30
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
    def tone(self) -> str:
        return _TONES.get(self.connection.health, "") if self.connection.is_active else ""

    @property
    def icon(self) -> str:
        return _ICONS[self.connection.health] if self.connection.is_active else "x-circle"

    @property
    def health(self) -> str:
        return str(self.connection.get_health_display()) if self.connection.is_active else "Switched off"


def rules_of(connection: Connection) -> dict[Kind, tuple[FieldRule, ...]]:
    """The mapping of a connection by kind: what its admin chose, else what its connector brings."""
    chosen: dict[str, list[FieldRule]] = {}
    for row in FieldMap.objects.filter(connection=connection).order_by("position", "pk"):
        rule = FieldRule(row.local, row.remote, Direction(row.direction), Policy(row.policy))
        chosen.setdefault(row.kind, []).append(rule)
    shipped = vendor_rules(connection.kind)
    kinds: tuple[Kind, ...] = ("person", "account", "deal")
    return {kind: tuple(chosen.get(kind) or shipped.get(kind, ())) for kind in kinds}


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


def failed_pushes(connection: Connection) -> QuerySet[PendingPush]:
    """Refused and given-up pushes, the latest first."""
    rows = PendingPush.objects.failed().filter(connection=connection).select_related("lead")
    return rows.order_by("-settled_at", "-pk")


def waiting_pushes(connection: Connection) -> QuerySet[PendingPush]:
    """What will be sent, in its order."""
    rows = PendingPush.objects.filter(connection=connection, state__in=(_State.PENDING, _State.LEASED))
    return rows.select_related("lead").order_by("not_before", "pk")


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


def duration_words(run: SyncRun) -> str:
    """How long a run took: "2.4 s", "3 min", "under way"."""
    if run.finished_at is None:
        return "under way"
    seconds = (run.finished_at - run.started_at).total_seconds()
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.0f} min"


def count_words(run: SyncRun) -> str:
    """What a run did, the usual first: "3 new, 1 refused"; "nothing new" when both sides agreed."""
    counts = (
        (run.created, "new"),
        (run.updated, "changed"),
        (run.rejected, "refused"),
        (run.unclear, "unclear"),
        (run.unchanged, "same"),
    )
    return ", ".join(f"{number:,} {word}" for number, word in counts if number) or "nothing new"


def tone_of(outcome: str) -> str:
    """The color of a run's state or a record's outcome; the word always stands beside it."""
    return {
        "done": "good", "created": "good", "updated": "accent", "stopped": "warn", "unclear": "warn",
        "failed": "bad", "rejected": "bad", "dead": "bad", "running": "accent",
    }.get(outcome, "")  # fmt: skip
