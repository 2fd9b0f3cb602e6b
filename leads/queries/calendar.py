"""When people work: hours, public holidays and days away of reps."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from leads.models import Company, RepAbsence, RepHours
from leads.pure.calendar import BusinessHours, next_start


@dataclass(frozen=True, slots=True)
class Schedule:
    """A rep's working hours and the days away that are not over."""

    hours: BusinessHours
    away: Sequence[tuple[date, date]] = ()

    def today(self, at: datetime) -> date:
        """The rep's own day."""
        return at.astimezone(self.hours.tz).date()

    def starts_at(self, at: datetime) -> datetime | None:
        """When the rep works next, in their zone: ``at`` itself while at work, None for never."""
        start = next_start(at, self.hours, self.away)
        return start.astimezone(self.hours.tz) if start else None


def hours_of(rep_ids: Collection[int], company: Company) -> dict[int, BusinessHours]:
    """The working hours of each rep: their own where they have some, else the company's. One query."""
    usual = company.hours
    own = {row.rep_id: row.within(usual) for row in RepHours.objects.filter(rep__in=rep_ids)} if rep_ids else {}
    return {rep_id: own.get(rep_id, usual) for rep_id in rep_ids}


def schedules_of(rep_ids: Collection[int], company: Company, at: datetime) -> dict[int, Schedule]:
    """Hours and present or coming days away of each rep, in two queries."""
    away: dict[int, list[tuple[date, date]]] = {}
    # A rep's day may be the one before the company's.
    since = date.fromordinal(at.astimezone(company.tz).date().toordinal() - 1)
    rows = RepAbsence.objects.filter(rep__in=rep_ids, ends_on__gte=since).order_by("starts_on", "pk")
    for rep_id, first, last in rows.values_list("rep_id", "starts_on", "ends_on"):
        away.setdefault(rep_id, []).append((first, last))
    return {
        rep_id: Schedule(hours, tuple(away.get(rep_id, ()))) for rep_id, hours in hours_of(rep_ids, company).items()
    }
