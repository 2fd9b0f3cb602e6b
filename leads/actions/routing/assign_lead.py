"""Assign: the first territory rule that holds, then the account's owner or the next rep in turn; all of it logged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, Q

from leads.models import (
    Account,
    Assignment,
    Company,
    Lead,
    LeadEvent,
    RepAbsence,
    Stage,
    Territory,
    TerritoryRep,
    TerritoryRule,
    User,
)
from leads.pure import routing
from leads.pure.spelling.identity import company_domain

# Subscribers asked for mail, not for a rep; whom sales ruled out needs none.
UNASSIGNED_STAGES = frozenset([Stage.SUBSCRIBER, Stage.DISQUALIFIED])


def assign_leads(*, leads: Sequence[Lead], at: datetime, company: Company) -> list[Lead]:
    """Give each ownerless lead a territory and, if anybody is available, an owner. Returns those left without.

    Whom somebody owns in the CRM who is no user here is left with them.

    The caller has locked the leads. The territories are locked here, so that two assignments never take the same turn.
    """
    waiting = [
        lead
        for lead in leads
        if lead.owner_id is None and not lead.owner_elsewhere and lead.stage not in UNASSIGNED_STAGES
    ]
    if not waiting:
        return []
    with transaction.atomic(savepoint=False):
        return _Rota(waiting, at.astimezone(company.tz).date(), at).assign()


def candidate_of(lead: Lead) -> routing.Candidate:
    """What routing looks at: the lead's own facts, else its account's."""
    account = lead.account
    size = lead.company_size
    return routing.Candidate(
        country=lead.country or (account.country if account else ""),
        region=lead.region or (account.region if account else ""),
        postal_code=lead.postal_code,
        industry=lead.industry or (account.industry if account else ""),
        company_size=size if size is not None or not account else account.company_size,
        domain=(account.domain or "" if account else "") or company_domain(lead.email or "") or "",
    )


def pure_rules(*, rows: Iterable[TerritoryRule]) -> list[routing.TerritoryRule]:
    """Stored territory rules as routing takes them."""
    return [
        routing.TerritoryRule(
            id=row.pk,
            position=row.position,
            territory_id=row.territory_id,
            name=row.name,
            countries=row.countries,
            regions=row.regions,
            postal_from=row.postal_from,
            postal_to=row.postal_to,
            industries=row.industries,
            size_min=row.size_min,
            size_max=row.size_max,
            domains=row.domains,
        )
        for row in rows
    ]


class _Rota:
    """Rules, reps and their turns, for one round of assignments."""

    def __init__(self, leads: Sequence[Lead], day: date, at: datetime) -> None:
        self.leads, self.day, self.at = leads, day, at
        rules = pure_rules(rows=TerritoryRule.objects.filter(is_active=True))
        self.matches = [routing.first_match(candidate_of(lead), rules) for lead in leads]
        wanted = Q(pk__in={match.rule.territory_id for match in self.matches if match.rule})
        if not all(match.rule for match in self.matches):
            wanted |= Q(is_catch_all=True)
        locked = Territory.objects.select_for_update().filter(wanted).order_by("pk")
        self.territories = {territory.pk: territory for territory in locked}
        self.catch_all = next((one for one in self.territories.values() if one.is_catch_all), None)
        # Read after the lock: the credits are as the round before left them.
        self.shares = list(
            TerritoryRep.objects.filter(territory__in=self.territories).select_related("rep", "rep__capacity")
        )
        self.open_leads = self._open_leads()
        self.away: dict[int, list[tuple[date, date]]] = {}
        for rep_id, first, last in RepAbsence.objects.filter(
            rep__in={share.rep_id for share in self.shares}, ends_on__gte=self.day
        ).values_list("rep_id", "starts_on", "ends_on"):
            self.away.setdefault(rep_id, []).append((first, last))
        # An account may get its owner from the lead before, in this very round.
        self.owners = {lead.account_id: lead.account.owner_id for lead in leads if lead.account}
        self.new_owners: dict[int, User] = {}
        self.names = {share.rep_id: str(share.rep) for share in self.shares}
        foreign = {owner for owner in self.owners.values() if owner} - self.names.keys()
        if foreign:
            self.names |= {user.pk: str(user) for user in User.objects.filter(pk__in=foreign)}
        self.reps = {share.rep_id: share.rep for share in self.shares}

    def _open_leads(self) -> dict[int, int]:
        """Open leads of the reps that have a limit; nobody else's matter."""
        limited = {share.rep_id for share in self.shares if _capacity(share) is not None}
        if not limited:
            return {}
        counts = Lead.objects.open().filter(owner__in=limited).order_by().values_list("owner").annotate(n=Count("pk"))
        return {owner: count for owner, count in counts if owner is not None}

    def assign(self) -> list[Lead]:
        last = self._last_assignments()
        logged: list[Assignment] = []
        without: list[Lead] = []
        news: list[LeadEvent] = []
        for lead, match in zip(self.leads, self.matches, strict=True):
            assignment = self._choose(lead, match)
            if assignment.owner is None:
                without.append(lead)
            if _essence(last.get(lead.pk)) != _essence(assignment):
                logged.append(assignment)
                news.append(self._news(assignment))
            self._move(lead, assignment)
        Assignment.objects.bulk_create(logged)
        LeadEvent.objects.bulk_create(news)
        TerritoryRep.objects.bulk_update(self.shares, ["credit"])
        for account_id in sorted(self.new_owners):  # in one order, so that two rounds cannot wait for each other
            Account.objects.filter(pk=account_id, owner__isnull=True).update(owner=self.new_owners[account_id])
        return without

    def _choose(self, lead: Lead, match: routing.Match) -> Assignment:
        territory = self.territories[match.rule.territory_id] if match.rule else self.catch_all
        shares = [share for share in self.shares if territory and share.territory_id == territory.pk]
        owner_id = self.owners.get(lead.account_id) if lead.account_id else None
        choice = routing.choose_rep([self._rep(share) for share in shares], self.day, owner_id)
        for share in shares:
            share.credit = choice.credits[share.rep_id]
        where = match.because if match.rule else "no rule holds, so everywhere else"
        return Assignment(
            lead=lead,
            territory=territory,
            rule_id=match.rule.id if match.rule else None,
            owner=self.reps[choice.rep_id] if choice.rep_id else None,
            because=f"{where}; {choice.because}"[:400],
            passed_over=[
                {"rep": passed.name or self.names.get(passed.rep_id, ""), "why": passed.why}
                for passed in choice.passed_over
            ],
            assigned_at=self.at,
        )

    def _rep(self, share: TerritoryRep) -> routing.Rep:
        return routing.Rep(
            id=share.rep_id,
            name=str(share.rep),
            weight=share.weight,
            current_credit=share.credit,
            open_leads=self.open_leads.get(share.rep_id, 0),
            capacity=_capacity(share),
            is_active=share.rep.is_active,
            away=self.away.get(share.rep_id, ()),
        )

    def _move(self, lead: Lead, assignment: Assignment) -> None:
        owner, territory = assignment.owner, assignment.territory
        if owner is None and lead.territory_id == (territory.pk if territory else None):
            return
        Lead.objects.filter(pk=lead.pk, owner__isnull=True).update(owner=owner, territory=territory, changed_at=self.at)
        lead.owner, lead.territory, lead.changed_at = owner, territory, self.at
        if owner is None:
            return
        self.open_leads[owner.pk] = self.open_leads.get(owner.pk, 0) + 1
        if lead.account_id and self.owners.get(lead.account_id) is None:
            self.owners[lead.account_id] = owner.pk
            self.new_owners[lead.account_id] = owner

    def _news(self, assignment: Assignment) -> LeadEvent:
        details: dict[str, Any] = {
            "territory": str(assignment.territory or ""),
            "owner": str(assignment.owner or ""),
            "because": assignment.because,
        }
        return LeadEvent(
            lead=assignment.lead,
            kind=LeadEvent.Kind.ASSIGNED,
            happened_at=self.at,
            recorded_at=self.at,
            details=details,
        )

    def _last_assignments(self) -> dict[int, Assignment]:
        retried = [lead for lead in self.leads if lead.territory_id is not None]
        if not retried:
            return {}
        newest = Assignment.objects.filter(lead__in=retried).values("lead").annotate(newest=Max("pk"))
        return {row.lead_id: row for row in Assignment.objects.filter(pk__in=newest.values("newest"))}


def _capacity(share: TerritoryRep) -> int | None:
    # A missing one-to-one row raises on access; hasattr is Django's way to ask.
    return share.rep.capacity.open_leads if hasattr(share.rep, "capacity") else None


def _essence(assignment: Assignment | None) -> tuple[object, ...] | None:
    """What makes an assignment another one: a retry that still finds nobody is not logged again."""
    if assignment is None:
        return None
    return assignment.territory_id, assignment.rule_id, assignment.owner_id
