"""Ask a published figure's question again, and whether the answer can be compared with the frozen rows."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from alignment.actions.report.compose_report import more_columns
from alignment.actions.report.count_rows import Counted, count_rows
from alignment.actions.report.freeze_figure import fingerprint
from alignment.actions.report.read_figures import PENDING
from alignment.models import WeeklyReport
from leads.figures.base import Scope, definition
from leads.pure.week import Period


def entry_scope(report: WeeklyReport, entry: str, at: datetime) -> Scope:
    """What the report asked of a figure, at another moment."""
    about = report.content["figures"][entry]
    # A cohort of the week before was read at the age of the week's own, and ages with it.
    younger = report.as_of - datetime.fromisoformat(about["at"])
    return Scope(
        period=Period(*(datetime.fromisoformat(each) for each in about["period"])),
        at=at - younger,
        tz=ZoneInfo(report.time_zone),
        currency=report.currency,
        method=report.content["method"],
        basis=report.content["basis"],
    )


def rows_now(report: WeeklyReport, entry: str, now: datetime) -> Counted:
    """The figure's rows as they are known now; inside a span of that moment."""
    about = report.content["figures"][entry]
    return count_rows(key=about["figure"], scope=entry_scope(report, entry, now), more=more_columns(entry))


def is_as_published(report: WeeklyReport, entry: str, rows: Counted) -> bool:
    """Whether these are the frozen rows, told without reading them; never of a report of before fingerprints."""
    parts = {part["name"]: part.get("fingerprint") for part in report.content["figures"][entry]["parts"]}
    return all(parts.get(name) == fingerprint(found) for name, found in rows.items())


def is_comparable(report: WeeklyReport, entry: str, rows: Counted) -> bool:
    """Whether today's definition has the published one's parts and unit, so that their rows can be compared."""
    about = report.content["figures"][entry]
    published = {part["name"] for part in about["parts"] if part["is_counted"]} - {PENDING}
    return published == set(rows) and about["unit"] == definition(about["figure"]).unit


def is_other_version(report: WeeklyReport, entry: str) -> bool:
    """Whether the definition has another version now."""
    about = report.content["figures"][entry]
    return bool(definition(about["figure"]).version != about["version"])
