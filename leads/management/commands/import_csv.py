"""`manage.py import_csv leads FILE`: bring a CSV file in from the command line."""

from __future__ import annotations

import csv
import os
import sys
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from leads.actions.imports.file import map_columns, receive_file, rejected_import, start_import
from leads.actions.imports.rows import import_rows, rejected_table, table_of
from leads.models import ImportKind, ImportMapping, ImportRun, JobRun
from leads.past.acting import COMMAND_LINE, Door, act
from leads.pure.imports.ad_presets import BY_SOURCE
from leads.pure.imports.encodings import ENCODINGS
from leads.pure.imports.table import Reading
from leads.pure.refused import FieldRefused, Refused
from leads.pure.table_file import UnreadableFile, mark_again

_FLAGS = ("keep_other_columns", "needs_intake", "create_accounts")
_MAPS = ("channel", "stage", "owner")
_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
_REASONS_SHOWN = 10


class Command(BaseCommand):
    help = "Import leads, accounts, opportunities or campaign costs from a CSV file. Repeating a file changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=ImportKind.values)
        parser.add_argument("file", type=Path)
        parser.add_argument("--map", default="", metavar="NAME", help="a mapping saved under this name")
        parser.add_argument("--column", action="append", default=[], metavar="FIELD=COLUMN", help="not the guess")
        parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="for every row: stage=mql")
        for name in _MAPS:
            parser.add_argument(
                f"--{name}", action="append", default=[], metavar="WORD=KEY", help=f"a {name} of the file"
            )
        parser.add_argument("--encoding", default="", choices=list(ENCODINGS), metavar="CODEC", help="such as cp1252")
        parser.add_argument("--delimiter", default="", metavar="SIGN", help="comma, semicolon, tab or bar")
        parser.add_argument("--header-line", type=int, default=0, metavar="N", help="the line that names the columns")
        parser.add_argument("--save", default="", metavar="NAME", help="save the mapping under this name")
        parser.add_argument("--rejected", type=Path, metavar="FILE", help="write the rows left out, with the reason")
        parser.add_argument("--dry-run", action="store_true", help="try every row, keep nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with act(Door.COMMAND, source="import_csv", because=COMMAND_LINE):
                self._import(options)
        except DatabaseError as error:
            raise CommandError(f"The database refused: {str(error).splitlines()[0]}. Try again.") from error
        except KeyboardInterrupt:
            raise CommandError("Stopped. Rows taken so far stay, and the same command may be run again.") from None

    def _import(self, options: dict[str, Any]) -> None:
        path: Path = options["file"]
        at = timezone.now()
        if (rejected := options["rejected"]) and not rejected.parent.is_dir():
            raise CommandError(f"{rejected} cannot be written: there is no folder {rejected.parent}.")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
        try:
            run = self._prepare(content, options, at)
            self._tell_plan(run)
            start_import(run=run, is_dry_run=options["dry_run"], by=None, at=at)
        except (UnreadableFile, Refused) as error:
            raise CommandError(_in_options(error)) from error
        import_rows(run_id=run.pk, at=at, on_batch=self._progress)
        run = ImportRun.objects.select_related("job").get(pk=run.pk)
        for text in run.notices.get("first", []):
            self._say(text)
        self._tell_reasons(run)
        if options["rejected"] and run.rows_rejected:
            self._write_rejected(run, options["rejected"])
        if run.job and run.job.state == JobRun.State.FAILED:
            raise CommandError(run.job.message)
        verb = "Would be" if run.is_dry_run else "Were"
        self._say(
            f"{verb} created {run.rows_created:,}, updated {run.rows_updated:,}, unchanged {run.rows_unchanged:,}, "
            f"rejected {run.rows_rejected:,}."
        )

    def _prepare(self, content: bytes, options: dict[str, Any], at: datetime) -> ImportRun:
        columns: dict[str, str] = {}
        defaults: dict[str, Any] = {}
        if options["map"]:
            saved = ImportMapping.objects.filter(name=options["map"], kind=options["kind"]).first()
            if saved is None:
                raise CommandError(f"No mapping of {options['kind']} is saved as {options['map']!r}.")
            columns, defaults = dict(saved.columns), dict(saved.defaults)
        given = _pairs("--column", options["column"])
        settings = _pairs("--set", options["set"])
        reading = _reading(options, Reading.of(defaults))
        kind, name = options["kind"], options["file"].name
        run = receive_file(kind=kind, file_name=name, content=content, by=None, at=at, reading=reading)
        columns = {**(columns or run.columns), **given}
        if rejected_import(table=table_of(run=run), kind=kind):
            defaults = {**run.defaults, **defaults}
        for name, value in settings.items():
            defaults[name] = value.lower() in ("yes", "true", "1") if name in _FLAGS else value
        for name in _MAPS:
            if words := _pairs(f"--{name}", options[name]):
                defaults[f"{name}s"] = {**defaults.get(f"{name}s", {}), **words}
        defaults |= Reading.of(run.defaults).settings()
        columns = {name: column for name, column in columns.items() if column}
        return map_columns(run=run, columns=columns, defaults=defaults, save_as=options["save"])

    def _tell_plan(self, run: ImportRun) -> None:
        """How the file is read, and which of its columns feed nothing."""
        reading = Reading.of(run.defaults)
        parts = [ENCODINGS[reading.encoding], f"header in line {reading.header_line}"]
        if preset := BY_SOURCE.get(run.defaults.get("preset", "")):
            parts.insert(0, f"the export of {preset.name}")
        parts += [f"{name} {run.defaults[name]}" for name in ("dates", "decimal") if run.defaults.get(name)]
        self._say(f"Read as {', '.join(parts)}.")
        used = set(run.columns.values())
        others = [name for name in table_of(run=run).header if name not in used]
        if others:
            what = "Kept with the record" if run.defaults.get("keep_other_columns") else "Left out"
            self._say(f"{what}, because no field takes them: {', '.join(others)}.")

    def _progress(self, run: ImportRun) -> None:
        self._say(f"{run.next_row:,} of {run.rows_total:,} rows")

    def _say(self, text: str) -> None:
        """A line at once, also into a pipe. If its reader has gone, the rows go on unheard."""
        try:
            self.stdout.write(text)
            self.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def _tell_reasons(self, run: ImportRun) -> None:
        for each in run.row_errors.order_by("line")[:_REASONS_SHOWN]:
            self._say(f"Line {each.line}: {each.field + ': ' if each.field else ''}{each.error}")
        if run.rows_rejected > _REASONS_SHOWN:
            more = run.rows_rejected - _REASONS_SHOWN
            self._say(f"And {more:,} more rows were left out; --rejected FILE writes them all.")

    def _write_rejected(self, run: ImportRun, path: Path) -> None:
        try:
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                for cells in rejected_table(run=run):
                    writer.writerow([mark_again(cell) for cell in cells])
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
        rows = "row" if run.rows_rejected == 1 else "rows"
        self._say(f"{run.rows_rejected:,} {rows} left out, written to {path}.")


def _reading(options: dict[str, Any], saved: Reading) -> Reading:
    delimiter = _DELIMITERS.get(options["delimiter"], options["delimiter"])
    return Reading(
        options["encoding"] or saved.encoding, delimiter or saved.delimiter, options["header_line"] or saved.header_line
    )


def _in_options(error: Exception) -> str:
    """The refusal, with the option that answers it."""
    if isinstance(error, FieldRefused) and error.field in ("dates", "decimal"):
        return f"{error.reason} Add --set {error.field}=…"
    return str(error)


def _pairs(option: str, texts: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    for name, sign, _ in pairs:
        if not sign:
            raise CommandError(f"{option} {name!r} needs the form NAME=VALUE.")
    return {name.strip(): value.strip() for name, _, value in pairs}
