"""A history as CSV and XLSX: one line per field, with nothing a spreadsheet would run."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from io import BytesIO

import xlsxwriter
from django.http import HttpResponse
from django.utils.text import slugify

from leads.models import Company
from leads.pure.table_file import neutralize
from leads.queries.history import Entry, Record

HEADER = (
    "When", "Change", "Who", "Came through", "Source", "Allowed because", "What", "Action", "Field", "From", "To",
)  # fmt: skip
_WIDTHS = (26, 10, 24, 16, 28, 24, 36, 10, 24, 36, 36)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


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
    """One sheet, its header fixed and filterable."""
    stream = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(stream, options) as book:
        bold = book.add_format({"bold": True})
        sheet = book.add_worksheet("Changes")
        sheet.write_row(0, 0, HEADER, bold)
        row = 0
        for row, line in enumerate(lines(entries, company), start=1):
            for column, cell in enumerate(line):
                sheet.write_string(row, column, neutralize(cell))
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, row, len(HEADER) - 1)
        for column, width in enumerate(_WIDTHS):
            sheet.set_column(column, column, width)
    return HttpResponse(stream.getvalue(), content_type=XLSX, headers=_disposition(record, "xlsx"))


def _disposition(record: Record, kind: str) -> dict[str, str]:
    name = slugify(f"history-{record.kind.key}-{record.name}")[:80]
    return {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
