"""Who would get a lead: rules, reps and their turns as they stand, and the decisions that follow. Writes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, QuerySet

from leads.models import (
    OPEN_STAGES,
    Company,
    Lead,
    RepAbsence,
    RoutingVersion,
    Territory,
    TerritoryRep,
    TerritoryRule,
    User,
)
from leads.pure import routing
from leads.pure.conditions.evaluate import Facts
from leads.pure.conditions.properties import LEADS
from leads.pure.spelling.identity import company_domain
from leads.queries.calendar import Schedule
from leads.queries.conditions import facts_of, lead_catalog
from leads.queries.in_force import InForce
from leads.queries.mail import Stored


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a lead goes and who gets it; ``owner`` is None where nobody can take it now."""

    match: routing.Match
    territory: Territory | None
    choice: routing.Choice
    owner: User | None

    @property
    def because(self) -> str:
        """Rule and rep in words, as the assignment log has it."""
        return f"{self.match.because}; {self.choice.because}"[:400]

    def passed_over(self, names: dict[int, str]) -> list[dict[str, str]]:
        """Who could not take the lead, and why, as the assignment log has it."""
        return [
            {"rep": passed.name or names.get(passed.rep_id, ""), "why": passed.why}
            for passed in self.choice.passed_over
        ]

    @property
    def rotation(self) -> dict[str, int]:
        """Whose turn it could be, by id, as the assignment log has it."""
        return {str(rep): weight for rep, weight in self.choice.rotation.items()}


class RuleBook:
    """The rules of a version, made ready, and the facts that they look at."""

    def __init__(
        self, *, rows: Iterable[TerritoryRule], company: Company, version: RoutingVersion | None = None
    ) -> None:
        self.version, self.tz = version, company.tz
        listed = [
            routing.TerritoryRule(row.pk, row.position, row.territory_id, row.group, row.name)
            for row in rows
            if row.is_active
        ]
        looked_at = frozenset[str]().union(*(rule.conditions.properties for rule in listed))
        self.names_records = bool(looked_at & _WITH_CHOICES)
        self.catalog = lead_catalog() if self.names_records else LEADS
        self.rules = routing.Rules(listed, self.catalog)

    @classmethod
    def active(cls, company: Company) -> RuleBook:
        """The rules in force."""
        rows = TerritoryRule.objects.filter(version__state=RoutingVersion.State.ACTIVE, is_active=True)
        listed = list(rows.select_related("version"))
        version = listed[0].version if listed else active_version()
        return cls(rows=listed, company=company, version=version)

    @classmethod
    def in_force(cls, settings: InForce) -> RuleBook:
        """The rules in force, made ready anew only after a change; always, where sentences name other records."""
        kept = settings.once("territory rules", lambda: cls.active(settings.company))
        return cls.active(settings.company) if kept.names_records else kept

    @classmethod
    def of(cls, version: RoutingVersion, company: Company) -> RuleBook:
        """The rules of any version."""
        return cls(rows=TerritoryRule.objects.filter(version=version), company=company, version=version)

    def facts(self, leads: Sequence[Lead], stored: Stored | None = None) -> dict[int, Facts]:
        """What the rules look at, by lead; where a lead says nothing, its account does."""
        known = facts_of(leads, properties=self.rules.properties, tz=self.tz, stored=stored)
        return {
            lead.pk: Facts({**known[lead.pk].values, **_from_account(lead)}, known[lead.pk].events) for lead in leads
        }

    def match(self, leads: Sequence[Lead], at: datetime, stored: Stored | None = None) -> list[routing.Match]:
        """The rule that decides for each lead, at a moment."""
        facts, day = self.facts(leads, stored), at.astimezone(self.tz).date()
        return [self.rules.first_match(facts[lead.pk], day) for lead in leads]


# Their sentences name records of this installation.
_WITH_CHOICES = frozenset({"channel", "campaign", "owner", "account_owner", "territory"})


def _from_account(lead: Lead) -> dict[str, object]:
    account = lead.account
    domain = (account.domain or "" if account else "") or company_domain(lead.email or "") or ""
    return {
        "country": lead.country or (account.country if account else ""),
        "region": lead.region or (account.region if account else ""),
        "account": domain,
    }


def active_version() -> RoutingVersion | None:
    """The version in force; None only while an installation is being set up."""
    return RoutingVersion.objects.filter(state=RoutingVersion.State.ACTIVE).first()


