"""What scores look at, and what is shown of them today."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import structlog
from django.db.models import F, Max

from leads.models import Company, Lead, LeadScore, Role, ScoringRule, ScoringRuleSet, ShownScore, User
from leads.pure.conditions.evaluate import Facts
from leads.pure.conditions.grammar import from_json
from leads.pure.conditions.properties import ATTRIBUTE, Catalog
from leads.pure.refused import Refused
from leads.pure.scoring.difference import Listed
from leads.pure.scoring.rules import SCORED, Rule, RuleSet
from leads.pure.scoring.score import Reason, Score, Scorer
from leads.pure.scoring.stored import is_aging, score_on, told
from leads.queries.conditions import facts_of, lead_catalog
from leads.queries.in_force import InForce
from leads.queries.mail import Stored

log = structlog.get_logger(__name__)


def active_rule_set() -> ScoringRuleSet | None:
    """The version that scores now."""
    return ScoringRuleSet.objects.filter(state=ScoringRuleSet.State.ACTIVE).first()


def may_read_scoring(user: User) -> bool:
    """Whether a person may look at the rules and at the grid."""
    return user.has_role(Role.ADMIN, Role.MARKETING_DIRECTOR, Role.SALES_LEADER)


def may_change_scoring(user: User) -> bool:
    """Whether a person may edit, try and activate versions."""
    return user.has_role(Role.ADMIN)


def scoring_catalog() -> Catalog:
    """What rules may look at, with the choices of this installation."""
    offered = lead_catalog()
    return offered.without(
        *(offered.listed - SCORED.listed - {key for key in offered.listed if key.startswith(ATTRIBUTE)})
    )


def rule_of(row: ScoringRule) -> Rule:
    """A stored rule as a plain value. Raises Refused for one that can never be scored."""
    side = "fit" if row.group == ScoringRule.Group.FIT else "behaviour"
    half_life = None if row.half_life_days is None else float(row.half_life_days)
    return Rule(
        row.pk,
        row.name,
        "fit" if side == "fit" else "behaviour",
        from_json(row.conditions),
        row.points,
        row.max_times,
        half_life,
    )


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule of a version as its page lists it; ``problem`` says why it can never be scored."""

    row: ScoringRule
    listed: Listed | None
    sentence: str
    problem: str = ""


def listed_rules(rule_set: ScoringRuleSet, catalog: Catalog) -> list[RuleLine]:
    """The rules of a version in order, each in words."""
    found = []
    for row in ScoringRule.objects.filter(rule_set=rule_set).order_by("position", "pk"):
        try:
            rule = rule_of(row)
        except Refused as refused:
            found.append(RuleLine(row, None, "This rule cannot be scored", str(refused)))
        else:
            found.append(RuleLine(row, Listed(rule, row.is_enabled), rule.sentence(catalog)))
    return found


def rule_set_of(rule_set: ScoringRuleSet) -> RuleSet:
    """The rules of a version that are enabled. One that can never be scored is left out and logged: it must not stop
    intake."""
    rules: list[Rule] = []
    for row in ScoringRule.objects.filter(rule_set=rule_set, is_enabled=True).order_by("position", "pk"):
        try:
            rules.append(rule_of(row))
        except Refused as error:
            log.warning("scoring_rule_left_out", rule=row.pk, why=str(error))
    return with_limits(rule_set, rules)


def with_limits(rule_set: ScoringRuleSet, rules: Sequence[Rule]) -> RuleSet:
    """Rules under the thresholds, caps and half-life of a version."""
    return RuleSet(
        version=rule_set.version,
        rules=rules,
        fit_threshold=rule_set.fit_threshold,
        behaviour_threshold=rule_set.behaviour_threshold,
        fit_cap=rule_set.fit_cap,
        behaviour_cap=rule_set.behaviour_cap,
        half_life_days=rule_set.half_life_days,
    )


@dataclass(frozen=True, slots=True)
class Rules:
    """The active version, ready to score many leads."""

    row: ScoringRuleSet
    scorer: Scorer
    tz: ZoneInfo


