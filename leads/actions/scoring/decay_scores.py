"""Decay: bring what is shown of scores to the company day, and write only what is another score than yesterday."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from leads.actions.lead_changes import LeadChanges
from leads.actions.scoring.score_lead import score_leads, show_scores
from leads.models import Lead, LeadScore, ShownScore, Stage
from leads.past.acting import Door, act
from leads.pure.scoring.rules import RuleSet
from leads.pure.scoring.score import Score
from leads.pure.scoring.stored import is_aging, score_on
from leads.queries.scoring import Rules, ready_rules, with_limits

BATCH = 250  # so long nobody else writes on SQLite
# From where a lead that meets the thresholds is passed on; see `score_leads`.
_BEFORE_MQL = (Stage.LEAD, Stage.RECYCLED)


def decay_scores(*, at: datetime) -> int:
    """Look at every score whose day has come; returns how many are shown otherwise than before.

    Batches are transactions of their own, and a lead that somebody else holds is left for the next sweep. Leads that
    meet the thresholds now (a penalty has decayed) are handed to the intake. Repeating it changes nothing.
    """
    rules = ready_rules()
    if rules is None:
        return 0
    on, changed, last = at.astimezone(rules.tz).date(), 0, 0
    with act(Door.JOB, source="Score decay", because="Scheduled work"):
        while ids := _due(on, last):
            last = ids[-1]
            changed += _batch(ids, rules, on, at)
    return changed


def _due(on: date, after: int) -> list[int]:
    rows = ShownScore.objects.due(on).of_live_leads().filter(lead__gt=after)
    return list(rows.order_by("lead").values_list("lead", flat=True)[:BATCH])


def _batch(ids: list[int], rules: Rules, on: date, at: datetime) -> int:
    with transaction.atomic():
        # The leads first, as the intake does, so that the two never wait for each other.
        leads = Lead.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk__in=ids)
        held = {lead.pk: lead for lead in leads.select_related("account", "channel").order_by("pk")}
        shown = ShownScore.objects.due(on).filter(lead__in=held).select_related("given__rule_set")
        limits: dict[int, RuleSet] = {}
        results: dict[int, Score] = {}
        given: dict[int, LeadScore] = {}
        stale: list[Lead] = []
        before: dict[int, tuple[int, int]] = {}
        for row in shown:
            before[row.lead_id] = (row.fit, row.behaviour)
            is_over = row.turns_on is not None and row.turns_on <= on
            if is_over or row.given.rule_set_id != rules.row.pk or not is_aging(row.given.reasons):
                stale.append(held[row.lead_id])
                continue
            limit = limits.setdefault(row.given.rule_set_id, with_limits(row.given.rule_set, ()))
            results[row.lead_id] = score_on(row.given.reasons, limit, on, row.turns_on)
            given[row.lead_id] = row.given
        show_scores(results=results, given=given, on=on)
        changes = LeadChanges(at)
        for pk, result in results.items():
            if held[pk].score != result.total:
                changes.set(held[pk], score=result.total)
            if result.is_qualified and held[pk].stage in _BEFORE_MQL:
                changes.set(held[pk], intake_due_at=at)
        scored = score_leads(leads=stale, at=at, rules=rules, because=", as time has passed", changes=changes)
        for lead in scored.qualified:
            changes.set(lead, intake_due_at=at)
        changes.write()
        moved = sum((result.fit, result.behaviour) != before[pk] for pk, result in results.items())
        return moved + scored.changed
