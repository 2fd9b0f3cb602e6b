"""The reps of the company: hours, capacity, load, days away, and open work of people who left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Q, QuerySet

from leads.models import Company, FollowUp, Lead, Role, TerritoryRep, User
from leads.pure.calendar import BusinessHours
from leads.pure.public_holidays import holiday_on
from leads.queries.calendar import Schedule, schedules_of
from leads.queries.routing import capacity_of

GONE = Q(is_active=False) | Q(left_crm_at__isnull=False)
LOOKS_AHEAD = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class RepRow:
    """A rep as the rep panel shows them."""

    rep: User
    territories: tuple[tuple[str, int], ...]
    open_leads: int
    capacity: int | None
    open_follow_ups: int
    schedule: Schedule
    starts_at: datetime | None
    at: datetime
    away_until: date | None
    next_away: tuple[date, date] | None

    @property
    def state(self) -> str:
        """What keeps the rep from a new lead now, as a key: "ok" where nothing does."""
        if not self.rep.is_active:
            return "inactive"
        if self.rep.left_crm_at is not None:
            return "left_crm"
        if self.away_until is not None:
            return "away"
        if self.capacity is not None and self.open_leads >= self.capacity:
            return "full"
        return "ok" if self.starts_at is not None and self.starts_at <= self.at else "off"

    @property
    def words(self) -> str:
        """The same in words."""
        until = f"{self.away_until.day} {self.away_until:%b}" if self.away_until else ""
        starts = f", starts {self.starts_at:%a %H:%M}" if self.starts_at else ""
        return {
            "inactive": "Deactivated",
            "left_crm": "Deactivated in the CRM",
            "away": f"Away until {until}",
            "full": "At capacity",
            "off": f"Not at work{starts}",
            "ok": "At work",
        }[self.state]

    @property
    def tone(self) -> str:
        """How the words are colored."""
        return {"ok": "good", "inactive": "bad", "left_crm": "bad", "away": "warn", "full": "warn"}.get(self.state, "")


def reps_of(company: Company, at: datetime) -> list[RepRow]:
    """Everybody who sells, and whoever left open work behind; six queries however many there are."""
    leads = Lead.objects.open().filter(owner__isnull=False).order_by()
    loads = dict(leads.values_list("owner").annotate(n=Count("pk")))
    promises = FollowUp.objects.open().filter(owner__isnull=False).order_by()
    promised = dict(promises.values_list("owner").annotate(n=Count("pk")))
    sells = Q(is_active=True) & (Q(role=Role.SALES_REP) | Q(territory_shares__isnull=False))
    people = User.objects.filter(sells | (GONE & Q(pk__in={*loads, *promised})))
    reps = list(people.distinct().select_related("capacity").order_by("name", "pk"))
    ids = [rep.pk for rep in reps]
    shares: dict[int, list[tuple[str, int]]] = {}
    for share in TerritoryRep.objects.filter(rep__in=ids).select_related("territory").order_by("territory__name"):
        shares.setdefault(share.rep_id, []).append((str(share.territory), share.weight))
    schedules = schedules_of(ids, company, at)
    return [
        _row(rep, schedules[rep.pk], tuple(shares.get(rep.pk, ())), loads.get(rep.pk, 0), promised.get(rep.pk, 0), at)
        for rep in reps
    ]


def _row(
    rep: User, schedule: Schedule, shares: tuple[tuple[str, int], ...], leads: int, promises: int, at: datetime
) -> RepRow:
    today = schedule.today(at)
    return RepRow(
        rep=rep,
        territories=shares,
        open_leads=leads,
        capacity=capacity_of(rep),
        open_follow_ups=promises,
        schedule=schedule,
        starts_at=schedule.starts_at(at),
        at=at,
        away_until=max((last for first, last in schedule.away if first <= today <= last), default=None),
        next_away=min(((first, last) for first, last in schedule.away if first > today), default=None),
    )


def stranded_follow_ups() -> QuerySet[FollowUp]:
    """Open follow-ups of people who are deactivated, here or in the CRM; the longest overdue first."""
    rows = FollowUp.objects.open().filter(owner__in=User.objects.gone())
    return rows.select_related("lead", "owner", "lead__owner").order_by("due_at", "pk")


def coming_holidays(hours: BusinessHours, since: date) -> list[tuple[date, str]]:
    """Closed days of the year to come with their names: public holidays and the company's own days."""
    days = (since + timedelta(days=number) for number in range(LOOKS_AHEAD.days))
    named = ((day, holiday_on(hours.country, hours.region, day) or "Closed") for day in days)
    return [(day, name) for day, name in named if day in hours.holidays or name != "Closed"]
