"""A published report as XLSX and CSV: a summary and every row, with nothing a spreadsheet would run."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter
from django.http import HttpResponse
from django.utils import timezone
from django.utils.text import slugify

from alignment.actions.report.freeze_figure import KEY
from alignment.models import ReportRows, WeeklyReport
from leads.pure.money import to_amount
from leads.pure.table_file import neutralize, sheet_name

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def report_csv(report: WeeklyReport) -> HttpResponse:
    """Every row of every figure, one after the other; the first three columns say of which."""
    response = HttpResponse(content_type="text/csv; charset=utf-8", headers=_named(report, "csv"))
    response.write("\ufeff")  # without it Excel reads UTF-8 as Windows-1252
    writer = csv.writer(response)
    for rows in _row_sets(report):
        writer.writerow(["figure", "part", "row", *(neutralize(name) for name in _header(rows.columns))])
        for number, row in enumerate(rows.rows, start=1):
            writer.writerow(
                [rows.figure, rows.part, number, *(neutralize(value) for value in _values(report, rows.columns, row))]
            )
    return response


def report_xlsx(report: WeeklyReport) -> HttpResponse:
    """A summary sheet, and a sheet for every figure with its counted rows and those left out."""
    stream = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "remove_timezone": True}
    with xlsxwriter.Workbook(stream, options) as book:
        # The file must be the same whenever it is made, as the report is.
        book.set_properties(
            {"title": f"Weekly report {report.week}", "created": report.published_at.replace(tzinfo=None)}
        )
        bold = book.add_format({"bold": True})
        summary = book.add_worksheet("Summary")
        for line, cells in enumerate(_summary(report)):
            for place, value in enumerate(cells):
                _write(summary, line, place, value, bold if line in (0, 7) else None)
        summary.set_column(0, 0, 30)
        summary.set_column(1, 7, 18)
        sheets: dict[str, tuple[Any, int]] = {}
        for rows in _row_sets(report):
            if rows.figure not in sheets:
                sheets[rows.figure] = book.add_worksheet(_sheet_name(rows.figure, len(sheets))), 0
            sheet, line = sheets[rows.figure]
            label = next(p["label"] for p in report.content["figures"][rows.figure]["parts"] if p["name"] == rows.part)
            sheet.write_string(line, 0, neutralize(f"{rows.part}: {label} ({rows.count})"), bold)
            for place, name in enumerate(_header(rows.columns)):
                sheet.write_string(line + 1, place, name, bold)
            for row in rows.rows:
                for place, value in enumerate(_values(report, rows.columns, row)):
                    _write(sheet, line + 2, place, value)
                line += 1
            sheets[rows.figure] = sheet, line + 3
            sheet.set_column(0, 12, 18)
    return HttpResponse(stream.getvalue(), content_type=_XLSX, headers=_named(report, "xlsx"))


def figure_csv(report: WeeklyReport, rows: ReportRows, listed: list[list[Any]]) -> HttpResponse:
    """The rows of one list of one frozen figure, those given, as the live figure gives them."""
    response = HttpResponse(content_type="text/csv; charset=utf-8", headers=_named_rows(report, rows, "csv"))
    response.write("\ufeff")  # without it Excel reads UTF-8 as Windows-1252
    writer = csv.writer(response)
    writer.writerow(neutralize(name) for name in _header(_shown(rows)))
    writer.writerows([neutralize(value) for value in _shown_values(report, rows, row)] for row in listed)
    return response


def figure_xlsx(report: WeeklyReport, rows: ReportRows, listed: list[list[Any]]) -> HttpResponse:
    """The same as a workbook, with the definition on a sheet of its own."""
    about, stream = report.content["figures"][rows.figure], BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "remove_timezone": True}
    with xlsxwriter.Workbook(stream, options) as book:
        bold = book.add_format({"bold": True})
        told = book.add_worksheet("Definition")
        facts = [("Figure", about["name"]), ("Weekly report", report.week), ("Formula", about["formula"])]
        facts += [("Meaning", about["meaning"]), ("Time zone", report.time_zone), ("Currency", report.currency)]
        for line, (name, text) in enumerate(facts):
            told.write_string(line, 0, name, bold)
            told.write_string(line, 1, neutralize(text))
        told.set_column(0, 0, 18)
        told.set_column(1, 1, 90)
        sheet = book.add_worksheet(sheet_name(rows.part))
        sheet.freeze_panes(1, 0)
        sheet.write_row(0, 0, _header(_shown(rows)), bold)
        for line, row in enumerate(listed, start=1):
            for place, value in enumerate(_shown_values(report, rows, row)):
                _write(sheet, line, place, value)
    return HttpResponse(stream.getvalue(), content_type=_XLSX, headers=_named_rows(report, rows, "xlsx"))


def _shown(rows: ReportRows) -> list[dict[str, Any]]:
    """The columns that a page shows; the others say which row it is."""
    return [column for column in rows.columns if column["label"]]


def _shown_values(report: WeeklyReport, rows: ReportRows, row: list[Any]) -> Iterator[Any]:
    shown = [place for place, column in enumerate(rows.columns) if column["label"]]
    return _values(report, _shown(rows), [row[place] for place in shown])


def _named_rows(report: WeeklyReport, rows: ReportRows, kind: str) -> dict[str, str]:
    name = slugify(f"weekly-report-{report.week}-{rows.figure.replace('.', '-')}-{rows.part}")
    return {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}


def _named(report: WeeklyReport, kind: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="weekly-report-{report.week}.{kind}"'}


def _row_sets(report: WeeklyReport) -> Iterator[ReportRows]:
    return report.row_sets.order_by("figure", "pk").iterator(chunk_size=10)


def _sheet_name(figure: str, number: int) -> str:
    """At most 31 characters and unique whatever the case, as spreadsheets want it."""
    return f"{number + 1} {figure}"[:31]


def _summary(report: WeeklyReport) -> Iterator[list[Any]]:
    content = report.content
    zone = ZoneInfo(report.time_zone)
    yield [f"Weekly report {report.week}", content["days"]]
    yield ["What changed", content["headline"]["sentence"]]
    yield ["Decision", content["headline"]["decision"]]
    yield ["Published", timezone.localtime(report.published_at, zone).isoformat(sep=" ", timespec="seconds")]
    yield ["Time zone", report.time_zone]
    yield ["Currency", report.currency]
    yield ["Seal (SHA-256)", report.digest]
    yield ["Figure", "Value", "Last week", "Same week last quarter", "Target", "Unit", "Definition", "Version"]
    told = [*content["tiles"], *(figure for side in content["service"] for figure in side["figures"])]
    for figure in [*told, *content["quality"]]:
        values = [_amount(report, figure, figure[name]) for name in ("value", "previous", "quarter", "target")]
        yield [figure["name"], *values, figure["unit"], figure["figure"], figure["version"]]
    yield []
    yield ["Change of won revenue", _money(report, content["split"]["change_cents"])]
    for part in content["split"]["parts"]:
        yield [part["name"], _money(report, part["cents"]), part["meaning"]]
    if lacking := content["split"].get("lacking_text"):
        yield [lacking]
    yield []
    yield [
        "Campaign",
        "Channel",
        "Revenue of the week",
        "Cost of the week",
        "Revenue, 13 weeks",
        "Cost, 13 weeks",
        "ROI",
    ]
    for row in [*content["campaigns"]["best"], *content["campaigns"]["worst"]]:
        money = [_money(report, row[name]) for name in ("week_revenue", "week_cost", "revenue", "cost")]
        yield [row["name"], row["channel"], *money, row["roi"]]


def _amount(report: WeeklyReport, figure: dict[str, Any], value: Any) -> Any:
    return _money(report, value) if figure["unit"].startswith("money") else value


def _money(report: WeeklyReport, cents: int | float | None) -> Decimal | None:
    return None if cents is None else Decimal(to_amount(round(cents), report.currency))


def _header(columns: Sequence[Mapping[str, Any]]) -> list[str]:
    names: list[str] = []
    for column in columns:
        if column["path"] == KEY:
            continue
        label = column["label"] or column["path"]
        names += [label, f"{label}, currency"] if column["kind"] == "money" else [label]
    return names


def _values(report: WeeklyReport, columns: Sequence[Mapping[str, Any]], row: Sequence[Any]) -> Iterator[Any]:
    zone = ZoneInfo(report.time_zone)
    for column, value in zip(columns, row, strict=True):
        if column["path"] == KEY:
            continue
        currency = report.currency
        if column["is_linked"]:
            value = value[0]
        if column["is_money_elsewhere"]:
            value, currency = value
        if column["kind"] == "money":
            yield "" if value is None else Decimal(to_amount(value, currency))
            yield "" if value is None else currency
        elif column["kind"] == "time" and value:
            yield datetime.fromisoformat(value).astimezone(zone).isoformat(sep=" ", timespec="seconds")
        else:
            yield "" if value is None else value


def _write(sheet: Any, line: int, place: int, value: Any, form: Any = None) -> None:
    if value is None or value == "":
        return
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        sheet.write_number(line, place, float(value), form)
    else:
        sheet.write_string(line, place, neutralize(value), form)
