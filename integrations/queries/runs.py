"""Runs of connections and the jobs that make them, for people: their calls, records and words."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from integrations.models import Connection, RecordKind, SyncRecord, SyncRun
from leads.models import Company, JobRun

SPENT_DAYS = 30
# Jobs that people watch on a connection's pages.
JOBS = SYNC, BACK_FILL, TRIAL = "crm-sync", "crm-backfill", "crm-trial"
DRY_RUN, COMPARISON, UNDO = "dry-run", "comparison", "undo"
LABELS = {
    SYNC: "Sync",
    BACK_FILL: "Writing down which leads go to the CRM",
    f"{TRIAL} {DRY_RUN}": "Dry run",
    f"{TRIAL} {COMPARISON}": "Comparison",
    f"{TRIAL} {UNDO}": "Undo",
}
_NAMES = (
    "title", "remote_id", "code", "lead__first_name", "lead__last_name", "lead__email", "lead__company",
    "opportunity__name", "account__name", "campaign__name",
)  # fmt: skip


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
    """Those in which every word stands in a name, an e-mail address, the id in the CRM or the CRM's code."""
    for word in words.split()[:6]:
        found = Q()
        for name in _NAMES:
            found |= Q(**{f"{name}__icontains": word})
        rows = rows.filter(found)
    return rows


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


def job_label(job: JobRun) -> str:
    """What a job is, for people."""
    what = "".join(job.period.split(" ")[1:2])
    sort = UNDO if what.startswith(f"{UNDO}-") else what
    return LABELS.get(job.kind) or LABELS.get(f"{job.kind} {sort}", "Job")


def jobs_of(connection: Connection) -> list[tuple[JobRun, str]]:
    """The newest sync, and whatever else is waiting, under way or has just failed; in one query."""
    rows = JobRun.objects.filter(kind__in=JOBS, period__startswith=f"{connection.slug} ").order_by("-pk")[:20]
    shown: dict[str, JobRun] = {}
    for job in rows:
        shown.setdefault(job_label(job), job)
    is_open = (JobRun.State.WAITING, JobRun.State.RUNNING, JobRun.State.FAILED)
    return [(job, label) for label, job in shown.items() if job.kind == SYNC or job.state in is_open]
