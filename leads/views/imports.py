"""Imports: upload, columns, a dry run to look at, the rows on their way, the result."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leads.actions.imports.file import (
    ImportRefused,
    map_columns,
    read_again,
    receive_file,
    rejected_import,
    resume_import,
    start_import,
)
from leads.actions.imports.preview import preview_import
from leads.actions.imports.rows import rejected_table, table_of
from leads.forms.import_words import WORD_FIELDS
from leads.forms.imports import MappingForm, ReadingForm, UploadForm, reading_for, saved_mappings
from leads.models import ImportKind, ImportRun, JobRun
from leads.pure.imports.encodings import guess_encoding
from leads.pure.imports.fields import FIELDS, MappingRefused
from leads.pure.imports.table import Table, open_table
from leads.pure.table_file import UnreadableFile, mark_again
from leads.queries.imports import may_import
from leads.tasks import nudge_imports
from leads.views.doors import SignedInRequest, allowed
from leads.views.list_file import list_file
from leads.views.progress import progress_answer

PAGE_SIZE = 25
_HEADER = ("File", "What", "State", "Rows", "Created", "Updated", "Unchanged", "Rejected", "Dry run", "By", "When")
ERRORS_SHOWN = 20
View = Callable[..., HttpResponseBase]


def _for_importers(view: View) -> View:
    """Signed in, and an admin or marketing director."""

    @wraps(view)
    def guarded(request: SignedInRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        allowed(request, may_import, "Imports are for admins and marketing directors.")
        return view(request, *args, **kwargs)

    return login_required(guarded)


@_for_importers
@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: SignedInRequest) -> HttpResponse:
    """Past imports, and the form for a new one."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            run = receive_file(
                kind=form.cleaned_data["kind"],
                file_name=file.name,
                content=file.read(),
                by=request.user,
                at=timezone.now(),
            )
        except UnreadableFile as error:
            form.add_error("file", str(error))
        else:
            return redirect("leads:import-columns", run.public_id)
    runs = _runs().select_related("created_by", "job").order_by("-pk")
    if made := list_file(request, "imports", _HEADER, lambda: map(_line, runs)):
        return made
    page = Paginator(runs, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"form": form, "page": page, "labels": dict(ImportKind.choices)}
    return render(request, "leads/imports/imports.html", context, status=422 if form.errors else 200)


def _line(run: ImportRun) -> tuple[Any, ...]:
    counts = (run.rows_total, run.rows_created, run.rows_updated, run.rows_unchanged, run.rows_rejected)
    state = run.job.state if run.job else "uploaded"
    return (run.file_name, run.get_kind_display(), state, *counts, run.is_dry_run, run.created_by, run.created_at)


