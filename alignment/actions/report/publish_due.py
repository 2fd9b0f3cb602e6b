"""Publish the report of every week that is due and missing, also those an outage skipped."""

from __future__ import annotations

from datetime import datetime

from alignment.actions.report.publish_report import publish_report
from alignment.models import WeeklyReport
from alignment.queries.report import due_week
from leads.models import Company, Lead, Opportunity
from leads.pure.week import Week, weeks_between

MOST_CAUGHT_UP = 8


def publish_due(*, at: datetime) -> list[WeeklyReport]:
    """Publish from the week after the newest report up to the one due; the first report is just the one due.

    ``at`` says which week is due; each report is read as of a settled moment of its own. Nothing is published for a
    company without any leads and opportunities: an empty report tells nobody anything.
    """
    due = due_week(at, Company.current())
    newest = WeeklyReport.objects.order_by("-week").values_list("week", flat=True).first()
    if newest is not None and Week.parse(newest) >= due:
        return []
    if not Lead.objects.exists() and not Opportunity.objects.exists():
        return []
    first = Week.parse(newest).next() if newest else due
    missing = weeks_between(first, due)[-MOST_CAUGHT_UP:]
    return [publish_report(week=week) for week in missing]
