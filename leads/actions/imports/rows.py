"""Import a file's rows: batch by batch, each in one transaction with its place in the file, so that a killed run goes
on where it stood and never takes a row twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import cast

import structlog
from django.db import OperationalError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from leads.actions.campaigns.keep_cost_history import Said
from leads.actions.imports.accounts import import_accounts
from leads.actions.imports.attendance import import_attendance, mark_no_shows
from leads.actions.imports.costs import import_costs
from leads.actions.imports.leads import LeadOptions, Outcome, import_leads
from leads.actions.imports.opportunities import DealOptions, import_opportunities
from leads.models import Company, CostDoor, ImportKind, ImportRowError, ImportRun, JobRun
from leads.past.acting import Door, act, acting
from leads.pure.imports.ad_reports import report_rows
from leads.pure.imports.cells import Plan, RowRefused
from leads.pure.imports.fields import FIELDS, value_map
from leads.pure.imports.records import AccountRecord, AttendanceRecord, CostRecord, DealRecord, LeadRecord, Record
from leads.pure.imports.rows import parse_row
from leads.pure.imports.table import Reading, Table, open_table
from leads.pure.table_file import REJECTED, REJECTED_FROM, Row
from leads.queries.imports import campaign_codes

log = structlog.get_logger(__name__)

# Small enough that on SQLite, where one writes at a time, nobody waits long behind an import.
BATCH = 250
NOTICES_KEPT = 20
STALE_AFTER = timedelta(minutes=2)
OnBatch = Callable[[ImportRun], None]


class TakenOver(RuntimeError):
    """Another worker goes on with this run; what this one had in hand is undone."""


class _Undo(Exception):
    """Ends a dry run's savepoint."""


def import_rows(*, run_id: int, at: datetime, batch: int = BATCH, on_batch: OnBatch | None = None) -> ImportRun | None:
    """Take the rows in, or only try to (``is_dry_run``); None where there is nothing to do or somebody else does it.

    ``at`` is the moment of arrival. May be killed and called again at any time. ``on_batch`` is told after each batch:
    somebody looks on, who is also told of a failure, so that the log needs no traceback.
    """
    if not _claim(run_id, at):
        return None
    run = ImportRun.objects.select_related("job__started_by").get(pk=run_id)
    try:
        by = run.job.started_by if run.job else None
        because = by.right if by else acting().because
        with act(Door.IMPORT, actor=by.pk if by else None, source=run.file_name, because=because):
            _take_all(run, at, batch, on_batch)
            if run.kind == ImportKind.ATTENDANCE and not run.is_dry_run:
                mark_no_shows(form_id=str(run.defaults.get("web_form", "")), at=at)
    except TakenOver:
        log.info("import_taken_over", run=run_id)
        return None
    except OperationalError:
        raise  # the database is away or busy: the sweep tries again
    except Exception as error:
        log.error("import_failed", run=run_id, exc_info=on_batch is None)
        message = f"Stopped after row {run.next_row}: {type(error).__name__}. What was taken before stays."
        _finish(run, JobRun.State.FAILED, message)
        return run
    _finish(run, JobRun.State.DONE, "")
    return run


def unfinished_imports(*, at: datetime) -> list[int]:
    """Runs that wait, or whose worker gave no sign of life for a while; oldest first."""
    return list(ImportRun.objects.filter(_free(at, "job__")).order_by("pk").values_list("pk", flat=True))


def plan_of(run: ImportRun, at: datetime) -> Plan:
    """How the run reads its rows."""
    company, defaults = Company.current(), run.defaults
    return Plan(
        kind=run.kind,
        columns=run.columns,
        at=at,
        tz=company.tz,
        currency=defaults.get("currency") or company.currency,
        channels=value_map(defaults.get("channels", {})),
        stages=value_map(defaults.get("stages", {})),
        owners=value_map(defaults.get("owners", {})),
        default_channel=defaults.get("channel", ""),
        status=defaults.get("status", ""),
        dates=defaults.get("dates", ""),
        decimal=defaults.get("decimal", ""),
        preset=defaults.get("preset", ""),
        campaigns=campaign_codes() if defaults.get("preset") else {},
        keeps_other_columns=bool(defaults.get("keep_other_columns")),
    )


