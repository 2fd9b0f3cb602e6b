"""`manage.py import_csv leads FILE`: bring a CSV file in from the command line."""

from __future__ import annotations

import csv
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from leads.actions.imports.file import map_columns, receive_file, start_import
from leads.actions.imports.rows import import_rows, rejected_table
from leads.models import ImportKind, ImportMapping, ImportRun, JobRun
from leads.past.acting import COMMAND_LINE, Door, act
from leads.pure.refused import Refused
from leads.pure.table_file import UnreadableFile, neutralize

_FLAGS = ("keep_other_columns", "needs_intake")


class Command(BaseCommand):
    help = "Import leads, opportunities or campaign costs from a CSV file. Repeating a file changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=ImportKind.values)
        parser.add_argument("file", type=Path)
        parser.add_argument("--map", default="", metavar="NAME", help="a mapping saved under this name")
        parser.add_argument("--column", action="append", default=[], metavar="FIELD=COLUMN", help="not the guess")
        parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="for every row: stage=mql")
        parser.add_argument("--channel", action="append", default=[], metavar="WORD=KEY", help="a word of the file")
        parser.add_argument("--save", default="", metavar="NAME", help="save the mapping under this name")
        parser.add_argument("--rejected", type=Path, metavar="FILE", help="write the rows left out, with the reason")
        parser.add_argument("--dry-run", action="store_true", help="try every row, keep nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        with act(Door.COMMAND, source="import_csv", because=COMMAND_LINE):
            self._import(options)

    def _import(self, options: dict[str, Any]) -> None:
        path: Path = options["file"]
        at = timezone.now()
        try:
            content = path.read_bytes()
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
        try:
            run = self._prepare(content, options, at)
            start_import(run=run, is_dry_run=options["dry_run"], by=None, at=at)
        except (UnreadableFile, Refused) as error:
            raise CommandError(str(error)) from error
        import_rows(run_id=run.pk, at=at, on_batch=self._progress)
        run = ImportRun.objects.defer("content").select_related("job").get(pk=run.pk)
        self._report(run)
        if options["rejected"]:
            self._write_rejected(run, options["rejected"])
        if run.job and run.job.state == JobRun.State.FAILED:
            raise CommandError(run.job.message)

    def _prepare(self, content: bytes, options: dict[str, Any], at: datetime) -> ImportRun:
        columns: dict[str, str] = {}
        defaults: dict[str, Any] = {}
        if options["map"]:
            saved = ImportMapping.objects.filter(name=options["map"], kind=options["kind"]).first()
            if saved is None:
                raise CommandError(f"No mapping of {options['kind']} is saved as {options['map']!r}.")
            columns, defaults = dict(saved.columns), dict(saved.defaults)
        given = _pairs("--column", options["column"])
        words = _pairs("--channel", options["channel"])
        settings = _pairs("--set", options["set"])
        run = receive_file(kind=options["kind"], file_name=options["file"].name, content=content, by=None, at=at)
        columns = {**(columns or run.columns), **given}
        for name, value in settings.items():
            defaults[name] = value.lower() in ("yes", "true", "1") if name in _FLAGS else value
        if words:
            defaults["channels"] = {**defaults.get("channels", {}), **words}
        columns = {name: column for name, column in columns.items() if column}
        return map_columns(run=run, columns=columns, defaults=defaults, save_as=options["save"])

    def _progress(self, run: ImportRun) -> None:
        self.stdout.write(f"{run.next_row:,} of {run.rows_total:,} rows")

    def _report(self, run: ImportRun) -> None:
        verb = "Would be" if run.is_dry_run else "Were"
        self.stdout.write(
            f"{verb} created {run.rows_created:,}, updated {run.rows_updated:,}, unchanged {run.rows_unchanged:,}, "
            f"rejected {run.rows_rejected:,}."
        )
        for each in run.row_errors.order_by("line")[:10]:
            self.stdout.write(f"Line {each.line}: {each.field + ': ' if each.field else ''}{each.error}")

    def _write_rejected(self, run: ImportRun, path: Path) -> None:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            for cells in rejected_table(run=run):
                writer.writerow([neutralize(cell) for cell in cells])


def _pairs(option: str, texts: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    for name, sign, _ in pairs:
        if not sign:
            raise CommandError(f"{option} {name!r} needs the form NAME=VALUE.")
    return {name.strip(): value.strip() for name, _, value in pairs}
