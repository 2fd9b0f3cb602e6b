"""A rep's day: which leads to take now, in order, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Case, Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When

from leads.models import Company, FollowUp, Lead, LeadEvent, Recycling, Stage, User

OVERDUE, NEW, TODAY, IDLE, LATER = range(5)
SECTIONS = {
    OVERDUE: ("Overdue", "Contact them first: the time agreed has passed."),
    NEW: ("New MQLs", "Accept or reject them; the Sales SLA runs from the moment they became MQLs."),
    TODAY: ("Due today", "Contacts agreed for today."),
    IDLE: ("Working, nothing planned", "Accepted, but no next contact is planned."),
    LATER: ("Working, planned for later", "The next contact is on another day."),
}
# What is taken one after the other; contacts of another day are only listed.
TAKEN = (OVERDUE, NEW, TODAY, IDLE)
MOST = 500


@dataclass(slots=True)
class Section:
    """Leads of one kind: the first ones, and how many there are."""

    key: int
    title: str
    about: str
    count: int = 0
    leads: list[Lead] = field(default_factory=list)


def day_of(user: User, at: datetime, company: Company) -> QuerySet[Lead]:
    """The person's leads with work in them, in order, each with ``step_rank``, ``step_due_at``, ``step_kind`` and
    ``step_because``.

    Overdue contacts come first, oldest first; then MQLs that are neither accepted nor rejected, what is due today,
    accepted leads without a next contact, and the rest by when they are due.
    """
    promises = FollowUp.objects.open().filter(lead=OuterRef("pk")).order_by("due_at", "pk")
    worked = Q(stage__in=(Stage.MQL, Stage.SAL, Stage.SQL))
    mine = Lead.objects.live().filter(owner=user).filter(worked | Exists(promises))
    return mine.annotate(
        step_due_at=Subquery(promises.values("due_at")[:1]),
        step_kind=Subquery(promises.values("kind")[:1]),
        step_because=Subquery(promises.values("because")[:1]),
        step_rank=Case(
            When(step_due_at__lt=at, then=Value(OVERDUE)),
            When(stage=Stage.MQL, then=Value(NEW)),
            When(step_due_at__lt=tomorrow(at, company), then=Value(TODAY)),
            When(step_due_at__isnull=True, then=Value(IDLE)),
            default=Value(LATER),
            output_field=IntegerField(),
        ),
    ).order_by("step_rank", F("step_due_at").asc(nulls_last=True), "-score", "-captured_at", "pk")


def tomorrow(at: datetime, company: Company) -> datetime:
    """The next midnight of the company."""
    day = at.astimezone(company.tz).date() + timedelta(days=1)
    return datetime.combine(day, time(), company.tz)


def sections(rows: QuerySet[Lead], shown: int) -> list[Section]:
    """The day by sections, of each the first leads and the count; empty ones are left out."""
    found: dict[int, Section] = {}
    for lead in rows.select_related("account", "channel"):
        rank: int = lead.step_rank  # type: ignore[attr-defined]  # annotated
        section = found.setdefault(rank, Section(rank, *SECTIONS[rank]))
        section.count += 1
        if len(section.leads) < shown:
            section.leads.append(lead)
    return [found[rank] for rank in sorted(found)]


def round_of(user: User, at: datetime, company: Company, since: datetime) -> list[tuple[int, UUID]]:
    """What is left of a round through the day that began at ``since``, in order: keys and public ids.

    A lead for which the person has done anything since is done in this round.
    """
    acted = LeadEvent.objects.filter(lead=OuterRef("pk"), by=user, recorded_at__gte=since)
    rows: Any = day_of(user, at, company)
    return list(rows.filter(step_rank__in=TAKEN).exclude(Exists(acted)).values_list("pk", "public_id")[:MOST])


def following(left: list[tuple[int, UUID]], lead_id: int) -> UUID | None:
    """Who comes after a lead, round to the first again; None when nobody else is left."""
    place = next((place for place, (pk, _) in enumerate(left) if pk == lead_id), -1)
    others = [*left[place + 1 :], *left[: max(place, 0)]]
    return others[0][1] if others else None


def coming_back(user: User, at: datetime, company: Company, days: int = 14) -> QuerySet[Recycling]:
    """The person's recycled leads that come back within so many days, soonest first."""
    until = at.astimezone(company.tz).date() + timedelta(days=days)
    rows = Recycling.objects.waiting().filter(
        lead__owner=user, lead__merged_into__isnull=True, lead__stage=Stage.RECYCLED, comes_back_on__lte=until
    )
    return rows.select_related("lead").order_by("comes_back_on", "pk")
