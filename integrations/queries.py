"""Reading the state of connections for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from integrations.connectors import rules as vendor_rules
from integrations.connectors.base import Kind
from integrations.models import (
    EDITORS,
    LOOKERS,
    Connection,
    ExternalRecord,
    FieldMap,
    PendingPush,
    RecordKind,
    StageMap,
    SyncRecord,
    SyncRun,
)
from integrations.pure.daily import next_sync
from integrations.pure.mapping import Direction, FieldRule, Policy
from leads.models import Company, User

SPENT_DAYS = 30
_State = PendingPush.State
KINDS: tuple[Kind, ...] = ("person", "account", "deal")
_NAMES = (
    "title", "remote_id", "lead__first_name", "lead__last_name", "lead__email", "lead__company", "opportunity__name",
    "account__name", "campaign__name",
)  # fmt: skip
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
            return "Calls go out"
        return f"Calls are held back after {failures} failure{'' if failures == 1 else 's'} in a row"

    @property
    def quota_share(self) -> int | None:
        """Percent of the day's calls that are left; None where the CRM names no limit."""
        left, limit = self.connection.quota_left, self.connection.quota_limit
        return max(0, min(100, left * 100 // limit)) if left is not None and limit else None


def rules_of(connection: Connection) -> dict[Kind, tuple[FieldRule, ...]]:
    """The mapping of a connection by kind: what its admin chose, else what its connector brings."""
    chosen: dict[str, list[FieldRule]] = {}
    for row in FieldMap.objects.filter(connection=connection).order_by("position", "pk"):
        rule = FieldRule(row.local, row.remote, Direction(row.direction), Policy(row.policy))
        chosen.setdefault(row.kind, []).append(rule)
    shipped = vendor_rules(connection.kind)
    return {kind: tuple(chosen.get(kind) or shipped.get(kind, ())) for kind in KINDS}


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


def held_records(connection: Connection) -> QuerySet[ExternalRecord]:
    """Records that are neither read nor written until somebody releases them, the latest first."""
    rows = ExternalRecord.objects.filter(connection=connection, held_at__isnull=False)
    return rows.select_related("lead", "opportunity", "account").order_by("-held_at", "-pk")


def calls_by_day(connection: Connection, at: datetime) -> list[tuple[date, dict[str, int]]]:
    """Calls of the last thirty days in the company's zone, oldest first, by "out" (push) and "in" (all else)."""
    tz = Company.current().tz
    last = at.astimezone(tz).date()
    days: dict[date, dict[str, int]] = {last - timedelta(days=n): {"out": 0, "in": 0} for n in range(29, -1, -1)}
    runs = SyncRun.objects.filter(connection=connection, started_at__gte=at - timedelta(days=SPENT_DAYS), calls__gt=0)
    rows = runs.annotate(day=TruncDate("started_at", tzinfo=tz)).values("day", "direction").annotate(spent=Sum("calls"))
    for row in rows:
        if row["day"] in days:
            days[row["day"]]["out" if row["direction"] == SyncRun.Direction.PUSH else "in"] += row["spent"]
    return list(days.items())


def outcome_counts(run: SyncRun) -> list[dict[str, Any]]:
    """How many records of a run had which outcome: rows of outcome, kind, way, number, with their words."""
    words, kinds, ways = dict(SyncRecord.Outcome.choices), dict(RecordKind.choices), dict(SyncRecord.Way.choices)
    rows = SyncRecord.objects.filter(run=run).values("outcome", "kind", "way").annotate(number=Count("pk"))
    return [
        {
            **row,
            "words": words.get(row["outcome"], row["outcome"]),
            "kind_words": kinds.get(row["kind"], ""),
            "way_words": ways.get(row["way"], ""),
            "tone": tone_of(row["outcome"]),
        }
        for row in rows.order_by("way", "kind", "outcome")
    ]


def record_counts(run: SyncRun) -> list[dict[str, Any]]:
    """How many records of a run there are by outcome, kind, way and whether both sides had changed them."""
    rows = SyncRecord.objects.filter(run=run).values("outcome", "kind", "way", "is_conflict")
    return [dict(row) for row in rows.annotate(number=Count("pk")).order_by("outcome", "kind", "way")]


def named_records(rows: QuerySet[SyncRecord], words: str) -> QuerySet[SyncRecord]:
    """Those in which every word stands in a name, an e-mail address or the id over there."""
    for word in words.split()[:6]:
        found = Q()
        for name in _NAMES:
            found |= Q(**{f"{name}__icontains": word})
        rows = rows.filter(found)
    return rows


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
        (run.created, "would be new" if run.is_dry_run else "new"),
        (run.updated, "would change" if run.is_dry_run else "changed"),
        (run.rejected, "refused"),
        (run.unclear, "unclear"),
        (run.drifted, "drifted"),
        (run.unchanged, "same"),
    )
    return ", ".join(f"{number:,} {word}" for number, word in counts if number) or "nothing new"


def tone_of(outcome: str) -> str:
    """The color of a run's state or a record's outcome; the word always stands beside it."""
    return {
        "done": "good", "created": "good", "updated": "accent", "stopped": "warn", "unclear": "warn",
        "failed": "bad", "rejected": "bad", "dead": "bad", "running": "accent", "would_create": "good",
        "would_update": "accent", "differs": "warn", "missing_there": "warn", "missing_here": "warn", "merged": "warn",
        "archived": "warn", "restored": "good", "removed": "accent",
    }.get(outcome, "")  # fmt: skip


def may_see_connections(user: User) -> bool:
    """Whether connections are this person's business: those of all who answer for the sync."""
    return user.has_role(*LOOKERS)


def may_edit_connections(user: User) -> bool:
    """Whether this person changes connections."""
    return user.has_role(*EDITORS)
