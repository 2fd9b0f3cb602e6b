"""Erase a person from published reports: their cells read "Erased person", and every seal still verifies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Min

from alignment.actions.report.explain_difference import sentence
from alignment.actions.report.keep_pdf import drop_pdfs
from alignment.models import ReportRows, Restatement, WeeklyReport
from alignment.pure import sealing
from alignment.queries.report import are_rows_sealed

# Columns about the person in rows that link to them.
PERSONAL = ("who", "company", "email")


class SealBroken(Exception):
    """Rows did not verify before or after erasing, so that nothing was erased."""


class NotErasable(Exception):
    """Rows of before salts name the person: their seal is over the text itself and would break."""


@dataclass(frozen=True, slots=True)
class Erased:
    """How much was erased."""

    cells: int
    lines: int


@transaction.atomic
def erase_from_reports(*, lead: UUID) -> Erased:
    """Erase a lead from the rows of all reports and from the ledgers of their restatements; all or nothing.

    Kept PDFs are made anew from what is left. Repeating it changes nothing. Raises SealBroken and NotErasable.
    """
    address = str(lead)
    cells, lines = Counter[int](), Counter[int]()  # by report
    for rows in _sets_with(address):
        cells[rows.report_id] += _erase_rows(rows, address)
    for row in _ledgers_with(address):
        lines[row.report_id] += _erase_ledger(row, address)
    touched = WeeklyReport.objects.filter(pk__in=[*+cells, *+lines])
    if first := touched.aggregate(first=Min("week"))["first"]:
        # Later reports tell of what was restated in earlier ones.
        drop_pdfs(reports=WeeklyReport.objects.filter(week__gte=first))
    return Erased(cells.total(), lines.total())


def _sets_with(address: str) -> Iterator[ReportRows]:
    # JSON is searched as text: there is no index on cells, and a report of any age may name the person. One at a time
    # by id: they are large, and a cursor left open by a refusal could not be closed any more.
    found = ReportRows.objects.filter(rows__icontains=address).order_by("pk")
    for pk in list(found.values_list("pk", flat=True)):
        yield ReportRows.objects.select_related("report").select_for_update(of=("self",)).get(pk=pk)


def _ledgers_with(address: str) -> Iterator[Restatement]:
    found = Restatement.objects.filter(ledger__icontains=address).order_by("pk")
    for pk in list(found.values_list("pk", flat=True)):
        yield Restatement.objects.select_related("report").select_for_update(of=("self",)).get(pk=pk)


def _erase_rows(rows: ReportRows, address: str) -> int:
    links = [place for place, column in enumerate(rows.columns) if column["is_linked"]]
    personal = [place for place, column in enumerate(rows.columns) if _is_personal(column)]
    named = [number for number, row in enumerate(rows.rows) if any(address in row[place][1] for place in links)]
    if not named:
        return 0
    if rows.seals is None:
        raise NotErasable(f"{rows} names the person and was sealed before rows had salts.")
    if not are_rows_sealed(rows.report, rows):
        raise SealBroken(f"{rows} does not verify.")
    cells = 0
    for number in named:
        rows.rows[number], rows.seals[number] = sealing.redact_row(rows.rows[number], rows.seals[number], personal)
        cells += len(personal)
    if not are_rows_sealed(rows.report, rows):
        raise SealBroken(f"{rows} would not verify any more.")
    # Reports never change by themselves; this is the one change that the seal allows for.
    ReportRows.objects.filter(pk=rows.pk).update(rows=rows.rows, seals=rows.seals)
    return cells


def _is_personal(column: Mapping[str, Any]) -> bool:
    path, _, name = column["path"].rpartition("__")
    return name in PERSONAL and path in ("", "lead")


def _erase_ledger(row: Restatement, address: str) -> int:
    kept = deepcopy(row.ledger)
    erased = 0
    for cause in kept.get("causes", []):
        for line in cause["lines"]:
            if address in line["url"] or address in line["people"]:
                erased += 1
                if address in line["url"]:
                    line.update(row=sealing.ERASED, url="")
                if address in line["people"]:
                    line["columns"] = [{**each, "before": "", "after": sealing.ERASED} for each in line["columns"]]
                    line["people"] = [each for each in line["people"] if each != address]
    # The sentence may name them, too; it is made of the lines.
    cause = sentence(kept)
    if cause == row.cause:
        Restatement.objects.filter(pk=row.pk).update(ledger=kept)
    else:
        if any(row.cause == item.get("cause") for item in _news_of(row)):
            raise NotErasable(
                f"A report after {row.report.week} names the person and was sealed before causes had salts."
            )
        Restatement.objects.filter(pk=row.pk).update(ledger=kept, cause=cause, salt="")
    return erased


def _news_of(row: Restatement) -> Iterator[dict[str, Any]]:
    """What later reports tell of a restatement."""
    later = WeeklyReport.objects.filter(published_at__gte=row.noticed_at)
    for news in later.values_list("content__restatements", flat=True):
        yield from (item for item in news if (item["week"], item["entry"]) == (row.report.week, row.figure))
