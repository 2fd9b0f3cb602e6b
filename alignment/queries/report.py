"""Reading published reports, and who may do what with them."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from alignment.models import ReportRows, WeeklyReport
from alignment.pure import sealing
from leads.models import Company, User
from leads.pure.week import Week

PUBLISHED_FROM = time(6)


def may_read_reports(user: User) -> bool:
    """Reports are about the whole company, so they are for people who see all of it."""
    return user.sees_all


def may_publish(user: User) -> bool:
    """Those whom the report is for, and an admin for them."""
    return user.is_active and may_read_reports(user)


def last_whole_week(at: datetime, company: Company) -> Week:
    """The newest week that has ended at a moment, by the company's calendar."""
    return Week.of(at, company.tz).previous()


def due_week(at: datetime, company: Company) -> Week:
    """The newest week whose report is due: it comes out on Monday at six, company time."""
    local = at.astimezone(company.tz)
    is_early = local.weekday() == 0 and local.time() < PUBLISHED_FROM
    return last_whole_week(at - timedelta(days=1) if is_early else at, company)


def is_sealed(report: WeeklyReport) -> bool:
    """Whether the content is what was published."""
    return sealing.digest(report.content) == report.digest


def are_rows_sealed(report: WeeklyReport, rows: ReportRows) -> bool:
    """Whether a part's rows are what was published; their digest is part of the content."""
    about = report.content["figures"].get(rows.figure)
    parts = about["parts"] if about else []
    kept = next((part["digest"] for part in parts if part["name"] == rows.part), None)
    return kept is not None and sealing.verify_rows(rows.columns, rows.rows, rows.seals, kept)
