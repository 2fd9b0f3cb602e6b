"""The steps of an import before its rows move: receive the file, map its columns, start a dry run or the real one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from leads.models import Channel, ImportKind, ImportMapping, ImportRowError, ImportRun, JobRun, Stage, User
from leads.pure.imports.fields import MappingRefused, check_columns, guess_columns
from leads.pure.imports.table import count_rows, open_table
from leads.pure.refused import Refused

TRY, REAL = "import-check", "import"
# What people may set for every row of a file, and for which kinds.
DEFAULTS: Mapping[str, tuple[str, ...]] = {
    ImportKind.LEADS: ("stage", "channel", "channels", "keep_other_columns", "needs_intake"),
    ImportKind.OPPORTUNITIES: ("status", "currency", "keep_other_columns"),
    ImportKind.COSTS: ("currency",),
}
_COUNTS = ("next_row", "rows_created", "rows_updated", "rows_unchanged", "rows_rejected")


class ImportRefused(Refused):
    """The step is not possible now; the message tells a person why."""


def receive_file(*, kind: str, file_name: str, content: bytes, by: User | None, at: datetime) -> ImportRun:
    """Keep a file with the columns guessed from its header. Raises UnreadableFile.

    It is read to its end here, so that what cannot be read at all never starts.
    """
    table = open_table(content)
    return ImportRun.objects.create(
        kind=kind,
        file_name=file_name[-200:],
        file_hash=hashlib.sha256(content).hexdigest(),
        content=content,
        columns=guess_columns(kind, table.header),
        is_dry_run=True,
        rows_total=count_rows(table),
        created_by=by,
        created_at=at,
    )


def map_columns(
    *, run: ImportRun, columns: Mapping[str, str], defaults: Mapping[str, Any], save_as: str = ""
) -> ImportRun:
    """Settle which column feeds which field, and keep that under a name for the next file of the same shape.

    Raises MappingRefused, and ImportRefused once the rows are on their way.
    """
    check_columns(run.kind, columns, open_table(bytes(run.content)).header)
    _check_defaults(run.kind, defaults)
    with transaction.atomic():
        # Whoever starts the rows updates the run, too: locked, it is either before us or after.
        held = ImportRun.objects.select_for_update().only("job", "is_dry_run").get(pk=run.pk)
        if not held.is_dry_run or (held.job and held.job.is_unfinished):
            raise ImportRefused("The rows of this file are on their way already.")
        ImportRun.objects.filter(pk=run.pk).update(columns=dict(columns), defaults=dict(defaults))
        if save_as:
            ImportMapping.objects.update_or_create(
                name=save_as, defaults={"kind": run.kind, "columns": dict(columns), "defaults": dict(defaults)}
            )
    run.columns, run.defaults = dict(columns), dict(defaults)
    return run


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
    run.refresh_from_db(fields=["job", "is_dry_run", *_COUNTS])


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
        if mine.update(job=job, is_dry_run=is_dry_run, **dict.fromkeys(_COUNTS, 0)) != 1:
            raise ImportRefused("Somebody else has just started this import.")
        ImportRowError.objects.filter(run=run).delete()


def _check_defaults(kind: str, defaults: Mapping[str, Any]) -> None:
    for name in defaults:
        if name not in DEFAULTS[kind]:
            raise MappingRefused(name, f"There is no setting {name!r}. Settings: {', '.join(DEFAULTS[kind])}.")
    known = set(Channel.objects.values_list("key", flat=True))
    wanted = [*defaults.get("channels", {}).values(), *filter(None, [defaults.get("channel")])]
    for key in wanted:
        if key not in known:
            raise MappingRefused("channel", f"There is no channel {key!r}. Channels: {', '.join(sorted(known))}.")
    if (stage := defaults.get("stage")) and stage not in (Stage.LEAD, Stage.MQL, Stage.SAL, Stage.SQL):
        raise MappingRefused("stage", f"Imported leads can be lead, mql, sal or sql, not {stage!r}.")
