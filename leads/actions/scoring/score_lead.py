"""Score: give leads their points with the reasons, and make MQLs of those that meet both thresholds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import transaction
from django.db.models import Max

from leads.actions.insert_rows import insert_rows
from leads.actions.lead_changes import LeadChanges, collected
from leads.models import (
    Lead,
    LeadEvent,
    LeadScore,
    LifecyclePassage,
    ScoringRuleSet,
    ShownScore,
    Stage,
    Touchpoint,
)
from leads.pure.capture.captured import SUBSCRIBER_KINDS
from leads.pure.scoring.score import Score
from leads.pure.scoring.stored import is_aging, score_on, to_stored
from leads.queries.scoring import Rules, Shown, ready_rules, scoring_facts

_SHOWN = ["given", "fit", "behaviour", "total", "computed_on", "turns_on", "changes_on"]


@dataclass(frozen=True, slots=True)
class Scored:
    """What scoring did: how many scores are new, the leads that became MQLs, and what is shown of each, by lead."""

    changed: int = 0
    qualified: tuple[Lead, ...] = ()
    shown: Mapping[int, Shown] = field(default_factory=dict)


def score_leads(
    *,
    leads: Sequence[Lead],
    at: datetime,
    rules: Rules | None = None,
    because: str = "",
    changes: LeadChanges | None = None,
) -> Scored:
    """Score leads whose rows the caller has locked; a score that differs in nothing but age is not written again.

    ``because`` is added to the reason of passages to MQL. With ``changes`` the caller writes what changes of the leads.
    """
    if not leads:
        return Scored()
    rules = rules or ready_rules()
    if rules is None:
        return Scored()
    on = at.astimezone(rules.tz).date()
    new: dict[int, LeadScore] = {}
    told: set[int] = set()
    with transaction.atomic(savepoint=False), collected(at, changes) as wanted:
        facts = scoring_facts(leads, rules.scorer.rule_set, rules.tz, wanted.stored)
        last = _last_scores(wanted.known(leads))
        results = {lead.pk: rules.scorer(facts[lead.pk], on) for lead in leads}
        for lead in leads:
            score, before = _row(lead, rules.row, results[lead.pk], at), last.get(lead.pk)
            if before is None or not _is_same(before, results[lead.pk], rules, on):
                new[lead.pk] = score
                if before is None or lead.score != score.total:
                    details = {"from": lead.score if before else None, "to": score.total}
                    wanted.tell(lead, LeadEvent.Kind.SCORED, details)
                    told.add(lead.pk)
        insert_rows(new.values())
        given = {pk: new.get(pk) or last[pk] for pk in results}
        shown_now = {pk: result for pk, result in results.items() if pk not in wanted.stored}
        show_scores(results=shown_now, given=given, on=on)
        for pk, result in results.items():
            if pk in wanted.stored:
                wanted.add(_shown(pk, result, given[pk], on))
        version = rules.row.version
        shown = {pk: Shown(result, version, given[pk]) for pk, result in results.items()}
        for lead in leads:
            # What an event tells is a change that other systems should know of; mere decay is not.
            if lead.pk in told:
                wanted.set(lead, score=results[lead.pk].total, changed_at=at)
            elif lead.score != results[lead.pk].total:
                wanted.set(lead, score=results[lead.pk].total)
        met = [lead for lead in leads if results[lead.pk].is_qualified]
        qualified = tuple(_qualify(met, results, rules, because, wanted))
        return Scored(len(new), qualified, shown)


def show_scores(*, results: dict[int, Score], given: dict[int, LeadScore], on: date) -> None:
    """Keep what is shown of each lead's score, and when it changes next."""
    ShownScore.objects.bulk_create(
        (_shown(pk, result, given[pk], on) for pk, result in results.items()),
        batch_size=500,
        update_conflicts=True,
        unique_fields=["lead"],
        update_fields=_SHOWN,
    )


def _shown(lead_id: int, result: Score, given: LeadScore, on: date) -> ShownScore:
    return ShownScore(
        lead_id=lead_id,
        given=given,
        fit=result.fit,
        behaviour=result.behaviour,
        total=result.total,
        computed_on=on,
        turns_on=result.turns_on,
        changes_on=result.changes_on,
    )


def _row(lead: Lead, rule_set: ScoringRuleSet, result: Score, at: datetime) -> LeadScore:
    return LeadScore(
        lead=lead,
        rule_set=rule_set,
        total=result.total,
        fit=result.fit,
        behaviour=result.behaviour,
        is_qualified=result.is_qualified,
        reasons=to_stored(result),
        scored_at=at,
    )


def _last_scores(leads: Sequence[Lead]) -> dict[int, LeadScore]:
    if not leads:
        return {}
    newest = LeadScore.objects.filter(lead__in=leads).values("lead").annotate(newest=Max("pk")).values("newest")
    return {score.lead_id: score for score in LeadScore.objects.filter(pk__in=newest)}


def _is_same(before: LeadScore, now: Score, rules: Rules, on: date) -> bool:
    """Whether the newest stored score says the same, once it is as old as today."""
    if before.rule_set_id != rules.row.pk or not is_aging(before.reasons):
        return False
    then = score_on(before.reasons, rules.scorer.rule_set, on, now.turns_on)
    said = [(reason.rule_id, reason.points, reason.days) for reason in then.counted]
    return said == [(reason.rule_id, reason.points, reason.days) for reason in now.counted]


def _qualify(
    leads: Sequence[Lead], results: dict[int, Score], rules: Rules, because: str, changes: LeadChanges
) -> Iterable[Lead]:
    returning = _returning([lead for lead in leads if lead.stage == Stage.RECYCLED])
    passed = []
    for lead in leads:
        # Subscribers only asked for mail, and whom sales ruled out stays out until a person says otherwise.
        if lead.stage == Stage.LEAD or (lead.stage == Stage.RECYCLED and lead.pk in returning):
            score = results[lead.pk]
            why = (
                f"fit {score.fit} and behavior {score.behaviour} meet version {rules.row.version}'s thresholds{because}"
            )
            changes.pass_stage(lead, Stage.MQL, why)
            passed.append(lead)
    return passed


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
