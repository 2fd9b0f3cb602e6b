"""Change a draft of the scoring rules: its limits, its rules and their order."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Max

from leads.actions.scoring.version_scoring import NotADraft
from leads.models import ScoringRule, ScoringRuleSet
from leads.pure.conditions.grammar import Group, to_json
from leads.pure.scoring.rules import Rule

LIMITS = ("fit_threshold", "behaviour_threshold", "fit_cap", "behaviour_cap", "half_life_days", "note")


@dataclass(frozen=True, slots=True)
class RuleValues:
    """A rule as a person edits it."""

    name: str
    side: str
    when: Group
    points: int
    max_times: int = 1
    half_life_days: int | None = None
    is_enabled: bool = True


@transaction.atomic
def save_limits(
    *,
    rule_set_id: int,
    fit_threshold: int,
    behaviour_threshold: int,
    fit_cap: int,
    behaviour_cap: int,
    half_life_days: int | None,
    note: str,
) -> ScoringRuleSet:
    """Thresholds, caps, half-life and note of a draft. Raises NotADraft."""
    draft = _draft(rule_set_id)
    draft.fit_threshold, draft.behaviour_threshold = fit_threshold, behaviour_threshold
    draft.fit_cap, draft.behaviour_cap = fit_cap, behaviour_cap
    draft.half_life_days, draft.note = half_life_days, note[:300]
    draft.save(update_fields=LIMITS)
    return draft


@transaction.atomic
def save_rule(*, rule_set_id: int, values: RuleValues, rule_id: int | None = None) -> ScoringRule:
    """Add a rule to a draft, or change one of it. Raises NotADraft, InvalidRule, ScoringRule.DoesNotExist."""
    draft = _draft(rule_set_id)
    side = "fit" if values.side == ScoringRule.Group.FIT else "behaviour"
    # The value itself refuses what can never be scored.
    Rule(
        0,
        values.name,
        "fit" if side == "fit" else "behaviour",
        values.when,
        values.points,
        values.max_times,
        values.half_life_days,
    )
    row = ScoringRule.objects.get(pk=rule_id, rule_set=draft) if rule_id else ScoringRule(rule_set=draft)
    if row.pk is None or row.group != side:
        last = ScoringRule.objects.filter(rule_set=draft).aggregate(last=Max("position"))["last"]
        row.position = 0 if last is None else last + 1
    row.group, row.name, row.conditions = side, values.name, to_json(values.when)
    row.points, row.max_times = values.points, values.max_times
    row.half_life_days, row.is_enabled = values.half_life_days, values.is_enabled
    row.save()
    return row


@transaction.atomic
def remove_rule(*, rule_set_id: int, rule_id: int) -> None:
    """Take a rule out of a draft. Raises NotADraft, ScoringRule.DoesNotExist."""
    ScoringRule.objects.get(pk=rule_id, rule_set=_draft(rule_set_id)).delete()


@transaction.atomic
def switch_rule(*, rule_set_id: int, rule_id: int, is_enabled: bool) -> ScoringRule:
    """Enable or disable a rule of a draft. Raises NotADraft, ScoringRule.DoesNotExist."""
    row = ScoringRule.objects.get(pk=rule_id, rule_set=_draft(rule_set_id))
    row.is_enabled = is_enabled
    row.save(update_fields=["is_enabled"])
    return row


@transaction.atomic
def move_rule(*, rule_set_id: int, rule_id: int, is_up: bool) -> None:
    """One place up or down among the rules of its group; at the end nothing happens.

    Raises NotADraft, ScoringRule.DoesNotExist.
    """
    draft = _draft(rule_set_id)
    moved = ScoringRule.objects.get(pk=rule_id, rule_set=draft)
    rows = list(ScoringRule.objects.filter(rule_set=draft).order_by("position", "pk"))
    mine = [row for row in rows if row.group == moved.group]
    place = next(place for place, row in enumerate(mine) if row.pk == rule_id)
    other = place - 1 if is_up else place + 1
    if not 0 <= other < len(mine):
        return
    ordered = [row.pk for row in rows]
    a, b = ordered.index(mine[place].pk), ordered.index(mine[other].pk)
    ordered[a], ordered[b] = ordered[b], ordered[a]
    by_key = {row.pk: row for row in rows}
    for position, pk in enumerate(ordered):
        by_key[pk].position = position
    ScoringRule.objects.bulk_update(rows, ["position"])


def _draft(rule_set_id: int) -> ScoringRuleSet:
    row = ScoringRuleSet.objects.select_for_update().get(pk=rule_set_id)
    if row.state != ScoringRuleSet.State.DRAFT:
        raise NotADraft(f"Version {row.version} is {row.state}: copy it to a draft to change it.")
    return row
