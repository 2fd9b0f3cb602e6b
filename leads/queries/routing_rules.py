"""What the rules of a version do: in words, on the leads of 90 days, for one lead, and beside another version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Max, QuerySet

from leads.models import Account, Assignment, Company, Lead, Role, RoutingVersion, Stage, Territory, TerritoryRule, User
from leads.pure.conditions.grammar import Group
from leads.pure.conditions.properties import Catalog
from leads.pure.conditions.sentences import sentence
from leads.pure.spelling.identity import company_domain
from leads.queries.conditions import lead_catalog
from leads.queries.routing import Decision, Rota, RuleBook

DAYS = 90
MOST = 5_000
"""So many of the newest leads are looked at for the counts of rules."""
NOT_FOR_RULES = ("owner", "territory", "account_owner")


def may_change_rules(user: User) -> bool:
    """Who writes and activates territory rules: admins and sales leaders."""
    return user.has_role(Role.SALES_LEADER, Role.ADMIN)


def rule_catalog() -> Catalog:
    """What conditions of territory rules can look at: not what routing itself decides."""
    return lead_catalog().without(*NOT_FOR_RULES)


@dataclass(slots=True)
class Line:
    """A rule as it is listed: what it decided of the leads looked at, what it met, and who decided the rest."""

    rule: TerritoryRule
    sentence: str
    decided: int = 0
    met: int = 0
    taken: Counter[int] = field(default_factory=Counter)
    last_hit: datetime | None = None
    places: dict[int, int] = field(default_factory=dict)

    @property
    def is_dead(self) -> bool:
        """Whether no lead met it."""
        return self.rule.is_active and not self.met

    @property
    def is_shadowed(self) -> bool:
        """Whether rules before it decided all that it met."""
        return bool(self.met) and not self.decided

    @property
    def overlaps(self) -> str:
        """Which rules before it decided leads that meet it, too: "rule 1 (12), rule 3 (2)"."""
        return ", ".join(f"rule {self.places[pk]} ({count:,})" for pk, count in self.taken.most_common())


@dataclass(slots=True)
class Listing:
    """The rules of a version in order with their counts."""

    lines: list[Line]
    leads: int = 0
    unmatched: int = 0
    is_sample: bool = False


def listing(version: RoutingVersion, company: Company, at: datetime, *, counts: bool = True) -> Listing:
    """Every rule of a version in words; with the counts of the newest leads of 90 days where asked."""
    rows = list(version.rules.select_related("territory").order_by("position"))
    book = RuleBook(rows=rows, company=company, version=version)
    words = {row.pk: sentence(row.group, book.catalog) for row in rows}
    places = {row.pk: row.position for row in rows}
    hits = dict(
        Assignment.objects.filter(rule__key__in=[row.key for row in rows])
        .order_by()
        .values_list("rule__key")
        .annotate(last=Max("assigned_at"))
    )
    lines = {row.pk: Line(row, words[row.pk], last_hit=hits.get(row.key), places=places) for row in rows}
    found = Listing(list(lines.values()))
    if not counts:
        return found
    newest = Lead.objects.live().filter(captured_at__gt=at - timedelta(days=DAYS), captured_at__lte=at)
    alike, found.is_sample = _alike(newest.exclude(stage=Stage.SUBSCRIBER), book.rules.properties)
    found.leads, day = sum(alike.values()), at.astimezone(company.tz).date()
    leads = list(Lead.objects.filter(pk__in=alike).select_related("account", "channel"))
    facts = book.facts(leads)
    for lead_id, count in alike.items():
        met = book.rules.met(facts[lead_id], day)
        found.unmatched += 0 if met else count
        for rule in met:
            lines[rule.id].met += count
        if met:
            lines[met[0].id].decided += count
            for later in met[1:]:
                lines[later.id].taken[met[0].id] += count
    return found


_STORED = {
    "channel": ("channel",),
    "company": ("company",),
    "company_size": ("company_size", "account__company_size"),
    "country": ("country", "account__country"),
    "industry": ("industry", "account__industry"),
    "job_title": ("job_title",),
    "postal_code": ("postal_code",),
    "region": ("region", "account__region"),
    "score": ("score",),
    "stage": ("stage",),
}
"""Columns that decide a property. Where rules look at another one, no two leads are taken to be alike."""


def _alike(leads: QuerySet[Lead], properties: Iterable[str]) -> tuple[dict[int, int], bool]:
    """One lead of all that are alike in what rules look at, newest first, with their number; whether there are more
    than are looked at."""
    columns = sorted({column for each in properties for column in _STORED.get(each, ("pk",))})
    rows = list(leads.order_by("-pk").values_list("pk", *columns)[: MOST + 1])
    first: dict[tuple[object, ...], int] = {}
    counts = Counter(first.setdefault(row[1:], row[0]) for row in rows[:MOST])
    return counts, len(rows) > MOST


@dataclass(frozen=True, slots=True)
class Trial:
    """What would become of a lead: every rule with whether it holds and why, and who gets it."""

    lead: Lead
    version: RoutingVersion
    tried: list[tuple[int, str, str, bool, str]]
    decision: Decision
    passed_over: list[dict[str, str]]
    rotation: list[tuple[str, int, int]]


def try_lead(lead: Lead, version: RoutingVersion, company: Company, at: datetime) -> Trial:
    """Send a lead through a version as if it arrived now and had no owner; writes nothing. It may not be stored."""
    book = RuleBook.of(version, company)
    facts, day = book.facts([lead])[lead.pk], at.astimezone(company.tz).date()
    names = dict(Territory.objects.values_list("pk", "name"))
    tried = []
    for rule in book.rules.ordered:
        holds = rule in book.rules.met(facts, day)
        because = book.rules.why_not(facts, day, rule)
        tried.append((rule.position, book.rules.sentences[rule.id], names[rule.territory_id], holds, because))
    rota = Rota(
        territories=Territory.objects.order_by("pk"), company=company, at=at, released=[lead.pk] if lead.pk else []
    )
    rota.know_accounts([lead])
    match = book.rules.first_match(facts, day)
    territory = rota.territories.get(match.rule.territory_id) if match.rule else rota.catch_all
    credits = [(share.rep_id, share.credit) for share in rota.by_territory.get(territory.pk if territory else 0, [])]
    decision = rota.decide(lead, match)
    turns = [
        (rota.names[rep], decision.choice.rotation[rep], credit)
        for rep, credit in credits
        if rep in decision.choice.rotation
    ]
    return Trial(lead, version, tried, decision, decision.passed_over(rota.names), turns)


def typed_lead(values: dict[str, object], at: datetime) -> Lead:
    """A lead that is not stored, of typed values; its account is the one of its email's domain."""
    lead = Lead(captured_at=at, changed_at=at, stage=Stage.LEAD, **values)
    domain = company_domain(lead.email or "")
    lead.account = Account.objects.filter(domain=domain).first() if domain else None
    return lead


