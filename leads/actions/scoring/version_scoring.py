"""Versions of the scoring rules: copied, activated at once or on a day, rolled back, discarded.

A version that was ever active never changes, so that old scores stay explainable.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import Max

from leads.actions.scoring.rescore_leads import request_rescore
from leads.models import ScoringRule, ScoringRuleSet, User
from leads.past.acting import Door, act, acting
from leads.pure.conditions.grammar import check
from leads.pure.refused import Refused
from leads.pure.scoring.rules import SCORED
from leads.queries.scoring import rule_of

log = structlog.get_logger(__name__)

State = ScoringRuleSet.State


class NotADraft(Refused):
    """Only a draft can be changed or activated."""


class VersionRefused(Refused):
    """The version cannot be activated or rolled back to so; the message tells why."""


@transaction.atomic
def copy_rule_set(
    *, rule_set_id: int, by: User | None = None, at: datetime | None = None, note: str = ""
) -> ScoringRuleSet:
    """Make a draft with the thresholds and rules of an existing version."""
    lock_versions()
    original = ScoringRuleSet.objects.get(pk=rule_set_id)
    return _copy(original, by=by, at=at, note=note or f"Copy of version {original.version}")


@transaction.atomic
def activate_rule_set(*, rule_set_id: int, at: datetime, by: User | None = None, why: str = "") -> ScoringRuleSet:
    """Retire the active version, make a draft active and ask for every lead to be scored by it.

    Raises NotADraft, VersionRefused.
    """
    lock_versions()
    draft = ScoringRuleSet.objects.get(pk=rule_set_id)
    if draft.state not in (State.DRAFT, State.SCHEDULED):
        raise NotADraft(f"Version {draft.version} is {draft.state}, not a draft.")
    check_rules(rule_set=draft)
    return _activate(draft, by=by, at=at, why=why)


@transaction.atomic
def schedule_rule_set(
    *, rule_set_id: int, activates_at: datetime, by: User | None, at: datetime, why: str
) -> ScoringRuleSet:
    """Activate a draft at a later moment; it cannot be edited meanwhile. Raises NotADraft, VersionRefused."""
    lock_versions()
    draft = ScoringRuleSet.objects.get(pk=rule_set_id)
    if draft.state != State.DRAFT:
        raise NotADraft(f"Version {draft.version} is {draft.state}, not a draft.")
    if activates_at <= at:
        raise VersionRefused("Choose a moment in the future, or activate the version now.")
    other = ScoringRuleSet.objects.filter(state=State.SCHEDULED).first()
    if other is not None:
        raise VersionRefused(f"Version {other.version} is scheduled already. Cancel that first.")
    check_rules(rule_set=draft)
    draft.state, draft.activates_at, draft.activated_by, draft.why = State.SCHEDULED, activates_at, by, why[:300]
    draft.save(update_fields=["state", "activates_at", "activated_by", "why"])
    return draft


@transaction.atomic
def cancel_schedule(*, rule_set_id: int) -> ScoringRuleSet:
    """Make a scheduled version a draft again. Raises VersionRefused."""
    lock_versions()
    row = ScoringRuleSet.objects.get(pk=rule_set_id)
    if row.state != State.SCHEDULED:
        raise VersionRefused(f"Version {row.version} is not scheduled.")
    row.state, row.activates_at, row.activated_by, row.why = State.DRAFT, None, None, ""
    row.save(update_fields=["state", "activates_at", "activated_by", "why"])
    return row


def activate_due(*, at: datetime) -> list[ScoringRuleSet]:
    """Activate what is scheduled up to now, oldest first. What is refused is logged and stays scheduled."""
    due = ScoringRuleSet.objects.filter(state=State.SCHEDULED, activates_at__lte=at).order_by("activates_at", "pk")
    activated = []
    for row in due.select_related("activated_by"):
        try:
            activated.append(activate_rule_set(rule_set_id=row.pk, at=at, by=row.activated_by, why=row.why))
        except Refused as refused:  # another beat was faster, or a rule became invalid
            log.warning("scoring_version_not_activated", version=row.version, why=str(refused))
    return activated


@transaction.atomic
def roll_back(*, rule_set_id: int, by: User | None, at: datetime, why: str) -> ScoringRuleSet:
    """Put the rules of an earlier version in force again, as a new version. Raises VersionRefused."""
    lock_versions()
    earlier = ScoringRuleSet.objects.get(pk=rule_set_id)
    if earlier.state != State.RETIRED:
        raise VersionRefused(
            f"Version {earlier.version} is {earlier.state}: only one that was active can be rolled back to."
        )
    again = _copy(earlier, by=by, at=at, note=f"Rolled back to version {earlier.version}"[:300])
    again.is_roll_back = True
    again.save(update_fields=["is_roll_back"])
    return _activate(again, by=by, at=at, why=why)


@transaction.atomic
def discard_draft(*, rule_set_id: int) -> None:
    """Delete a draft. Raises NotADraft."""
    lock_versions()
    row = ScoringRuleSet.objects.get(pk=rule_set_id)
    if row.state != State.DRAFT:
        raise NotADraft(f"Version {row.version} is {row.state}, not a draft.")
    row.delete()


def check_rules(*, rule_set: ScoringRuleSet) -> None:
    """Raises VersionRefused naming the first rule that can never be scored, or when no rule is enabled."""
    rows = list(ScoringRule.objects.filter(rule_set=rule_set, is_enabled=True).order_by("position", "pk"))
    if not rows:
        raise VersionRefused("The version has no enabled rule.")
    for row in rows:
        try:
            check(rule_of(row).when, SCORED)
        except Refused as refused:
            raise VersionRefused(f"Rule “{row.name}”: {refused}") from refused


def lock_versions() -> None:
    """Numbering and activating look at all versions, so one person at a time does either.

    The rows themselves are fetched: Django drops FOR UPDATE from an aggregate in silence.
    """
    list(ScoringRuleSet.objects.select_for_update().order_by("pk").values_list("pk"))


def _copy(original: ScoringRuleSet, *, by: User | None, at: datetime | None, note: str) -> ScoringRuleSet:
    latest = ScoringRuleSet.objects.aggregate(latest=Max("version"))["latest"]
    draft = ScoringRuleSet.objects.create(
        version=latest + 1,
        fit_threshold=original.fit_threshold,
        behaviour_threshold=original.behaviour_threshold,
        fit_cap=original.fit_cap,
        behaviour_cap=original.behaviour_cap,
        half_life_days=original.half_life_days,
        note=note[:300],
        based_on=original,
        created_by=by,
        created_at=at,
    )
    rules = list(original.rules.order_by("position", "pk"))
    for rule in rules:
        rule.pk, rule.rule_set = None, draft
        rule._state.adding = True
    ScoringRule.objects.bulk_create(rules)
    return draft


def _activate(draft: ScoringRuleSet, *, by: User | None, at: datetime, why: str) -> ScoringRuleSet:
    with act(Door.RULE, source=f"scoring rules, version {draft.version}", because=why or acting().because):
        ScoringRuleSet.objects.filter(state=State.ACTIVE).update(state=State.RETIRED)
        draft.state, draft.activated_at, draft.activated_by, draft.why = State.ACTIVE, at, by, why[:300]
        draft.save(update_fields=["state", "activated_at", "activated_by", "why"])
        request_rescore(rule_set=draft, by=by, at=at)
    return draft
