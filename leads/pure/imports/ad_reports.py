"""Daily costs of campaigns from the exports of advertising services, by upload and by API.

Totals after the rows are told from rows by what they hold; rows of one campaign and day (by device, by ad group) are
added up, exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from zoneinfo import ZoneInfo

from leads.pure.imports.ad_presets import (
    BY_SOURCE,
    Preset,
    currency_in,
    find_report,
    last_day_column,
    span_of,
    zone_of,
)
from leads.pure.imports.cells import Plan, RowRefused
from leads.pure.imports.dates import read_moment
from leads.pure.imports.fields import COSTS
from leads.pure.imports.numbers import InvalidNumber, currency_code, plain_amount
from leads.pure.imports.proposals import propose_formats
from leads.pure.imports.records import CostRecord
from leads.pure.imports.table import Table
from leads.pure.money import InvalidAmount, check_currency, currency_decimals
from leads.pure.table_file import Row, UnreadableFile
from leads.pure.week import OLDEST_YEAR

MAX_ROWS = 200_000
_MICROS = Decimal(1_000_000)
_UTC = ZoneInfo("UTC")
_NEVER = datetime.max.replace(tzinfo=UTC)


class ReportRefused(UnreadableFile):
    """The file is no daily cost report that can be read; the message names the line where there is one."""


@dataclass(slots=True)
class AdReport:
    """A report as read: what each campaign cost on each day, in the order of days; each of both stands once."""

    preset: Preset
    zone: str
    costs: list[CostRecord] = field(default_factory=list)
    totals: int = 0
    """Rows of totals that were left out."""


@dataclass(slots=True)
class _Sum:
    """The rows of one campaign and day, their sum in the unit of the file, and the first line that cannot be read."""

    rows: list[Row] = field(default_factory=list)
    amount: Decimal = Decimal(0)
    currency: str = ""
    fault: int = 0
    because: str = ""


def read_ad_report(
    content: bytes,
    *,
    currency: str = "",
    dates: str = "",
    decimal: str = "",
    campaigns: Mapping[str, str] | None = None,
    at: datetime = _NEVER,
) -> AdReport:
    """Costs by campaign and day, all or none.

    ``currency`` is that of the account, where the export names none; ``dates`` and ``decimal`` say how it writes days
    and amounts, where its own cells leave that open. ``campaigns`` are as in `Plan`. Days after ``at`` are refused.
    Raises ReportRefused and UnreadableFile.
    """
    found = find_report(content)
    if found is None:
        raise ReportRefused(
            "No line names a day, a campaign and a cost. Export the campaign report of Google Ads, Microsoft "
            "Advertising, LinkedIn or Meta by day."
        )
    table, preset = found
    columns = preset.columns(table.header)
    formats = propose_formats(table, COSTS, columns, preset.order)
    told = {"dates": dates, "decimal": decimal}
    for name, guess in formats.items():
        if guess.is_open and not told[name]:
            what, choices = "days" if name == "dates" else "amounts", " or ".join(guess.choices)
            raise ReportRefused(
                f"{guess.example!r} could be two {what}. Say which with the parameter {name}: {choices}."
            )
    settled = formats.settled() | {name: given for name, given in told.items() if given}
    plan = Plan(
        kind=COSTS,
        columns=columns,
        at=at,
        tz=_UTC,
        currency=currency,
        dates=settled.get("dates", ""),
        decimal=settled.get("decimal", ""),
        preset=preset.source,
        campaigns=campaigns or {},
    )
    report = AdReport(preset, zone_of(table, preset))
    report.totals = sum(1 for row in table.rows() if is_total(row, plan))
    for row in report_rows(table, plan):
        try:
            cost = read_ad_cost(row, plan)
        except RowRefused as refusal:
            because = f" {row.problem}." if row.problem else f": {refusal.reason}"
            raise ReportRefused(f"Line {row.number}{because}") from refusal
        report.costs.append(cost)
    if not report.costs:
        raise ReportRefused("The report has no rows of costs.")
    return report


def report_rows(table: Table, plan: Plan) -> Iterator[Row]:
    """One row for each campaign and day, day by day, in the form of the file; totals are left out. Rows that give one
    campaign by its code and by its name are of one campaign.

    Where one of several rows of a campaign and day cannot be read, each comes as it is, and none can be taken: their
    sum is not known. Raises ReportRefused for too many rows, and UnreadableFile.
    """
    if span := span_of(table):
        raise ReportRefused(f"The report is {span.lower()}: its rows are no days. Export it by day.")
    last_day = last_day_column(table.header, plan.columns.get("spent_on", ""))
    sums: dict[tuple[str, str], _Sum] = {}
    for count, row in enumerate(table.rows()):
        if count >= MAX_ROWS:
            raise ReportRefused(f"The report has more than {MAX_ROWS:,} rows. Split it by month.")
        if not is_total(row, plan):
            _add(sums, _one_day(row, plan, last_day), plan)
    for _, each in sorted(sums.items(), key=lambda item: (item[0][1], item[1].rows[0].number)):
        yield from _rows_of(each, plan)


def read_ad_cost(row: Row, plan: Plan) -> CostRecord:
    """What a row says. Raises RowRefused."""
    if row.problem:
        raise RowRefused("", f"The row {row.problem}.")
    preset = BY_SOURCE[plan.preset]
    amount, currency = _amount(row, plan)
    if preset.counts_micros(plan.columns["amount"]):
        amount /= _MICROS
    cents = (amount * 10 ** currency_decimals(currency)).to_integral_value(rounding=ROUND_HALF_EVEN)
    return CostRecord(_cell(row, plan, "campaign"), _day(row, plan), int(cents), currency)


_TOTALS = ("total", "overall total", "gesamt", "insgesamt", "©", "(c)")


def is_total(row: Row, plan: Plan) -> bool:
    """A row without a day or campaign of its own: totals, and the line that says whose the report is."""
    first = next(iter(row.cells.values()), "").casefold()
    named = [_cell(row, plan, name) for name in ("spent_on", "campaign")]
    return first.startswith(_TOTALS) or any(_is_empty(cell) for cell in named)


def _one_day(row: Row, plan: Plan, last_day: str) -> Row:
    """The row, with what is wrong with it where it stands for more days than one."""
    first, last = _cell(row, plan, "spent_on"), row.cells.get(last_day, "")
    if row.problem or not last or last == first:
        return row
    return Row(row.number, row.cells, f"stands for {first} to {last}. Export the report by day")


def _add(sums: dict[tuple[str, str], _Sum], row: Row, plan: Plan) -> None:
    named = _cell(row, plan, "campaign").casefold()
    campaign = plan.campaigns.get(named, named)
    try:
        day = _day(row, plan).isoformat()
    except RowRefused:
        sums[campaign, f"~{row.number}"] = _Sum([row], fault=row.number)  # behind all days
        return
    each = sums.setdefault((campaign, day), _Sum())
    each.rows.append(row)
    try:
        amount, currency = _amount(row, plan)
    except RowRefused:
        each.fault = each.fault or row.number
        return
    if row.problem:
        each.fault = each.fault or row.number
    elif each.currency not in ("", currency):
        each.fault = each.fault or row.number
        each.because = f"gives one campaign and day in {each.currency} and {currency}"
    each.amount, each.currency = each.amount + amount, currency


def _rows_of(each: _Sum, plan: Plan) -> list[Row]:
    first = each.rows[0]
    if each.fault:
        return [Row(row.number, row.cells, row.problem or _shared_fault(each, row, plan)) for row in each.rows]
    if len(each.rows) == 1:
        return [first]
    total = f"{each.amount:f}".replace(".", plan.decimal or ".")
    cells = dict.fromkeys(first.cells, "")
    for name, column in plan.columns.items():
        cells[column] = total if name == "amount" else first.cells[column]
    return [Row(first.number, cells)]


def _shared_fault(each: _Sum, row: Row, plan: Plan) -> str:
    """Why a row cannot be taken that is right by itself; "" where its own cells say why."""
    if each.because:
        return each.because
    try:
        read_ad_cost(row, plan)
    except RowRefused:
        return ""
    return f"shares its campaign and day with line {each.fault}, which cannot be read"


def _day(row: Row, plan: Plan) -> date:
    text, preset = _cell(row, plan, "spent_on"), BY_SOURCE[plan.preset]
    try:
        day = read_moment(text, _UTC, plan.dates or preset.order).date()
    except ValueError:
        because = f"{text[:40]!r} is not a date as {preset.name} writes it. Export the report by day."
        raise RowRefused("spent_on", because) from None
    if day.year < OLDEST_YEAR:
        raise RowRefused("spent_on", f"{text[:40]!r} lies before {OLDEST_YEAR}.")
    # The account's today may be a day ahead of ours.
    if day - timedelta(days=1) > plan.at.astimezone(UTC).date():
        raise RowRefused("spent_on", f"{text[:40]!r} lies in the future.")
    return day


def _amount(row: Row, plan: Plan) -> tuple[Decimal, str]:
    """In the unit of the file, and the currency: the row's, else that in the column's name, else the account's."""
    column = plan.columns["amount"]
    try:
        given = currency_code(_cell(row, plan, "currency"), plan.currency) or currency_in(column) or plan.currency
    except InvalidNumber as error:
        raise RowRefused("currency", str(error)) from error
    if not given:
        raise RowRefused("currency", "The report names no currency. Give that of the account.")
    text = row.cells.get(column, "")
    try:
        currency = check_currency(given)
        plain, named = ("0", "") if _is_empty(text) else plain_amount(text, plan.decimal or ".", currency)
    except InvalidAmount as error:
        raise RowRefused("currency", str(error)) from error
    except InvalidNumber as error:
        raise RowRefused("amount", str(error)) from error
    if named and named != currency:
        raise RowRefused("amount", f"{text!r} is in {named}, but the report names {currency}.")
    if plain.startswith("-"):
        raise RowRefused("amount", f"{text!r}: a cost must not be negative.")
    return Decimal(plain), currency


def _cell(row: Row, plan: Plan, name: str) -> str:
    return row.cells.get(plan.columns.get(name, ""), "")


def _is_empty(cell: str) -> bool:
    return not cell.strip(" -–—") or cell.casefold().startswith(("total:", "total -", "gesamt:", "gesamt -", "total :"))