@_for_importers
@require_GET
def import_detail(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Where an import stands: on its way, tried, or done."""
    run = _run(public_id)
    if run.job is None:
        return redirect("leads:import-columns", run.public_id)
    context: dict[str, Any] = {"run": run, "is_moving": run.job.is_unfinished, "failed": run.job.state == "failed"}
    if not context["is_moving"]:
        labels = {each.name: each.label for each in FIELDS[run.kind]}
        errors = run.row_errors.order_by("line")[:ERRORS_SHOWN]
        context["errors"] = [(each.line, labels.get(each.field, "The row"), each.error) for each in errors]
        context["taken"] = run.rows_total - run.rows_rejected
        if run.is_dry_run:
            context["preview"] = preview_import(run=run, at=timezone.now())
    return render(request, "leads/imports/import_detail.html", context)


@_for_importers
@require_http_methods(["GET", "HEAD", "POST"])
def import_columns(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Which column feeds which field. Saving tries the whole file."""
    run = _run(public_id)
    if not run.is_dry_run:
        return redirect("leads:import-detail", run.public_id)
    table = table_of(run=run)
    saved = saved_mappings(run, table.header)
    chosen = next((each for each in saved if each.name == request.GET.get("map")), None)
    if chosen and (reading := reading_for(chosen, run, table.header)):
        run.columns, run.defaults = chosen.columns, {**chosen.defaults, **reading.settings()}
        table = open_table(bytes(run.content), run.kind, reading)
    is_reading = request.method == "POST" and "encoding" in request.POST
    reader = ReadingForm(run, table, request.POST if is_reading else None)
    posted = request.POST if request.method == "POST" and not is_reading else None
    form = MappingForm(run, table, posted, pages=_pages(request))
    if is_reading and reader.is_valid() and (done := _read(request, run, reader)):
        return done
    if request.method == "POST" and not is_reading and form.is_valid() and (done := _map(request, run, form)):
        return done
    context = {
        "run": run,
        "form": form,
        "reader": reader,
        "guess": guess_encoding(table.content),
        "saved": saved,
        "chosen": chosen,
        "before": rejected_import(table=table, kind=run.kind),
        "label": ImportKind(run.kind).label,
        "sample": _sample(table),
    }
    has_errors = bool(form.errors or reader.errors)
    return render(request, "leads/imports/import_columns.html", context, status=422 if has_errors else 200)


def _sample(table: Table, most: int = 3) -> list[list[str]]:
    """The first rows, cell by cell, for people to see whether the file is read as it should be."""
    return [[row.cells.get(name, "") for name in table.header] for row in table.sample(most)]


def _read(request: SignedInRequest, run: ImportRun, reader: ReadingForm) -> HttpResponse | None:
    try:
        read_again(run=run, reading=reader.reading, preset=reader.preset)
    except (UnreadableFile, ImportRefused) as error:
        reader.add_error(None, str(error))
        return None
    messages.info(request, "The file was read again. Check the columns.")
    return redirect("leads:import-columns", run.public_id)


def _pages(request: SignedInRequest) -> dict[str, int]:
    """Which page of the words of each value map is shown."""
    given = {name: request.GET.get(f"{name}_page", "") for name in WORD_FIELDS}
    return {name: int(text) for name, text in given.items() if text.isdecimal()}


def _map(request: SignedInRequest, run: ImportRun, form: MappingForm) -> HttpResponse | None:
    others = form.remapped()
    turned, _, page = (request.POST.get("words") or "").partition(":")
    try:
        map_columns(run=run, columns=form.columns, defaults=form.defaults, save_as=form.cleaned_data["save_as"])
        if turned in WORD_FIELDS:
            query = urlencode({f"{name}_page": at for name, at in {**_pages(request), turned: page}.items()})
            return redirect(f"{reverse('leads:import-columns', args=[run.public_id])}?{query}#{turned}-words-title")
        if others:
            names = " and ".join(each.title.lower() for each in others)
            messages.info(request, f"Another column is used now: check what the words for {names} mean, then go on.")
            return redirect("leads:import-columns", run.public_id)
        start_import(run=run, is_dry_run=True, by=request.user, at=timezone.now())
    except MappingRefused as error:
        field = next((name for name in (error.field, f"column_{error.field}") if name in form.fields), None)
        form.add_error(field, error.reason)
        return None
    except (ImportRefused, UnreadableFile) as error:
        form.add_error(None, str(error))
        return None
    nudge_imports()
    return redirect("leads:import-detail", run.public_id)


@_for_importers
@require_POST
def import_start(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Take the rows in for good, or let an import that stopped go on."""
    run = _run(public_id)
    try:
        if run.job and run.job.state == JobRun.State.FAILED:
            resume_import(run=run)
        else:
            start_import(run=run, is_dry_run=False, by=request.user, at=timezone.now())
    except ImportRefused as error:
        messages.warning(request, str(error))
    else:
        nudge_imports()
    return redirect("leads:import-detail", run.public_id)


@_for_importers
@require_GET
def import_progress(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """How far an import is: the fragment that the page asks for each second."""
    run = _run(public_id)
    is_moving = run.job is not None and run.job.is_unfinished
    return progress_answer(request, "leads/imports/_import_progress.html", {"run": run}, is_moving=is_moving)


@_for_importers
@require_GET
def import_rejected(request: SignedInRequest, public_id: UUID) -> StreamingHttpResponse:
    """The rows left out, with the reason, to mend and upload again."""
    run = _run(public_id)
    answer = StreamingHttpResponse(_lines(run), content_type="text/csv; charset=utf-8")
    name = "".join(sign for sign in run.file_name.rsplit(".", 1)[0] if sign.isalnum() and sign.isascii()) or "import"
    answer["Content-Disposition"] = f'attachment; filename="{name}-rejected.csv"'
    return answer


class _Echo:
    def write(self, text: str) -> str:
        return text


def _lines(run: ImportRun) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff"  # Excel takes the file for UTF-8 only with this
    for cells in rejected_table(run=run):
        yield writer.writerow([mark_again(cell) for cell in cells])


def _runs() -> QuerySet[ImportRun]:
    return ImportRun.objects.defer("content")


def _run(public_id: UUID) -> ImportRun:
    return get_object_or_404(_runs().select_related("job", "created_by"), public_id=public_id)
