"""The steps of an import before its rows move: receive the file, map its columns, start a dry run or the real one."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from leads.actions.imports.opportunities import OPENED_BY_DATES
from leads.actions.imports.rows import plan_of, rows_of
from leads.models import Channel, ImportKind, ImportMapping, ImportRowError, ImportRun, JobRun, User
from leads.pure.imports.ad_presets import BY_SOURCE, open_report, order_of
from leads.pure.imports.dates import DATE_ORDERS
from leads.pure.imports.fields import MappingRefused, check_columns, guess_columns
from leads.pure.imports.numbers import DECIMAL_SIGNS
from leads.pure.imports.proposals import propose_formats
from leads.pure.imports.rows import LEAD_STAGES
from leads.pure.imports.table import Reading, Table, count_rows, open_table
from leads.pure.money import InvalidAmount, check_currency
from leads.pure.refused import Refused
from leads.pure.table_file import UnreadableFile
from leads.queries.imports import deal_stages

TRY, REAL = "import-check", "import"
# How a file is read, and what people may set for every row of it, by kind.
READING = ("encoding", "delimiter", "header_line", "preset", "dates", "decimal")
DEFAULTS: Mapping[str, tuple[str, ...]] = {
    ImportKind.LEADS: ("stage", "channel", "channels", "stages", "owners", "keep_other_columns", "needs_intake"),
    ImportKind.OPPORTUNITIES: (
        "status",
        "currency",
        "stages",
        "owners",
        "opened",
        "create_accounts",
        "keep_other_columns",
    ),
    ImportKind.ACCOUNTS: ("owners", "keep_other_columns"),
    ImportKind.COSTS: ("currency",),
    ImportKind.ATTENDANCE: ("web_form",),
}
_COUNTS = ("next_row", "rows_created", "rows_updated", "rows_unchanged", "rows_rejected")


class ImportRefused(Refused):
    """The step is not possible now; the message tells a person why."""


def receive_file(
    *,
    kind: str,
    file_name: str,
    content: bytes,
    by: User | None,
    at: datetime,
    reading: Reading | None = None,
    web_form: str = "",
) -> ImportRun:
    """Keep a file with the columns guessed from its header, and how to read it. Raises UnreadableFile.

    It is read to its end here, so that what cannot be read at all never starts. ``reading`` is what somebody chose.
    Costs that an advertising service exported are recognized, and rejected rows that come back are read as their import
    was.
    """
    table, columns, defaults = _read(kind, content, reading, None)
    if before := rejected_import(table=table, kind=kind):
        columns, defaults = dict(before.columns), {**before.defaults, **table.reading.settings()}
    return ImportRun.objects.create(
        kind=kind,
        file_name=file_name[-200:],
        file_hash=hashlib.sha256(content).hexdigest(),
        content=content,
        columns=columns,
        defaults={**defaults, "web_form": web_form} if web_form else defaults,
        is_dry_run=True,
        rows_total=_count(table, kind, columns, defaults, at),
        created_by=by,
        created_at=at,
    )


def rejected_import(*, table: Table, kind: str) -> ImportRun | None:
    """The import that left these rows out, if it was of this kind and its columns are all there."""
    try:
        public_id = UUID(table.rejected_from)
    except ValueError:
        return None
    run = ImportRun.objects.filter(public_id=public_id, kind=kind).defer("content").first()
    return run if run and set(run.columns.values()) <= set(table.header) else None


def read_again(*, run: ImportRun, reading: Reading, preset: str = "") -> Table:
    """Read the file another way, its columns guessed anew; ``preset`` is the advertising service it comes from.

    Raises UnreadableFile, and ImportRefused once it started.
    """
    table, columns, settings = _read(run.kind, bytes(run.content), reading, preset)
    kept = {name: value for name, value in run.defaults.items() if name not in READING}
    defaults = {**kept, **settings}
    rows = _count(table, run.kind, columns, defaults, run.created_at)
    with transaction.atomic():
        _hold(run)
        ImportRun.objects.filter(pk=run.pk).update(columns=columns, defaults=defaults, rows_total=rows)
    run.columns, run.defaults, run.rows_total = columns, defaults, rows
    return table


def map_columns(
    *, run: ImportRun, columns: Mapping[str, str], defaults: Mapping[str, Any], save_as: str = ""
) -> ImportRun:
    """Settle which column feeds which field, and keep that under a name for the next file of the same shape.

    What ``defaults`` does not say about reading the file stays as it was found out. Raises MappingRefused, also where
    days or amounts could mean two things and nobody said which, UnreadableFile for another way to read the file, and
    ImportRefused once the rows are on their way.
    """
    told = ("encoding", "delimiter", "header_line", "preset")
    found = {name: run.defaults[name] for name in told if name in run.defaults}
    settled: dict[str, Any] = {**found, **defaults}
    table = open_table(bytes(run.content), run.kind, Reading.of(settled))
    check_columns(run.kind, columns, table.header)
    _check_defaults(run.kind, settled)
    settled |= _formats(table, run.kind, columns, settled)
    is_same = settled.items() >= found.items() and not settled.get("preset")
    rows = run.rows_total if is_same else _count(table, run.kind, columns, settled, run.created_at)
    with transaction.atomic():
        _hold(run)
        ImportRun.objects.filter(pk=run.pk).update(columns=dict(columns), defaults=settled, rows_total=rows)
        if save_as:
            ImportMapping.objects.update_or_create(
                name=save_as, defaults={"kind": run.kind, "columns": dict(columns), "defaults": settled}
            )
    run.columns, run.defaults, run.rows_total = dict(columns), settled, rows
    return run


def _read(
    kind: str, content: bytes, reading: Reading | None, preset: str | None
) -> tuple[Table, dict[str, str], dict[str, Any]]:
    """The table, its columns by field, and the settings of how it is read."""
    service = None
    if kind == ImportKind.COSTS:
        table, service = open_report(content, reading, preset)
    else:
        table = open_table(content, kind, reading)
    columns = service.columns(table.header) if service else guess_columns(kind, table.header)
    formats = propose_formats(table, kind, columns, service.order if service else "").settled()
    told = {"preset": service.source} if service else {}
    return table, columns, {**table.reading.settings(), **told, **formats}


def _count(table: Table, kind: str, columns: Mapping[str, str], settings: Mapping[str, Any], at: datetime) -> int:
    if not settings.get("preset"):
        return count_rows(table)
    count = sum(1 for _ in rows_of(table, plan_of(ImportRun(kind=kind, columns=columns, defaults=settings), at)))
    if not count:
        raise UnreadableFile("The report has no rows of costs.")
    return count


def _hold(run: ImportRun) -> None:
    # Whoever starts the rows updates the run, too: locked, it is either before us or after.
    held = ImportRun.objects.select_for_update().only("job", "is_dry_run").get(pk=run.pk)
    if not held.is_dry_run or (held.job and held.job.is_unfinished):
        raise ImportRefused("The rows of this file are on their way already.")


def _formats(table: Table, kind: str, columns: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, str]:
    """How the file writes days and amounts, where nobody chose it."""
    found: dict[str, str] = {}
    for name, guess in propose_formats(table, kind, columns, order_of(given)).items():
        if given.get(name):
            continue
        if guess.is_open:
            known = DATE_ORDERS if name == "dates" else DECIMAL_SIGNS
            choices = "; ".join(f"{key} ({known[key]})" for key in guess.choices or known)
            what = "could be two days" if name == "dates" else "could be two amounts"
            raise MappingRefused(name, f"{guess.example!r} {what}. Choose {name}: {choices}.")
        if guess.value:
            found[name] = guess.value
    return found


def start_import(*, run: ImportRun, is_dry_run: bool, by: User | None, at: datetime) -> None:
    """Put the rows on their way; a worker does it. Raises ImportRefused when they are already.

    Of two people who start at once, one is refused: the run's job as they saw it must still be its job.
    """
    if not run.is_dry_run:
        raise ImportRefused("This file was imported already. Upload it again to repeat it.")
    if run.job and run.job.is_unfinished:
        raise ImportRefused("The rows of this file are on their way already.")
    try:
        _put_on_way(run, is_dry_run, by, at)
    except IntegrityError:
        raise ImportRefused("Somebody else has just started this import.") from None
    run.refresh_from_db(fields=["job", "is_dry_run", "notices", *_COUNTS])


def resume_import(*, run: ImportRun) -> None:
    """Let a run that failed go on where it stood. Raises ImportRefused when it did not fail."""
    failed = JobRun.objects.filter(pk=run.job_id or 0, state=JobRun.State.FAILED)
    if failed.update(state=JobRun.State.WAITING) != 1:
        raise ImportRefused("This import did not stop.")


def _put_on_way(run: ImportRun, is_dry_run: bool, by: User | None, at: datetime) -> None:
    kind = TRY if is_dry_run else REAL
    with transaction.atomic():
        job = JobRun.objects.create(
            kind=kind,
            period=f"{run.public_id}{f' {at.isoformat()}' if is_dry_run else ''}",
            total=run.rows_total,
            started_by=by,
            created_at=at,
        )
        mine = ImportRun.objects.filter(pk=run.pk, job=run.job_id, is_dry_run=True)
        if run.job_id is None:
            mine = ImportRun.objects.filter(pk=run.pk, job__isnull=True, is_dry_run=True)
        if mine.update(job=job, is_dry_run=is_dry_run, notices={}, **dict.fromkeys(_COUNTS, 0)) != 1:
            raise ImportRefused("Somebody else has just started this import.")
        ImportRowError.objects.filter(run=run).delete()


def _check_defaults(kind: str, defaults: Mapping[str, Any]) -> None:
    allowed = (*DEFAULTS[kind], *READING)
    for name in defaults:
        if name not in allowed:
            raise MappingRefused(name, f"There is no setting {name!r}. Settings: {', '.join(allowed)}.")
    known = set(Channel.objects.values_list("key", flat=True))
    wanted = [*defaults.get("channels", {}).values(), *filter(None, [defaults.get("channel")])]
    _check("channel", "channel", wanted, known)
    if (stage := defaults.get("stage")) and stage not in LEAD_STAGES:
        raise MappingRefused("stage", f"Imported leads can be lead, mql, sal or sql, not {stage!r}.")
    stages = LEAD_STAGES if kind == ImportKind.LEADS else [each.key for each in deal_stages()]
    _check("stage", "stage", defaults.get("stages", {}).values(), stages)
    owners = {each for each in defaults.get("owners", {}).values() if each}
    _check("owner", "user", owners, set(User.objects.filter(email__in=owners).values_list("email", flat=True)))
    _check("preset", "service", filter(None, [defaults.get("preset")]), BY_SOURCE if kind == ImportKind.COSTS else ())
    for name, choices in (("dates", DATE_ORDERS), ("decimal", DECIMAL_SIGNS), ("opened", ("", OPENED_BY_DATES))):
        _check(name, f"setting of {name}", filter(None, [defaults.get(name)]), choices)
    if currency := defaults.get("currency"):
        try:
            check_currency(currency)
        except InvalidAmount as error:
            raise MappingRefused("currency", str(error)) from error


def _check(field: str, noun: str, wanted: Iterable[str], known: Collection[str]) -> None:
    for key in wanted:
        if key not in known:
            named = "" if noun == "user" else f" Known: {', '.join(sorted(filter(None, known)))}."
            raise MappingRefused(field, f"There is no {noun} {key!r}.{named}")