class Rota:
    """The reps of territories, their turns and loads at a moment. Each decision moves turns and loads on in memory.

    ``leaving`` are reps who give their leads away: they get none, and own no account any more. A lead in ``released``
    is not counted in the load of its owner: it is given away anew. ``shares`` and ``absences`` come from callers that
    have them; a caller that will write the turns has locked the shares.
    """

    def __init__(
        self,
        *,
        territories: Iterable[Territory],
        company: Company,
        at: datetime,
        leaving: Collection[int] = (),
        released: Collection[int] = (),
        shares: Iterable[TerritoryRep] | None = None,
        absences: Mapping[int, Sequence[tuple[date, date]]] | None = None,
    ) -> None:
        self.at, self.usual, self.leaving = at, company.hours, frozenset(leaving)
        self.day = at.astimezone(company.tz).date()
        self.territories = {territory.pk: territory for territory in territories}
        self.catch_all = next((one for one in self.territories.values() if one.is_catch_all), None)
        self.shares = list(shares_of(self.territories) if shares is None else shares)
        self._credits = {share.pk: share.credit for share in self.shares}
        self.by_territory: dict[int, list[TerritoryRep]] = {}
        for share in self.shares:
            self.by_territory.setdefault(share.territory_id, []).append(share)
        self.reps = {share.rep_id: share.rep for share in self.shares}
        self.names = {rep_id: str(rep) for rep_id, rep in self.reps.items()}
        self.loads = open_loads([pk for pk, rep in self.reps.items() if capacity_of(rep) is not None], released)
        self.schedules = self._schedules(self._absences() if absences is None else absences)
        self.starts = self._starts()
        # An account may get its owner from the lead before, in this very round.
        self.account_owners: dict[int, int | None] = {}
        self.new_account_owners: dict[int, int] = {}

    def know_accounts(self, leads: Iterable[Lead]) -> None:
        """Take in who owns the accounts of these leads, which come with them."""
        for lead in leads:
            if lead.account_id and lead.account:
                owner = lead.account.owner_id
                self.account_owners[lead.account_id] = None if owner in self.leaving else owner
        foreign = {owner for owner in self.account_owners.values() if owner} - self.names.keys()
        if foreign:
            self.names |= {user.pk: str(user) for user in User.objects.filter(pk__in=foreign)}

    def decide(self, lead: Lead, match: routing.Match) -> Decision:
        """Who gets the lead that a rule matched, or none did."""
        territory = self.territories.get(match.rule.territory_id) if match.rule else self.catch_all
        shares = self.by_territory.get(territory.pk, []) if territory else []
        owner_id = self.account_owners.get(lead.account_id) if lead.account_id else None
        off_hours = territory.off_hours if territory else routing.ASSIGN
        choice = routing.choose_rep([self._rep(share) for share in shares], self.day, owner_id, off_hours)
        for share in shares:
            share.credit = choice.credits[share.rep_id]
        owner = self.reps[choice.rep_id] if choice.rep_id else None
        if owner is not None:
            self.loads[owner.pk] = self.loads.get(owner.pk, 0) + (lead.stage in OPEN_STAGES)
            if lead.account_id and self.account_owners.get(lead.account_id) is None:
                self.account_owners[lead.account_id] = self.new_account_owners[lead.account_id] = owner.pk
        return Decision(match, territory, choice, owner)

    def moved(self) -> list[TerritoryRep]:
        """The shares whose turn the decisions moved on."""
        return [share for share in self.shares if share.credit != self._credits[share.pk]]

    def _rep(self, share: TerritoryRep) -> routing.Rep:
        rep = share.rep
        schedule, starts = self.schedules[rep.pk], self.starts.get(rep.pk, self.at)
        return routing.Rep(
            id=rep.pk,
            name=str(rep),
            weight=share.weight,
            current_credit=share.credit,
            open_leads=self.loads.get(rep.pk, 0),
            capacity=capacity_of(rep),
            is_active=rep.is_active,
            left_crm=rep.left_crm_at is not None,
            leaves=rep.pk in self.leaving,
            away=schedule.away,
            today=schedule.today(self.at),
            starts_at=starts if starts is None or starts > self.at else None,
            never_works=starts is None,
        )

    def _absences(self) -> Mapping[int, Sequence[tuple[date, date]]]:
        away: dict[int, list[tuple[date, date]]] = {}
        since = date.fromordinal(self.day.toordinal() - 1)  # a rep's day may be the one before the company's
        rows = RepAbsence.objects.filter(rep__in=self.reps, ends_on__gte=since)
        for rep_id, first, last in rows.values_list("rep_id", "starts_on", "ends_on"):
            away.setdefault(rep_id, []).append((first, last))
        return away

    def _schedules(self, away: Mapping[int, Sequence[tuple[date, date]]]) -> dict[int, Schedule]:
        found = {}
        for rep_id, rep in self.reps.items():
            # A missing one-to-one row raises on access; hasattr is Django's way to ask.
            hours = rep.working_hours.within(self.usual) if hasattr(rep, "working_hours") else self.usual
            found[rep_id] = Schedule(hours, tuple(away.get(rep_id, ())))
        return found

    def _starts(self) -> dict[int, datetime | None]:
        """When reps work next, where a territory asks."""
        asking = {pk for pk, territory in self.territories.items() if territory.off_hours != routing.ASSIGN}
        reps = {share.rep_id for share in self.shares if share.territory_id in asking}
        return {rep_id: self.schedules[rep_id].starts_at(self.at) for rep_id in reps}


def shares_of(territories: Iterable[Territory] | Collection[int]) -> QuerySet[TerritoryRep]:
    """The reps of territories with what tells whether they can take a lead."""
    rows = TerritoryRep.objects.filter(territory__in=territories)
    return rows.select_related("rep", "rep__capacity", "rep__working_hours").order_by("territory", "pk")


def capacity_of(rep: User) -> int | None:
    """The most open leads a rep takes; None for no limit."""
    return rep.capacity.open_leads if hasattr(rep, "capacity") else None


def open_loads(rep_ids: Collection[int], released: Collection[int] = ()) -> dict[int, int]:
    """Open leads by rep, without those that are ``released``."""
    if not rep_ids:
        return {}
    rows = Lead.objects.open().filter(owner__in=rep_ids).order_by()
    counts = {owner: count for owner, count in rows.values_list("owner").annotate(n=Count("pk")) if owner is not None}
    for owner in _owners_of(released):
        if owner in counts:
            counts[owner] -= 1
    return counts


def _owners_of(lead_ids: Collection[int]) -> Iterable[int]:
    ids = sorted(lead_ids)
    for start in range(0, len(ids), 500):
        rows = Lead.objects.open().filter(pk__in=ids[start : start + 500], owner__isnull=False)
        yield from (owner for owner in rows.values_list("owner_id", flat=True) if owner is not None)
