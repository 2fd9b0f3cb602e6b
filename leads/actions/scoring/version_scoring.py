"""New versions of the scoring rules. An activated version never changes, so old scores stay explainable."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from leads.models import ScoringRule, ScoringRuleSet
from leads.past.acting import Door, act, acting
from leads.pure.refused import Refused


class NotADraft(Refused):
    """Only a draft can be activated."""


@transaction.atomic
def copy_rule_set(*, rule_set_id: int) -> ScoringRuleSet:
    """Make a draft with the thresholds and rules of an existing version."""
    _lock_versions()
    original = ScoringRuleSet.objects.get(pk=rule_set_id)
    rules = list(original.rules.all())
    latest = ScoringRuleSet.objects.aggregate(latest=Max("version"))["latest"]
    draft = ScoringRuleSet.objects.create(
        version=latest + 1,
        fit_threshold=original.fit_threshold,
        behaviour_threshold=original.behaviour_threshold,
        fit_cap=original.fit_cap,
        behaviour_cap=original.behaviour_cap,
        half_life_days=original.half_life_days,
        note=f"Copy of version {original.version}",
    )
    for rule in rules:
        rule.pk, rule.rule_set = None, draft
        rule._state.adding = True
    ScoringRule.objects.bulk_create(rules)
    return draft


@transaction.atomic
def activate_rule_set(*, rule_set_id: int, at: datetime) -> ScoringRuleSet:
    """Retire the active version and make a draft active. Raises NotADraft."""
    _lock_versions()
    draft = ScoringRuleSet.objects.get(pk=rule_set_id)
    if draft.state != ScoringRuleSet.State.DRAFT:
        raise NotADraft(f"Version {draft.version} is {draft.state}, not a draft.")
    with act(Door.RULE, source=f"scoring rules, version {draft.version}", because=acting().because):
        ScoringRuleSet.objects.filter(state=ScoringRuleSet.State.ACTIVE).update(state=ScoringRuleSet.State.RETIRED)
        draft.state, draft.activated_at = ScoringRuleSet.State.ACTIVE, at
        draft.save(update_fields=["state", "activated_at"])
    return draft


def _lock_versions() -> None:
    """Numbering and activating look at all versions, so one person at a time does either.

    The rows themselves are fetched: Django drops FOR UPDATE from an aggregate in silence.
    """
    list(ScoringRuleSet.objects.select_for_update().order_by("pk").values_list("pk"))