def table_of(*, run: ImportRun) -> Table:
    """The run's file, read as was settled."""
    return open_table(bytes(run.content), run.kind, Reading.of(run.defaults))


def rows_of(table: Table, plan: Plan) -> Iterator[Row]:
    """The rows to take: those of the file, or of an advertising service's export one for each campaign and day."""
    return report_rows(table, plan) if plan.preset else table.rows()


def _free(at: datetime, prefix: str = "") -> Q:
    stale = Q(**{f"{prefix}state": JobRun.State.RUNNING, f"{prefix}beat_at__lt": at - STALE_AFTER})
    return Q(**{f"{prefix}state": JobRun.State.WAITING}) | stale


def _claim(run_id: int, at: datetime) -> bool:
    # By the job's own key: reached through the run it is a subquery, and PostgreSQL, which waits for a rival's claim,
    # does not judge a subquery anew.
    job_id = ImportRun.objects.filter(pk=run_id).values_list("job", flat=True).first()
    if job_id is None:
        return False
    jobs = JobRun.objects.filter(_free(at), pk=job_id)
    # Time from the database: hosts disagree, and a busy one must not look dead.
    return jobs.update(state=JobRun.State.RUNNING, started_at=Now(), beat_at=Now(), message="") == 1


def _take_all(run: ImportRun, at: datetime, batch: int, on_batch: OnBatch | None) -> None:
    plan = plan_of(run, at)
    rows = rows_of(table_of(run=run), plan)
    seen: dict[tuple[str, ...], int] = {}
    for row in islice(rows, run.next_row):
        read_row(row, plan, seen)
    while chunk := list(islice(rows, batch)):
        _take(run, chunk, plan, seen, at)
        if on_batch:
            on_batch(run)


def _take(run: ImportRun, chunk: Sequence[Row], plan: Plan, seen: dict[tuple[str, ...], int], at: datetime) -> None:
    read = [read_row(row, plan, seen) for row in chunk]
    with transaction.atomic():
        # First of all: a second worker with the same rows in hand waits here, and then finds the place moved.
        here = ImportRun.objects.filter(pk=run.pk, next_row=run.next_row, job=run.job_id)
        if here.update(next_row=run.next_row + len(chunk)) != 1:
            raise TakenOver
        done = iter(_outcomes(run, [each for each in read if not isinstance(each, RowRefused)], at))
        outcomes = [each if isinstance(each, RowRefused) else next(done) for each in read]
        ImportRowError.objects.bulk_create(
            [
                ImportRowError(
                    run=run, line=row.number, cells=row.cells, field=outcome.field, error=outcome.reason[:300]
                )
                for row, outcome in zip(chunk, outcomes, strict=True)
                if isinstance(outcome, RowRefused)
            ],
            batch_size=500,
        )
        _notice(run, chunk, read, outcomes)
        counts = {word: sum(outcome == word for outcome in outcomes) for word in ("created", "updated", "unchanged")}
        counts["rejected"] = len(outcomes) - sum(counts.values())
        ImportRun.objects.filter(pk=run.pk).update(
            notices=run.notices, **{f"rows_{word}": F(f"rows_{word}") + count for word, count in counts.items()}
        )
        JobRun.objects.filter(import_run=run).update(done=run.next_row + len(chunk), beat_at=Now())
    run.next_row += len(chunk)
    for word, count in counts.items():
        setattr(run, f"rows_{word}", getattr(run, f"rows_{word}") + count)


