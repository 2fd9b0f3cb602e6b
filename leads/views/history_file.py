"""A history as CSV and XLSX: one line per field, with nothing a spreadsheet would run."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

from django.http import HttpResponse
from django.utils.text import slugify

from leads.models import Company
from leads.pure.table_file import neutralize
from leads.queries.history import Entry, Record
from leads.views.workbook import Book

HEADER = (
    "When", "Change", "Who", "Came through", "Source", "Allowed because", "What", "Action", "Field", "From", "To",
)  # fmt: skip


def lines(entries: Sequence[Entry], company: Company) -> Iterator[tuple[str, ...]]:
    """Texts in the order of the header; times of the company in ISO 8601."""
    for entry in entries:
        when = entry.at.astimezone(company.tz).isoformat(sep=" ", timespec="milliseconds")
        who = (when, str(entry.change), entry.who, entry.door_name, entry.source, entry.because)
        for row in entry.rows:
            for each in row.fields:
                yield (*who, row.title, row.verb, each.label, each.before, each.after)
            if not row.fields:
                yield (*who, row.title, row.verb, "", "", "")


def csv_file(record: Record, entries: Sequence[Entry], company: Company) -> HttpResponse:
    """Comma-separated, UTF-8 with a mark so that spreadsheets read it so."""
    response = HttpResponse(content_type="text/csv; charset=utf-8", headers=_disposition(record, "csv"))
    response.write("\ufeff")
    writer = csv.writer(response)
    writer.writerows([neutralize(cell) for cell in line] for line in (HEADER, *lines(entries, company)))
    return response


def xlsx_file(record: Record, entries: Sequence[Entry], company: Company) -> HttpResponse:
    """One sheet; times are texts with their distance from UTC, as milliseconds tell one change from another."""
    book = Book(company.tz)
    book.table(book.name("Changes"), HEADER, lines(entries, company))
    return book.answer(_disposition(record, "xlsx"))


def _disposition(record: Record, kind: str) -> dict[str, str]:
    name = slugify(f"history-{record.kind.key}-{record.name}")[:80]
    return {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
