"""What a transfer would move, and to whom: a rep's book, chosen leads, and the plan for each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from leads.models import (
    OPEN_STAGES,
    Account,
    Company,
    FollowUp,
    Lead,
    Role,
    RoutingVersion,
    Territory,
    Transfer,
    User,
)
from leads.models.opportunity import OpportunityQuerySet
from leads.pure.spread import spread
from leads.queries.kept_elsewhere import kept_elsewhere, kept_here
from leads.queries.routing import Decision, Rota, RuleBook


def may_transfer(user: User) -> bool:
    """Whether a person may give leads and books of others to somebody: sales leaders and admins."""
    return user.has_role(Role.SALES_LEADER, Role.ADMIN)


def recipients() -> QuerySet[User]:
    """People who can be given leads: active here and in the CRM, with a role in sales."""
    sales: QuerySet[User] = User.objects.filter(is_active=True, left_crm_at__isnull=True)
    return sales.filter(role__in=[Role.SALES_REP, Role.SALES_LEADER]).order_by("name", "pk")


@dataclass(frozen=True, slots=True)
class Book:
    """Everything that is a rep's, in numbers. ``deals_elsewhere`` are kept by a CRM and stay there."""

    leads: int
    closed_leads: int
    follow_ups: int
    overdue: int
    meetings: int
    deals: int
    deals_elsewhere: int
    accounts: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing would have to be given to anybody."""
        return not (self.leads or self.follow_ups or self.deals or self.accounts)


def book_of(rep: User, at: datetime) -> Book:
    """What a rep has in hand now."""
    is_open = Q(stage__in=OPEN_STAGES)
    leads = Lead.objects.live().filter(owner=rep).aggregate(n=Count("pk", filter=is_open), all=Count("pk"))
    meeting = Q(kind=FollowUp.Kind.MEETING)
    promises = (
        FollowUp.objects.open()
        .filter(owner=rep)
        .aggregate(n=Count("pk"), met=Count("pk", filter=meeting), late=Count("pk", filter=Q(due_at__lt=at)))
    )
    return Book(
        leads=leads["n"],
        closed_leads=leads["all"] - leads["n"],
        follow_ups=promises["n"],
        overdue=promises["late"],
        meetings=promises["met"],
        deals=kept_here().open().filter(owner=rep).count(),
        deals_elsewhere=kept_elsewhere().open().filter(owner=rep).count(),
        accounts=Account.objects.filter(owner=rep).count(),
    )


def leads_of(transfer: Transfer) -> QuerySet[Lead]:
    """The leads that a transfer has still to give away, in the order of keys."""
    leads = Lead.objects.live().order_by("pk")
    if transfer.scope == Transfer.Scope.BOOK:
        leads = leads.filter(owner=transfer.from_rep)
        return leads if transfer.takes_closed else leads.filter(stage__in=OPEN_STAGES)
    return leads.filter(pk__in=transfer.lead_ids)


def deals_of(rep: User) -> OpportunityQuerySet:
    """Open deals of a rep that are changed here."""
    return kept_here().open().owned_by(rep)


@dataclass(slots=True)
class Plan:
    """Who gets each lead, by its id; None for nobody yet. ``decisions`` say why, where rules decide."""

    owners: dict[int, User | None] = field(default_factory=dict)
    decisions: dict[int, Decision] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    accounts: dict[int, int] = field(default_factory=dict)
    rota: Rota | None = None
    version: RoutingVersion | None = None

    def shares(self) -> list[tuple[User | None, int]]:
        """How many leads each person gets, most first; nobody last."""
        people = {owner.pk if owner else 0: owner for owner in self.owners.values()}
        counts = Counter(owner.pk if owner else 0 for owner in self.owners.values())
        ordered = sorted(counts.items(), key=lambda each: (each[0] == 0, -each[1], each[0]))
        return [(people[pk], count) for pk, count in ordered]


def plan_transfer(
    *,
    way: str,
    leads: Sequence[Lead],
    to: Sequence[User],
    leaving: Collection[int],
    at: datetime,
    is_locking: bool = False,
) -> Plan:
    """Who would get each of these leads, of whom ``leaving`` get none; writes nothing, but may hold the turns."""
    if way == Transfer.Way.RULES:
        return _by_rules(leads, leaving, at, is_locking=is_locking)
    people = {person.pk: person for person in to}
    if way == Transfer.Way.PERSON:
        return Plan({lead.pk: to[0] for lead in leads})
    given = spread([(lead.pk, lead.account_id) for lead in leads], list(people))
    accounts = {lead.account_id: given[lead.pk] for lead in leads if lead.account_id}
    return Plan({pk: people[person] for pk, person in given.items()}, accounts=accounts)


def _by_rules(leads: Sequence[Lead], leaving: Collection[int], at: datetime, *, is_locking: bool) -> Plan:
    company = Company.current()
    book = RuleBook.active(company)
    territories = Territory.objects.order_by("pk")
    rota = Rota(
        territories=territories.select_for_update() if is_locking else territories,
        company=company,
        at=at,
        leaving=leaving,
        released=[lead.pk for lead in leads if lead.owner_id not in leaving],
    )
    rota.know_accounts(leads)
    plan = Plan(rota=rota, version=book.version)
    for lead, match in zip(leads, book.match(leads, at), strict=True):
        decision = rota.decide(lead, match)
        plan.owners[lead.pk], plan.decisions[lead.pk] = decision.owner, decision
        if lead.account_id and decision.owner:
            plan.accounts[lead.account_id] = rota.account_owners.get(lead.account_id) or decision.owner.pk
    plan.names = rota.names
    return plan
