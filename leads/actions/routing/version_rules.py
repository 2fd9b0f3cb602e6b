"""Versions of the territory rules: drafts, dated activation, roll-back. Who did it and why is kept with each."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from leads.actions.routing.edit_rules import RuleRefused
from leads.actions.routing.reroute_leads import request_reroute
from leads.models import RoutingVersion, TerritoryRule, User
from leads.past.acting import Door, act, acting

State = RoutingVersion.State


@transaction.atomic
def copy_version(*, number: int, by: User | None, at: datetime, note: str = "") -> RoutingVersion:
    """A draft with the rules of a version. Raises RoutingVersion.DoesNotExist."""
    _lock_versions()
    original = RoutingVersion.objects.get(number=number)
    latest = RoutingVersion.objects.aggregate(latest=Max("number"))["latest"]
    draft = RoutingVersion.objects.create(number=latest + 1, note=note, based_on=original, created_by=by, created_at=at)
    rules = list(original.rules.order_by("position"))
    for place, rule in enumerate(rules, start=1):
        rule.pk, rule.version, rule.position = None, draft, place
        rule._state.adding = True
    TerritoryRule.objects.bulk_create(rules)
    return draft


@transaction.atomic
def remove_draft(*, number: int) -> None:
    """Throw a draft away. Raises RuleRefused."""
    _lock_versions()
    version = _of(number, State.DRAFT)
    version.delete()


@transaction.atomic
def schedule_version(
    *, number: int, activates_at: datetime, note: str, moves_leads: bool, by: User, at: datetime
) -> RoutingVersion:
    """Activate a draft now, or at a moment to come; a beat does the latter. Raises RuleRefused."""
    _lock_versions()
    draft = _of(number, State.DRAFT)
    note = note.strip()
    if not note:
        raise RuleRefused("Say why: the reason is kept with the version.")
    planned = RoutingVersion.objects.filter(state=State.SCHEDULED).first()
    if planned is not None:
        raise RuleRefused(f"{planned} is scheduled already: cancel that first.")
    draft.note, draft.moves_leads, draft.activates_at, draft.activated_by = note, moves_leads, activates_at, by
    draft.state = State.SCHEDULED
    draft.save(update_fields=["note", "moves_leads", "activates_at", "activated_by", "state"])
    return _activate(draft, at) if activates_at <= at else draft


@transaction.atomic
def cancel_schedule(*, number: int) -> RoutingVersion:
    """Make a scheduled version a draft again. Raises RuleRefused."""
    _lock_versions()
    version = _of(number, State.SCHEDULED)
    version.state, version.activates_at = State.DRAFT, None
    version.save(update_fields=["state", "activates_at"])
    return version


def activate_due_version(*, at: datetime) -> RoutingVersion | None:
    """Activate the version whose moment has come; several may ask at once."""
    if not RoutingVersion.objects.filter(state=State.SCHEDULED, activates_at__lte=at).exists():
        return None
    with transaction.atomic():
        _lock_versions()
        due = RoutingVersion.objects.filter(state=State.SCHEDULED, activates_at__lte=at).first()
        return _activate(due, at) if due else None


@transaction.atomic
def roll_back(*, number: int, note: str, by: User, at: datetime) -> RoutingVersion:
    """Put the rules of an earlier version in force again, as a new version. Raises RuleRefused."""
    _lock_versions()
    earlier = _of(number, State.RETIRED)
    if not note.strip():
        raise RuleRefused("Say why: the reason is kept with the version.")
    if RoutingVersion.objects.filter(state=State.SCHEDULED).exists():
        raise RuleRefused("A version is scheduled: cancel that first.")
    draft = copy_version(number=number, by=by, at=at, note=f"Back to {str(earlier).lower()}: {note.strip()}"[:300])
    draft.activated_by = by
    return _activate(draft, at)


def _activate(version: RoutingVersion, at: datetime) -> RoutingVersion:
    who = version.activated_by
    source = f"territory rules, version {version.number}"
    with act(Door.RULE, actor=who.pk if who else None, source=source, because=acting().because or "Scheduled"):
        RoutingVersion.objects.filter(state=State.ACTIVE).update(state=State.RETIRED)
        version.state, version.activated_at = State.ACTIVE, at
        version.save(update_fields=["state", "activated_at", "activated_by"])
        if version.moves_leads:
            request_reroute(version=version, by=who, at=at)
    return version


def _of(number: int, state: str) -> RoutingVersion:
    version = RoutingVersion.objects.filter(number=number).first()
    if version is None:
        raise RuleRefused("There is no such version.")
    if version.state != state:
        raise RuleRefused(f"{version} is {version.get_state_display().lower()}.")
    return version


def _lock_versions() -> None:
    """Numbering and activating look at all versions, so one person at a time does either.

    The rows themselves are fetched: Django drops FOR UPDATE from an aggregate in silence.
    """
    list(RoutingVersion.objects.select_for_update().order_by("pk").values_list("pk"))
