"""What both teams want each week of this quarter and the one before, as the report's tiles show it."""

from __future__ import annotations

from datetime import datetime, timedelta

from alignment.models import Target
from config.demo.company import FULL_SIZE
from leads.models import Company
from leads.pure.week import local_date, quarter_bounds

# Per week of a company of full size: counts, cents and shares, as the figures have them.
_WEEKLY = {
    "leads.mqls": 75.0,
    "pipeline.sourced": 65_000_000.0,
    "pipeline.won": 14_000_000.0,
    "leads.conversion.mql_to_sql": 0.2,
    "attribution.roi": 2.5,
}
_SHARES = {"leads.conversion.mql_to_sql", "attribution.roi"}


def write_targets(at: datetime, leads: int) -> None:
    """Targets from the start of last quarter to the end of this one; repeating changes nothing."""
    company = Company.current()
    start, end = quarter_bounds(local_date(at, company.tz), company.fiscal_year_start_month)
    before, _ = quarter_bounds(start - timedelta(days=1), company.fiscal_year_start_month)
    for starts_on, ends_on, growth in ((before, start, 0.9), (start, end, 1.0)):
        for figure, weekly in _WEEKLY.items():
            scale = 1.0 if figure in _SHARES else growth * leads / FULL_SIZE
            Target.objects.get_or_create(
                figure=figure,
                starts_on=starts_on,
                defaults={"ends_on": ends_on - timedelta(days=1), "weekly_value": weekly * scale},
            )
