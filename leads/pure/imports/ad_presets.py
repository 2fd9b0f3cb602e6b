"""Exports of advertising services told from other files: Google Ads, Microsoft Advertising, LinkedIn and Meta.

A preset is data: what the columns are called in the export of the interface and in that of the API, and in which order
dates are written.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from leads.pure.imports.encodings import guess_encoding
from leads.pure.imports.fields import COSTS
from leads.pure.imports.layout import SAMPLE_LINES, first_lines
from leads.pure.imports.table import Reading, Table, decoded_head, open_table
from leads.pure.table_file import UnreadableFile, read_records

_IN_HEADER = re.compile(r"\(([A-Z]{3})\)")
# Of reports that are not by day: where a row ends, what its day is called then, and what Microsoft's heading says.
_ENDS = frozenset(["reporting ends", "date_stop", "end date (in utc)", "end date"])
_BEGINS = frozenset(["reporting starts", "date_start", "start date (in utc)", "start date"])
_SPAN = re.compile(r"Report Aggregation: ?(?!Daily|Hour|Day)(\w+)", re.IGNORECASE)
_ZONE = re.compile(r"Time Zone: ?([^\"\t;]+)")


@dataclass(frozen=True, slots=True)
class Preset:
    """How one service names its columns in English, German, French and Spanish, all in lower case.

    ``source`` is what its costs are recorded under.
    """

    source: str
    name: str
    day: tuple[str, ...]
    campaign: tuple[str, ...]
    amount: tuple[str, ...]
    micros: tuple[str, ...] = ()
    currency: tuple[str, ...] = ()
    telling: tuple[str, ...] = ()
    """Words of the lines above the header, or columns, that only this service has."""
    order: str = ""
    """Of day and month, where dates are written with slashes."""
    zone: str = ""
    """In whose midnight days end, where the export does not say it."""

    def columns(self, header: Sequence[str]) -> dict[str, str]:
        """The columns of costs, by field."""
        names = {column_name(cell): cell for cell in reversed(header)}
        wanted = {
            "campaign": self.campaign,
            "spent_on": self.day,
            "amount": (*self.micros, *self.amount),
            "currency": self.currency,
        }
        found = {field: next((names[name] for name in each if name in names), "") for field, each in wanted.items()}
        return {field: column for field, column in found.items() if column}

    def fits(self, header: Sequence[str]) -> bool:
        """Whether all columns are there that a report cannot do without."""
        return self.columns(header).keys() >= {"campaign", "spent_on", "amount"}

    def counts_micros(self, column: str) -> bool:
        """Whether a column of amounts holds millionths."""
        return column_name(column) in self.micros


PRESETS = (
    Preset(
        source="google-ads",
        name="Google Ads",
        day=("day", "date", "segments.date", "segments_date", "tag", "jour", "día"),
        campaign=(
            "campaign",
            "campaign name",
            "campaign.name",
            "campaign_name",
            "kampagne",
            "campagne",
            "campaña",
        ),
        amount=("cost", "metrics.cost", "kosten", "coût", "coste", "costo"),
        micros=("cost_micros", "metrics.cost_micros", "metrics_cost_micros", "cost (micros)", "cost micros"),
        currency=(
            "currency code",
            "currency",
            "customer.currency_code",
            "customer_currency_code",
            "währungscode",
            "code de devise",
            "código de moneda",
        ),
        telling=(
            "währungscode",
            "code de devise",
            "código de moneda",
            "kampagnenbericht",
            "segments.date",
            "metrics.cost_micros",
            "cost_micros",
            "currency code",
            "campaign performance",
            "campaign report",
        ),
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
        order="mdy",
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
        order="mdy",
        zone="UTC",
    ),
    Preset(
        source="meta-ads",
        name="Meta",
        day=("day", "reporting starts", "date_start", "tag", "jour", "día"),
        campaign=("campaign name", "campaign_name", "kampagnenname", "nom de la campagne", "nombre de la campaña"),
        amount=("amount spent", "spend", "ausgegebener betrag", "montant dépensé", "importe gastado"),
        currency=("currency", "account_currency", "währung", "devise", "divisa"),
        telling=(
            "reporting starts",
            "amount spent",
            "date_start",
            "account_currency",
            "ausgegebener betrag",
            "montant dépensé",
            "importe gastado",
        ),
        zone="the account's time zone",
    ),
)
BY_SOURCE: Mapping[str, Preset] = {each.source: each for each in PRESETS}


def column_name(cell: str) -> str:
    """A column's name without its currency: Amount spent (EUR)."""
    return " ".join(_IN_HEADER.sub("", cell).split()).casefold()