def _notice(
    run: ImportRun, chunk: Sequence[Row], read: Sequence[Record | RowRefused], outcomes: Sequence[Outcome]
) -> None:
    """Add to the run what people should know of rows that were taken."""
    told: list[str] = []
    for row, record, outcome in zip(chunk, read, outcomes, strict=True):
        if not isinstance(outcome, RowRefused):
            note = getattr(record, "note", "")
            told += filter(None, [row.warning, note and f"Line {row.number}: {note}"])
    if told:
        first = [*run.notices.get("first", []), *told][:NOTICES_KEPT]
        run.notices = {"count": run.notices.get("count", 0) + len(told), "first": first}


def read_row(row: Row, plan: Plan, seen: dict[tuple[str, ...], int]) -> Record | RowRefused:
    """A row, or why it cannot be taken; ``seen`` holds the line of each identity that the file has named so far."""
    try:
        record = parse_row(row, plan)
    except RowRefused as refusal:
        return refusal
    for identity in record.identities():
        if identity in seen:
            return RowRefused("", f"Line {seen[identity]} has the same {identity[0]}.")
    seen.update(dict.fromkeys(record.identities(), row.number))
    return record


def _outcomes(run: ImportRun, records: Sequence[Record], at: datetime) -> Sequence[Outcome]:
    if not run.is_dry_run:
        return _dispatch(run, records, at)
    outcomes: list[Outcome] = []
    try:
        with transaction.atomic():
            outcomes += _dispatch(run, records, at)
            raise _Undo
    except _Undo:
        return outcomes


def _dispatch(run: ImportRun, records: Sequence[Record], at: datetime) -> list[Outcome]:
    source = f"import: {run.file_name}"[:80]
    match run.kind:
        case ImportKind.LEADS:
            options = LeadOptions(
                source=source,
                stage=run.defaults.get("stage", ""),
                needs_intake=bool(run.defaults.get("needs_intake")),
            )
            return import_leads(records=cast(Sequence[LeadRecord], records), options=options, at=at)
        case ImportKind.OPPORTUNITIES:
            deal_options = DealOptions(
                source=source,
                opened=run.defaults.get("opened", ""),
                creates_accounts=bool(run.defaults.get("create_accounts")),
            )
            return import_opportunities(records=cast(Sequence[DealRecord], records), options=deal_options, at=at)
        case ImportKind.ATTENDANCE:
            attended = cast(Sequence[AttendanceRecord], records)
            return import_attendance(
                records=attended, form_id=str(run.defaults.get("web_form", "")), source=source, at=at
            )
        case ImportKind.ACCOUNTS:
            return import_accounts(records=cast(Sequence[AccountRecord], records), at=at)
        case _:
            by = run.job.started_by if run.job else None
            said = Said(door=CostDoor.IMPORT, by=by, reason=f"file {run.file_name}")
            service = run.defaults.get("preset", "")
            return import_costs(records=cast(Sequence[CostRecord], records), said=said, at=at, service=service)


def _finish(run: ImportRun, state: JobRun.State, message: str) -> None:
    JobRun.objects.filter(import_run=run).update(state=state, message=message, finished_at=Now(), beat_at=Now())
    if run.job:
        run.job.state, run.job.message = state, message


def rejected_table(*, run: ImportRun) -> Iterator[list[str]]:
    """The rows a run left out, as a table: line and reason, then the cells under the columns' own names.

    Cells beyond the columns follow them, so that a row with one too many loses nothing.
    """
    header = table_of(run=run).header
    labels = {each.name: each.label for each in FIELDS[run.kind]}
    yield [*REJECTED, REJECTED_FROM, *header]
    for row in run.row_errors.order_by("line").iterator(chunk_size=500):
        reason = f"{labels[row.field]}: {row.error}" if row.field in labels else row.error
        beyond = [cell for name, cell in row.cells.items() if name not in header]
        yield [str(row.line), reason, str(run.public_id), *(row.cells.get(name, "") for name in header), *beyond]
