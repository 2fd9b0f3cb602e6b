"""A published report as XLSX and CSV: what it says and every row, with nothing a spreadsheet would run."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.utils.text import slugify

from alignment.actions.report.compose_report import entry_name
from alignment.actions.report.explain_revenue import shown_parts
from alignment.actions.report.freeze_figure import KEY
from alignment.models import ReportRows, WeeklyReport
from leads.pure.money import to_amount
from leads.pure.table_file import neutralize
from leads.pure.week import days_label, local_date
from leads.views.list_file import money_cells, plain_cell
from leads.views.workbook import Book, Share


def report_csv(report: WeeklyReport) -> HttpResponse:
    """Every row of every figure, one after the other; the first three columns say of which."""
    response = HttpResponse(content_type="text/csv; charset=utf-8", headers=_named(report, "csv"))
    response.write("\ufeff")  # without it Excel reads UTF-8 as Windows-1252
    writer = csv.writer(response)
    for rows in _row_sets(report):
        writer.writerow(["figure", "part", "row", *(neutralize(name) for name in _header(rows.columns))])
        for number, row in enumerate(rows.rows, start=1):
            writer.writerow([rows.figure, rows.part, number, *_texts(_values(report, rows.columns, row), report)])
    return response


def report_xlsx(report: WeeklyReport) -> HttpResponse:
    """A summary, a list of contents, and the rows of every figure; its parts stand on one sheet where they have the
    same columns. The file is the same whenever it is made, as the report is."""
    book = Book(ZoneInfo(report.time_zone), title=f"Weekly report {report.week}", made_at=report.published_at)
    summary, contents = book.name("Summary"), book.name("Contents")
    sheets = _sheets(report, book)
    book.blocks(summary, _summary(report))
    header = ("Sheet", "Figure", "Rows", "Period", "Value", "Definition", "Version")
    book.contents(contents, header, [(sheet.name, _content(report, sheet)) for sheet in sheets])
    for sheet in sheets:
        book.table(sheet.name, ("Part", *sheet.header), _part_rows(report, sheet), fixed=1)
    return book.answer(_named(report, "xlsx"))


@dataclass(slots=True)
class _Sheet:
    """A sheet of a report's workbook: a figure's parts that have the same columns, by part name with their labels."""

    name: str
    entry: str
    title: str
    header: list[str]
    parts: dict[str, str] = field(default_factory=dict)
    rows: int = 0


def _sheets(report: WeeklyReport, book: Book) -> list[_Sheet]:
    """In the order of the page: tiles, service levels, data quality, then what they are compared with."""
    columns: dict[str, dict[str, list[str]]] = {}
    for entry, part, told in report.row_sets.order_by("pk").values_list("figure", "part", "columns"):
        columns.setdefault(entry, {})[part] = _header(told)
    sheets: list[_Sheet] = []
    for entry, about in _in_order(report):
        of_figure: list[_Sheet] = []
        for part in about["parts"]:
            header = columns[entry][part["name"]]
            sheet = next((sheet for sheet in of_figure if sheet.header == header), None)
            if sheet is None:
                title = entry_name(entry=entry, about=about)
                named = f"{title}, {part['label']}" if of_figure else title
                sheet = _Sheet(book.name(named), entry, title, header)
                of_figure.append(sheet)
            sheet.parts[part["name"]] = part["label"]
            sheet.rows += part["count"]
        sheets += of_figure
    return sheets


def _in_order(report: WeeklyReport) -> list[tuple[str, dict[str, Any]]]:
    content = report.content
    shown = [*content["tiles"], *(told for side in content["service"] for told in side["figures"]), *content["quality"]]
    places = {told["entry"]: place for place, told in reversed([*enumerate(shown)])}
    figures: dict[str, dict[str, Any]] = content["figures"]
    return sorted(figures.items(), key=lambda item: (places.get(item[0], len(places)), item[0]))


def _content(report: WeeklyReport, sheet: _Sheet) -> list[Any]:
    about, zone = report.content["figures"][sheet.entry], ZoneInfo(report.time_zone)
    start, end = (local_date(datetime.fromisoformat(moment), zone) for moment in about["period"])
    value = _amount(report, about["unit"], about["value"])
    return [sheet.title, sheet.rows, days_label(start, end), value, about["figure"], about["version"]]


def _part_rows(report: WeeklyReport, sheet: _Sheet) -> Iterator[list[Any]]:
    sets = {rows.part: rows for rows in report.row_sets.filter(figure=sheet.entry, part__in=sheet.parts)}
    for name, label in sheet.parts.items():
        for row in sets[name].rows:
            yield [label, *_values(report, sets[name].columns, row)]


def figure_csv(report: WeeklyReport, rows: ReportRows, listed: list[list[Any]]) -> HttpResponse:
    """The rows of one list of one frozen figure, those given, as the live figure gives them."""
    response = HttpResponse(content_type="text/csv; charset=utf-8", headers=_named_rows(report, rows, "csv"))
    response.write("\ufeff")  # without it Excel reads UTF-8 as Windows-1252
    writer = csv.writer(response)
    writer.writerow(neutralize(name) for name in _header(_shown(rows)))
    writer.writerows(_texts(_shown_values(report, rows, row), report) for row in listed)
    return response


def figure_xlsx(report: WeeklyReport, rows: ReportRows, listed: list[list[Any]]) -> HttpResponse:
    """The same as a workbook, with the definition on a sheet of its own."""
    about = report.content["figures"][rows.figure]
    label = next(part["label"] for part in about["parts"] if part["name"] == rows.part)
    facts = [("Figure", about["name"]), ("Weekly report", report.week), ("Formula", about["formula"])]
    facts += [("Meaning", about["meaning"]), ("Time zone", report.time_zone), ("Currency", report.currency)]
    book = Book(ZoneInfo(report.time_zone), made_at=report.published_at)
    book.facts(book.name("Definition"), [*facts, ("Rows", label)])
    book.table(book.name(label), _header(_shown(rows)), ([*_shown_values(report, rows, row)] for row in listed))
    return book.answer(_named_rows(report, rows, "xlsx"))


def _texts(values: Iterable[Any], report: WeeklyReport) -> list[str]:
    zone = ZoneInfo(report.time_zone)
    return [neutralize(plain_cell(value, zone)) for value in values]


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


def _summary(report: WeeklyReport) -> Iterator[tuple[Sequence[str], Iterable[Sequence[Any]]]]:
    """Blocks of lines, each with its header, or without one where a name stands before each value."""
    content = report.content
    facts: list[tuple[str, Any]] = [
        (f"Weekly report {report.week}", content["days"]),
        ("What changed", content["headline"]["sentence"]),
        ("Decision", content["headline"]["decision"]),
        ("Published", report.published_at),
        ("Time zone", report.time_zone),
        ("Currency", report.currency),
        ("Seal (SHA-256)", report.digest),
    ]
    yield (), facts
    header = ["Figure", "Value", "Last week", "Same week last quarter", "Target", "Unit", "Definition", "Version"]
    told = [*content["tiles"], *(figure for side in content["service"] for figure in side["figures"])]
    yield header, [_told(report, figure) for figure in [*told, *content["quality"]]]
    yield from _recommended(content)
    split = content["split"]
    parts = [[part["name"], _money(report, part["cents"]), part["meaning"]] for part in shown_parts(split=split)]
    lacking = [[text]] if (text := split.get("lacking_text")) else []
    yield (
        ["Change of won revenue", "Amount", "Meaning"],
        [["In all", _money(report, split["change_cents"])], *parts, *lacking],
    )
    header = ["Figure", "Last week", "This week", "Change", "Parts of the change, largest first"]
    yield header, [_changed(report, change) for change in content.get("changes", [])]
    header = ["Campaign", "Channel", "Revenue of the week", "Cost of the week"]
    header += ["Revenue, 13 weeks", "Cost, 13 weeks", "ROI, 13 weeks"]
    yield header, [_campaign(report, row) for row in [*content["campaigns"]["best"], *content["campaigns"]["worst"]]]


def _recommended(content: Mapping[str, Any]) -> Iterator[tuple[Sequence[str], Iterable[Sequence[Any]]]]:
    """What the report recommends, and what became of what the one before did; reports of before have neither."""
    if rows := content.get("recommendations"):
        header = ["Recommendation", "First asked", "Asked again", "Grounds", "Sample", "Capacity", "Evidence"]
        names = ("question", "week", "changed", "grounds", "caution", "capacity")
        evidence = ["; ".join(f"{each['label']}: {each['text']}" for each in row["evidence"]) for row in rows]
        more = [[text]] if (text := content.get("recommendations_more")) else []
        yield (
            header,
            [*([*(row[name] for name in names), told] for row, told in zip(rows, evidence, strict=True)), *more],
        )
    if rows := content.get("last_recommendations"):
        yield ["Last week's recommendation", "Outcome"], [[row["question"], row["outcome"]] for row in rows]


def _told(report: WeeklyReport, figure: Mapping[str, Any]) -> list[Any]:
    values = [_amount(report, figure["unit"], figure[name]) for name in ("value", "previous", "quarter", "target")]
    return [figure["name"], *values, figure["unit"].replace("_", " "), figure["figure"], figure["version"]]


def _changed(report: WeeklyReport, change: Mapping[str, Any]) -> list[Any]:
    figures = report.content["figures"]
    values = (figures[change["before"]]["value"], figures[change["entry"]]["value"], change["change"])
    parts: list[Any] = []
    for part in change["parts"] or []:
        parts += [part["name"], _amount(report, change["unit"], part["value"])]
    return [change["name"], *(_amount(report, change["unit"], value) for value in values), *parts]


def _campaign(report: WeeklyReport, row: Mapping[str, Any]) -> list[Any]:
    money = [_money(report, row[name]) for name in ("week_revenue", "week_cost", "revenue", "cost")]
    return [row["name"], row["channel"], *money, None if row["roi"] is None else Share(row["roi"])]


def _amount(report: WeeklyReport, unit: str, value: Any) -> Any:
    """A figure's value with the format of its unit."""
    if value is None:
        return None
    if unit.startswith("money"):
        return _money(report, value)
    return Share(value) if unit == "share" else value


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
    for column, value in zip(columns, row, strict=True):
        if column["path"] == KEY:
            continue
        currency = report.currency
        if column["is_linked"]:
            value = value[0]
        if column["is_money_elsewhere"]:
            value, currency = value
        if column["kind"] == "money":
            yield from money_cells(value, currency)
        elif column["kind"] == "share" and value is not None:
            yield Share(value)
        elif column["kind"] in ("time", "date") and value:
            yield datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)
        else:
            yield value