def differences(before: RoutingVersion, after: RoutingVersion, catalog: Catalog) -> list[str]:
    """What changed from one version to another, in sentences, in the order of the rules."""
    old = {row.key: row for row in before.rules.select_related("territory").order_by("position")}
    new = {row.key: row for row in after.rules.select_related("territory").order_by("position")}
    told = [f"Removed: {_whole(row, catalog)}" for key, row in old.items() if key not in new]
    kept = [key for key in old if key in new]
    order = [key for key in new if key in old]
    for key, row in new.items():
        if key not in old:
            told.append(f"Added as rule {row.position}: {_whole(row, catalog)}")
            continue
        was = old[key]
        parts = []
        if was.group != row.group:
            parts.append(f"conditions “{_words(was.group, catalog)}” became “{_words(row.group, catalog)}”")
        if was.territory_id != row.territory_id:
            parts.append(f"goes to {row.territory} instead of {was.territory}")
        if was.is_active != row.is_active:
            parts.append("switched on" if row.is_active else "switched off")
        if kept.index(key) != order.index(key):
            parts.append(f"tried as rule {row.position} instead of {was.position}")
        if parts:
            told.append(f"Rule {row.position}: {'; '.join(parts)}")
    return told


def _whole(row: TerritoryRule, catalog: Catalog) -> str:
    return f"{_words(row.group, catalog)} → {row.territory}"


def _words(group: Group, catalog: Catalog) -> str:
    return sentence(group, catalog)


def versions() -> Sequence[RoutingVersion]:
    """Every version, newest first."""
    return list(RoutingVersion.objects.select_related("created_by", "activated_by", "based_on").order_by("-number"))
