"""Daily costs of campaigns as advertising services export them: Google Ads, Microsoft Advertising, LinkedIn and Meta.

A preset is data: what the columns are called in the export of the interface and in that of the API, and in which order
dates are written. Lines before the header and totals after the rows are told from rows by what they hold.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from leads.pure.money import InvalidAmount, check_currency, currency_decimals
from leads.pure.table_file import UnreadableFile

MAX_ROWS = 200_000
SAMPLE_LINES = 30
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_MICROS = Decimal(1_000_000)
_IN_HEADER = re.compile(r"\(([A-Z]{3})\)")


@dataclass(frozen=True, slots=True)
class Preset:
    """How one service names its columns, all in lower case; ``source`` is what its costs are recorded under."""

    source: str
    name: str
    day: tuple[str, ...]
    campaign: tuple[str, ...]
    amount: tuple[str, ...]
    micros: tuple[str, ...] = ()
    currency: tuple[str, ...] = ()
    telling: tuple[str, ...] = ()
    """Words of the lines above the header, or columns, that only this service has."""
    dates: tuple[str, ...] = ("%Y-%m-%d",)
    zone: str = ""
    """In whose midnight days end, where the export does not say it."""


PRESETS = (
    Preset(
        source="google-ads",
        name="Google Ads",
        day=("day", "date", "segments.date", "segments_date"),
        campaign=("campaign", "campaign name", "campaign.name", "campaign_name"),
        amount=("cost", "metrics.cost"),
        micros=("cost_micros", "metrics.cost_micros", "metrics_cost_micros", "cost (micros)", "cost micros"),
        currency=("currency code", "currency", "customer.currency_code", "customer_currency_code"),
        telling=("segments.date", "metrics.cost_micros", "cost_micros", "campaign performance", "campaign report"),
        dates=("%Y-%m-%d", "%b %d, %Y", "%B %d, %Y"),
        zone="the account's time zone",
    ),
    Preset(
        source="microsoft-ads",
        name="Microsoft Advertising",
        day=("timeperiod", "time period", "gregorian date", "gregoriandate", "day"),
        campaign=("campaignname", "campaign name", "campaign"),
        amount=("spend",),
        currency=("currencycode", "currency code", "currency"),
        telling=("timeperiod", "gregorian date", "gregoriandate", "report aggregation", "spend"),
        dates=("%Y-%m-%d", "%m/%d/%Y"),
        zone="the account's time zone",
    ),
    Preset(
        source="linkedin-ads",
        name="LinkedIn",
        day=("start date (in utc)", "start date", "date"),
        campaign=("campaign name",),
        amount=("total spent",),
        currency=("currency",),
        telling=("start date (in utc)", "total spent", "campaign group name"),
        dates=("%m/%d/%Y", "%Y-%m-%d"),
        zone="UTC",
    ),
    Preset(
        source="meta-ads",
        name="Meta",
        day=("day", "reporting starts", "date_start"),
        campaign=("campaign name", "campaign_name"),
        amount=("amount spent", "spend"),
        currency=("currency", "account_currency"),
        telling=("reporting starts", "amount spent", "date_start", "account_currency"),
        zone="the account's time zone",
    ),
)


class ReportRefused(ValueError):
    """The file is no daily cost report that can be read; the message names the line where there is one."""


@dataclass(slots=True)
class AdReport:
    """A report as read: what each campaign (by its name) cost on each day, in minor units."""

    preset: Preset
    zone: str
    cents: dict[tuple[str, date], tuple[int, str]] = field(default_factory=dict)
    totals: int = 0
    """Rows of totals that were left out."""


def read_ad_report(content: bytes, *, currency: str = "") -> AdReport:
    """Costs by campaign and day; rows of one campaign and day (by device, by ad group) are added up, exactly.

    ``currency`` is that of the account, where the export names none. Raises ReportRefused and UnreadableFile.
    """
    rows = _rows(_text(content))
    place, preset = _header(rows)
    columns = _columns(preset, rows[place][1])
    report = AdReport(preset, _zone(rows[:place], preset))
    body = rows[place + 1 :]
    if len(body) > MAX_ROWS:
        raise ReportRefused(f"The report has more than {MAX_ROWS:,} rows. Split it by month.")
    comma = _has_decimal_comma([cells[columns["amount"]] for _, cells in body if columns["amount"] < len(cells)])
    sums: dict[tuple[str, date], tuple[Decimal, str]] = {}
    for line, cells in body:
        if _is_total(cells, columns):
            report.totals += 1
            continue
        if len(cells) != len(rows[place][1]):
            raise ReportRefused(f"Line {line} has {len(cells)} cells instead of {len(rows[place][1])}.")
        key = cells[columns["campaign"]], _day(cells[columns["day"]], preset, line)
        code = _currency(cells, columns, rows[place][1], currency, line)
        amount = _amount(cells[columns["amount"]], comma, line)
        if columns["is_micros"]:
            amount /= _MICROS
        before = sums.get(key, (Decimal(0), code))
        if before[1] != code:
            raise ReportRefused(f"Line {line}: one campaign and day in {before[1]} and {code}.")
        sums[key] = before[0] + amount, code
    report.cents = {key: (_minor(amount, code), code) for key, (amount, code) in sums.items()}
    if not report.cents:
        raise ReportRefused("The report has no rows of costs.")
    return report


def _text(content: bytes) -> str:
    """The services write UTF-8 or UTF-16; what a spreadsheet saved again is Windows-1252."""
    marked = [name for mark, name in _MARKS if content.startswith(mark)]
    for encoding in marked or ("utf-8", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not text.strip():
            raise UnreadableFile("The file is empty.")
        if "\0" not in text:
            return text
    raise UnreadableFile("The file is not text but perhaps a spreadsheet. Send the report as CSV.")


def _rows(text: str) -> list[tuple[int, list[str]]]:
    # The lines above the header hold commas of their own, so that counting cells of the first lines would mislead.
    lines = text.splitlines()[:SAMPLE_LINES]
    delimiter = max(",;\t", key=lambda sign: max((line.count(sign) for line in lines), default=0))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        found = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as error:
        raise UnreadableFile(f"Line {reader.line_num}: {error}.") from error
    return [(line, cells) for line, cells in found if any(cells)]


def _header(rows: Sequence[tuple[int, list[str]]]) -> tuple[int, Preset]:
    """Place of the header and whose export it is: of those that have all columns the one with most telling words."""
    for place, (_, cells) in enumerate(rows[:SAMPLE_LINES]):
        names = {_name(cell) for cell in cells}
        fitting = [each for each in PRESETS if _fits(each, names)]
        if fitting:
            above = " ".join(cell.casefold() for _, cells in rows[:place] for cell in cells)
            told = {each.source: sum(word in names or word in above for word in each.telling) for each in fitting}
            return place, max(fitting, key=lambda each: told[each.source])
    raise ReportRefused(
        "No line names a day, a campaign and a cost. Export the campaign report of Google Ads, Microsoft Advertising, "
        "LinkedIn or Meta by day."
    )


def _fits(preset: Preset, names: set[str]) -> bool:
    costs = {*preset.amount, *preset.micros}
    return bool(names & set(preset.day)) and bool(names & set(preset.campaign)) and bool(names & costs)


def _columns(preset: Preset, header: Sequence[str]) -> dict[str, int]:
    names = [_name(cell) for cell in header]

    def find(wanted: Sequence[str]) -> int:
        return next((names.index(name) for name in wanted if name in names), -1)

    micros = find(preset.micros)
    return {
        "day": find(preset.day),
        "campaign": find(preset.campaign),
        "amount": micros if micros >= 0 else find(preset.amount),
        "is_micros": int(micros >= 0),
        "currency": find(preset.currency),
    }


def _name(cell: str) -> str:
    """A column's name without its currency: Amount spent (EUR)."""
    return " ".join(_IN_HEADER.sub("", cell).split()).casefold() if _IN_HEADER.search(cell) else cell.casefold()