def currency_in(column: str) -> str:
    """The currency that a column's name gives; "" if it gives none."""
    found = _IN_HEADER.search(column)
    return found[1] if found else ""


def open_report(content: bytes, given: Reading | None = None, source: str | None = None) -> tuple[Table, Preset | None]:
    """The file as a table, and whose export it is: found out (None), none (""), or the ``source`` that somebody chose.

    What ``given`` does not say of reading it is found out, too. Raises UnreadableFile, also for a chosen service
    whose columns no line names.
    """
    given = given or Reading()
    wanted = PRESETS if source is None else tuple(each for each in PRESETS if each.source == source)
    found = _find(content, given, wanted) if wanted else None
    if found is None or (source is None and not found[2]):
        if source:
            raise UnreadableFile(
                f"No line of the file names a day, a campaign and a cost as {BY_SOURCE[source].name} does."
            )
        return open_table(content, COSTS, given), None
    reading, preset, _ = found
    return open_table(content, COSTS, reading), preset


def find_report(content: bytes) -> tuple[Table, Preset] | None:
    """The same for a file that is said to be a report of one of the services, though nothing may tell of which."""
    found = _find(content, Reading(), PRESETS)
    return (open_table(content, COSTS, found[0]), found[1]) if found else None


def order_of(settings: Mapping[str, Any]) -> str:
    """In which order the service that a file comes from writes day and month; "" for other files."""
    preset = BY_SOURCE.get(settings.get("preset", ""))
    return preset.order if preset else ""


def zone_of(table: Table, preset: Preset) -> str:
    """In whose midnight the days of a report end, as the lines above its header say, else as the service says."""
    for line in first_lines(table.head(), table.reading.header_line - 1):
        if found := _ZONE.search(line):
            return found[1].strip(", ")
    return preset.zone


def last_day_column(header: Iterable[str], day: str) -> str:
    """The column of the last day of a row, where ``day`` is the column of its first; "" if there is none."""
    if column_name(day) not in _BEGINS:
        return ""
    return next((name for name in header if column_name(name) in _ENDS), "")


def span_of(table: Table) -> str:
    """What the lines above the header say a row stands for, if that is no day: "Weekly"."""
    for line in first_lines(table.head(), table.reading.header_line - 1):
        if found := _SPAN.search(line):
            return found[1]
    return ""


def _find(content: bytes, given: Reading, wanted: Sequence[Preset]) -> tuple[Reading, Preset, int] | None:
    """How to read the report, whose it is, and how many words tell so: of those that fit the one with most."""
    if not content.strip():
        raise UnreadableFile("The file is empty.")
    encoding = given.encoding or guess_encoding(content).encoding
    text = decoded_head(content, encoding)
    # The lines above the header hold commas of their own, so that counting cells of the first lines would mislead.
    lines = first_lines(text, SAMPLE_LINES)
    delimiter = given.delimiter or max(",;\t", key=lambda sign: max((line.count(sign) for line in lines), default=0))
    above, start = "", 1
    try:
        for number, cells, _ in read_records(io.StringIO(text, newline=""), delimiter):
            if start > SAMPLE_LINES:
                return None
            fitting = [each for each in wanted if each.fits(cells)] if given.header_line in (0, start) else []
            if fitting:
                names = {column_name(cell) for cell in cells}
                told = {each.source: sum(word in names or word in above for word in each.telling) for each in fitting}
                best = max(fitting, key=lambda each: told[each.source])
                return (
                    replace(given, encoding=encoding, delimiter=delimiter, header_line=start),
                    best,
                    told[best.source],
                )
            above += " ".join(cells).casefold()
            start = number + 1
    except UnreadableFile:
        pass  # reading the whole file names the line at fault
    return None
