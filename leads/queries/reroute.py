"""Where leads that are here already would go under a version of the rules. Simulation and re-assignment share it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from leads.models import OPEN_STAGES, Assignment, Company, Lead, RoutingVersion, Stage, Territory, User
from leads.pure import routing
from leads.queries.routing import Decision, Rota, RuleBook

LOOKS_BACK = timedelta(weeks=13)


@dataclass(frozen=True, slots=True)
class Rerouted:
    """Where a lead goes. ``decision`` is None for one that keeps its owner, or that nobody has to work on."""

    lead: Lead
    match: routing.Match
    met: tuple[int, ...]
    territory: Territory | None
    owner: User | None
    because: str
    decision: Decision | None = None

    @property
    def is_open(self) -> bool:
        """Whether a rep has to work on it."""
        return self.lead.stage in OPEN_STAGES

    @property
    def moves(self) -> bool:
        """Whether it gets another owner or territory."""
        here = (self.lead.owner_id, self.lead.territory_id)
        return self.is_open and here != (
            self.owner.pk if self.owner else None,
            self.territory.pk if self.territory else None,
        )


def past_leads(at: datetime) -> QuerySet[Lead]:
    """Leads of the 13 weeks before a moment that routing concerns, in the order in which they are looked at."""
    leads = Lead.objects.live().filter(captured_at__gt=at - LOOKS_BACK, captured_at__lte=at, owner_elsewhere="")
    return leads.exclude(stage=Stage.SUBSCRIBER).order_by("pk")


def with_facts(leads: QuerySet[Lead]) -> QuerySet[Lead]:
    """The same with what deciding looks at."""
    return leads.select_related("account", "channel", "owner", "territory")


class Rerouter:
    """Decides lead after lead, each decision counted for the next, as `Rota` does it.

    An open lead whose owner works the territory stays with them, and so does one that a person gave to its owner:
    rules do not take back what people decided. Leads that are not open only change the counts.
    """

    def __init__(self, *, book: RuleBook, company: Company, at: datetime, is_locking: bool = False) -> None:
        self.book, self.at, self.day = book, at, at.astimezone(company.tz).date()
        territories = Territory.objects.order_by("pk")
        self.rota = Rota(
            territories=territories.select_for_update() if is_locking else territories, company=company, at=at
        )

    def decide(self, leads: Sequence[Lead]) -> Iterator[Rerouted]:
        """Where each of the leads goes, in the order given; they come as from `with_facts`."""
        facts = self.book.facts(leads)
        chosen = given_by_people([lead.pk for lead in leads if lead.owner_id])
        fresh = [lead for lead in leads if lead.account_id not in self.rota.account_owners]
        self.rota.know_accounts(fresh)
        for lead in leads:
            met = self.book.rules.met(facts[lead.pk], self.day)
            match = self.book.rules.decided_by(met)
            yield self._one(lead, match, tuple(rule.id for rule in met), lead.pk in chosen)

    def _one(self, lead: Lead, match: routing.Match, met: tuple[int, ...], is_chosen: bool) -> Rerouted:
        rota = self.rota
        territory = rota.territories.get(match.rule.territory_id) if match.rule else rota.catch_all
        if lead.stage not in OPEN_STAGES:
            return Rerouted(lead, match, met, territory, lead.owner, f"{match.because}; not open, keeps its owner")
        owner = lead.owner
        if owner is not None and territory is not None:
            works = any(share.rep_id == owner.pk for share in rota.by_territory.get(territory.pk, ()))
            if is_chosen and owner.is_active:
                return Rerouted(lead, match, met, territory, owner, f"{match.because}; a person gave it to {owner}")
            if works and owner.is_active and owner.left_crm_at is None:
                return Rerouted(lead, match, met, territory, owner, f"{match.because}; stays with {owner}")
        if owner is not None:
            rota.loads[owner.pk] = rota.loads.get(owner.pk, 0) - 1
        decision = rota.decide(lead, match)
        return Rerouted(lead, match, met, decision.territory, decision.owner, decision.because, decision)


def given_by_people(lead_ids: Collection[int]) -> set[int]:
    """Leads whose present owner a person chose. A later assignment to the same owner, as of a territory, changes
    nothing."""
    held: dict[int, tuple[int | None, bool]] = {}
    rows = Assignment.objects.filter(lead__in=lead_ids).order_by("pk")
    for lead, owner, by in rows.values_list("lead_id", "owner_id", "by_id"):
        before, was_chosen = held.get(lead, (None, False))
        is_chosen = bool(by) or (was_chosen and owner == before)
        held[lead] = (owner, is_chosen)
    return {lead for lead, (owner, is_chosen) in held.items() if owner is not None and is_chosen}


def fingerprint(version: RoutingVersion) -> str:
    """The same for the same rules: a simulation of rules that were changed since says so."""
    rows = version.rules.order_by("position").values_list("key", "territory_id", "conditions", "is_active")
    told = [[str(key), territory, conditions, is_active] for key, territory, conditions, is_active in rows]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