def _zone(above: Sequence[tuple[int, list[str]]], preset: Preset) -> str:
    lines = " ".join(cell for _, cells in above for cell in cells)
    found = re.search(r"Time Zone: ?(\([^)]*\)[^:]*?)(?= [A-Z]\w+(?: \w+)*:|$)", lines)
    return found[1].strip() if found else preset.zone


def _is_total(cells: Sequence[str], columns: Mapping[str, int]) -> bool:
    """A row without a day or campaign of its own: totals, and the line that says whose the report is."""
    named = [cells[columns[name]] if columns[name] < len(cells) else "" for name in ("day", "campaign")]
    first = cells[0].casefold()
    return first.startswith(("total", "overall total", "©", "(c)")) or any(_is_empty(cell) for cell in named)


def _is_empty(cell: str) -> bool:
    return not cell.strip(" -–—") or cell.casefold().startswith(("total:", "total -"))


def _day(text: str, preset: Preset, line: int) -> date:
    for form in preset.dates:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007  # a day, not a moment
        except ValueError:
            continue
    raise ReportRefused(f"Line {line}: {text[:40]!r} is no day as {preset.name} writes it. Export the report by day.")


def _currency(cells: Sequence[str], columns: Mapping[str, int], header: Sequence[str], account: str, line: int) -> str:
    in_header = _IN_HEADER.search(header[columns["amount"]])
    found = cells[columns["currency"]] if columns["currency"] >= 0 else in_header[1] if in_header else account
    if not found:
        raise ReportRefused("The report names no currency. Give that of the account.")
    try:
        return check_currency(found)
    except InvalidAmount as error:
        raise ReportRefused(f"Line {line}: {error}") from error


def _has_decimal_comma(texts: Sequence[str]) -> bool:
    """Whether a comma separates decimals, judged by all amounts of the column; where none tells, it does not."""
    for text in texts:
        digits = re.sub(r"[^\d.,]", "", text)
        if "," in digits and "." in digits:
            return digits.rindex(",") > digits.rindex(".")
        if re.search(r",\d{1,2}$|,\d{4,}$", digits):
            return True
        if re.search(r"\.\d{1,2}$|\.\d{4,}$", digits):
            return False
    return False


def _amount(text: str, comma: bool, line: int) -> Decimal:
    if _is_empty(text):
        return Decimal(0)
    plain = re.sub(r"[^\d.,-]", "", text)
    plain = plain.replace(".", "").replace(",", ".") if comma else plain.replace(",", "")
    if not re.fullmatch(r"\d+(\.\d+)?", plain):
        raise ReportRefused(f"Line {line}: {text[:40]!r} is no cost.")
    return Decimal(plain)


def _minor(amount: Decimal, currency: str) -> int:
    return int((amount * 10 ** currency_decimals(currency)).to_integral_value(rounding=ROUND_HALF_EVEN))


def by_campaign(report: AdReport) -> Iterator[tuple[str, date, int, str]]:
    """Campaign, day, minor units, currency; in the order of days."""
    for (campaign, day), (cents, currency) in sorted(report.cents.items(), key=lambda item: (item[0][1], item[0][0])):
        yield campaign, day, cents, currency