def ready_rules(*, company: Company | None = None) -> Rules | None:
    """The active version made ready; None where none is active."""
    active = active_rule_set()
    if active is None:
        return None
    return Rules(active, Scorer(rule_set_of(active)), (company or Company.current()).tz)


def rules_in_force(settings: InForce) -> Rules | None:
    """The active version made ready, anew only after a change."""
    return settings.once("scoring rules", lambda: ready_rules(company=settings.company))


def scoring_facts(
    leads: Collection[Lead] | Collection[int], rules: RuleSet, tz: ZoneInfo, stored: Stored | None = None
) -> dict[int, Facts]:
    """What the rules look at in these leads; at most four queries per 1,000."""
    return facts_of(leads, properties=rules.properties, tz=tz, stored=stored)


@dataclass(frozen=True, slots=True)
class Shown:
    """A lead's score on a company day, with the version that gives it."""

    score: Score
    version: int
    given: LeadScore

    @property
    def told(self) -> dict[str, object]:
        """Total and reasons, as the API and other systems are told them."""
        return {"total": self.score.total, "reasons": told(self.score.reasons)}


def shown_scores(lead_ids: Collection[int], on: date, tz: ZoneInfo) -> dict[int, Shown]:
    """The scores of leads on a company day, whether or not a sweep has been there; leads never scored are left out.

    One query, and up to six more where facts must be looked at again. Scores of before decay by company day stay as
    they were given: in the present the next sweep gives them anew.
    """
    newest = LeadScore.objects.filter(lead__in=lead_ids).values("lead").annotate(newest=Max("pk")).values("newest")
    rows = LeadScore.objects.filter(pk__in=newest).select_related("rule_set")
    given = {row.lead_id: row for row in rows.annotate(shown=F("lead__shown"), turns_on=F("lead__shown__turns_on"))}
    sets: dict[int, RuleSet] = {}
    stale: list[int] = []
    found: dict[int, Shown] = {}
    for lead_id, row in given.items():
        turn: date | None = row.turns_on
        if not is_aging(row.reasons):
            found[lead_id] = Shown(_as_given(row), row.rule_set.version, row)
            continue
        if row.shown is None or (turn and turn <= on):
            stale.append(lead_id)
            continue
        rules = sets.setdefault(row.rule_set_id, with_limits(row.rule_set, ()))
        found[lead_id] = Shown(score_on(row.reasons, rules, on, turn), row.rule_set.version, row)
    if stale and (active := active_rule_set()):
        scorer = Scorer(rule_set_of(active))
        for lead_id, facts in scoring_facts(stale, scorer.rule_set, tz).items():
            found[lead_id] = Shown(scorer(facts, on), active.version, given[lead_id])
    return found


def scores_as_shown(lead_ids: Collection[int]) -> dict[int, Score]:
    """The scores that leads bear in their own column, whose reasons add up to it. One query."""
    found: dict[int, Score] = {}
    sets: dict[int, RuleSet] = {}
    for row in ShownScore.objects.filter(lead__in=lead_ids).select_related("given__rule_set"):
        given = row.given
        if not is_aging(given.reasons):
            found[row.lead_id] = _as_given(given)
            continue
        rules = sets.setdefault(given.rule_set_id, with_limits(given.rule_set, ()))
        found[row.lead_id] = score_on(given.reasons, rules, row.computed_on, row.turns_on)
    return found


def bring_up_to_date(leads: Collection[Lead], on: date, tz: ZoneInfo) -> None:
    """Let these leads, as they were read, bear the score of a company day where no sweep has been there yet.

    One query while nothing is due, as nearly always.
    """
    due = set(ShownScore.objects.due(on).filter(lead__in=[lead.pk for lead in leads]).values_list("lead", flat=True))
    scores = shown_scores(due, on, tz) if due else {}
    for lead in leads:
        if shown := scores.get(lead.pk):
            lead.score = shown.score.total


def _as_given(row: LeadScore) -> Score:
    reasons = tuple(Reason(each["rule"], each["points"], each["because"]) for each in row.reasons)
    return Score(row.total, row.fit, row.behaviour, reasons, row.is_qualified)
