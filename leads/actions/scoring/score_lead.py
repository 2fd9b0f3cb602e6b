"""Score: give leads their points with the reasons, and make MQLs of those that meet both thresholds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Max

from leads.actions.pass_stage import pass_stage
from leads.models import (
    DETAILS,
    Lead,
    LeadEvent,
    LeadScore,
    LifecyclePassage,
    ScoringRule,
    ScoringRuleSet,
    Stage,
    Touchpoint,
)
from leads.pure import scoring
from leads.pure.capture.captured import SUBSCRIBER_KINDS

log = structlog.get_logger(__name__)


def score_leads(*, leads: Sequence[Lead], at: datetime) -> None:
    """Score leads whose rows the caller has locked; a score that did not change is not written again."""
    active = ScoringRuleSet.objects.filter(state=ScoringRuleSet.State.ACTIVE).first()
    if active is None or not leads:
        return
    rules = rule_set_of(active)
    events = _events(leads)
    last = _last_scores(leads)
    new: list[LeadScore] = []
    news: list[LeadEvent] = []
    with transaction.atomic(savepoint=False):
        for lead in leads:
            result = scoring.score(facts_of(lead, events.get(lead.pk, ())), rules, at)
            score = LeadScore(
                lead=lead,
                rule_set=active,
                total=result.total,
                fit=result.fit,
                behaviour=result.behaviour,
                is_qualified=result.is_qualified,
                reasons=[
                    {"rule": reason.rule, "points": reason.points, "because": reason.because}
                    for reason in result.reasons
                ],
                scored_at=at,
            )
            before = last.get(lead.pk)
            if before is None or _essence(before) != _essence(score):
                new.append(score)
                if before is None or before.total != score.total:
                    details = {"from": before.total if before else None, "to": score.total}
                    kind = LeadEvent.Kind.SCORED
                    news.append(LeadEvent(lead=lead, kind=kind, happened_at=at, recorded_at=at, details=details))
        LeadScore.objects.bulk_create(new)
        LeadEvent.objects.bulk_create(news)
        for score in new:
            if score.lead.score != score.total:
                Lead.objects.filter(pk=score.lead.pk).update(score=score.total, changed_at=at)
                score.lead.score = score.total
        qualified = {**last, **{score.lead_id: score for score in new}}
        _qualify([lead for lead in leads if qualified[lead.pk].is_qualified], qualified, at)


def rule_set_of(rule_set: ScoringRuleSet) -> scoring.RuleSet:
    """The pure rules of a version. A rule that can never be scored is left out and logged: it must not stop intake."""
    rules: list[scoring.Rule] = []
    for row in ScoringRule.objects.filter(rule_set=rule_set).order_by("position", "pk"):
        # Stored behaviour rules say "event:<kind>", so that admins can tell them from a lead's fields.
        field = row.field.removeprefix("event:")
        group: Any = row.group
        operator: Any = row.operator
        try:
            rules.append(scoring.Rule(row.pk, row.name, group, field, operator, row.value, row.points, row.max_times))
        except scoring.InvalidRule as error:
            log.warning("scoring_rule_left_out", rule=row.pk, why=str(error))
    return scoring.RuleSet(
        version=rule_set.version,
        rules=rules,
        fit_threshold=rule_set.fit_threshold,
        behaviour_threshold=rule_set.behaviour_threshold,
        fit_cap=rule_set.fit_cap,
        behaviour_cap=rule_set.behaviour_cap,
        half_life_days=rule_set.half_life_days,
    )


def facts_of(lead: Lead, events: Iterable[scoring.Event]) -> scoring.Facts:
    """What the rules look at: the lead's columns, its imported columns, its account, and what it did."""
    attributes: dict[str, object] = {**lead.attributes, **{name: getattr(lead, name) for name in DETAILS}}
    if lead.account:
        attributes["account"] = lead.account.domain or lead.account.name
        attributes["industry"] = lead.industry or lead.account.industry
        if lead.company_size is None:
            attributes["company_size"] = lead.account.company_size
    attributes["channel"] = lead.channel.key if lead.channel else ""
    return scoring.Facts(attributes, tuple(events))


def _events(leads: Sequence[Lead]) -> dict[int, list[scoring.Event]]:
    rows = Touchpoint.objects.genuine().filter(lead__in=leads).values_list("lead_id", "kind", "name", "occurred_at")
    events: dict[int, list[scoring.Event]] = {}
    for lead_id, kind, name, occurred_at in rows:
        events.setdefault(lead_id, []).append(scoring.Event(kind, name, occurred_at))
    return events


def _last_scores(leads: Sequence[Lead]) -> dict[int, LeadScore]:
    newest = LeadScore.objects.filter(lead__in=leads).values("lead").annotate(newest=Max("pk")).values("newest")
    return {score.lead_id: score for score in LeadScore.objects.filter(pk__in=newest)}


def _essence(score: LeadScore) -> tuple[object, ...]:
    """What makes a score another score; the wording of ages ("2 days ago") does not."""
    points = [(reason["rule"], reason["points"]) for reason in score.reasons]
    return score.rule_set_id, score.total, score.fit, score.behaviour, score.is_qualified, points


def _qualify(leads: Sequence[Lead], scores: dict[int, LeadScore], at: datetime) -> None:
    returning = _returning([lead for lead in leads if lead.stage == Stage.RECYCLED])
    for lead in leads:
        # Subscribers only asked for mail, and whom sales ruled out stays out until a person says otherwise.
        if lead.stage == Stage.LEAD or (lead.stage == Stage.RECYCLED and lead.pk in returning):
            score = scores[lead.pk]
            because = (
                f"fit {score.fit} and behavior {score.behaviour} meet version {score.rule_set.version}'s thresholds"
            )
            pass_stage(lead=lead, to=Stage.MQL, at=at, because=because)


def _returning(leads: Sequence[Lead]) -> set[int]:
    """Recycled leads that made an inquiry since sales sent them back; without one they would bounce at once."""
    if not leads:
        return set()
    sent_back = dict(
        LifecyclePassage.objects.filter(lead__in=leads, to_stage=Stage.RECYCLED)
        .values_list("lead")
        .annotate(newest=Max("passed_at"))
    )
    inquiries = (
        Touchpoint.objects.genuine()
        .filter(lead__in=leads)
        .exclude(kind__in=SUBSCRIBER_KINDS)
        .values_list("lead")
        .annotate(newest=Max("occurred_at"))
    )
    return {lead for lead, newest in inquiries if lead not in sent_back or newest > sent_back[lead]}
