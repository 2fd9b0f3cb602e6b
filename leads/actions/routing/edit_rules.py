"""Change the rules of a draft: save, remove, move. What was activated is never changed again."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Max

from leads.models import RoutingVersion, Territory, TerritoryRule
from leads.pure.conditions.grammar import Group, to_json
from leads.pure.refused import Refused


class RuleRefused(Refused):
    """The rule cannot be changed so; the message tells a person why."""


def hold_draft(*, number: int) -> RoutingVersion:
    """The draft, held for the rest of the transaction. Raises RuleRefused for any other version, or DoesNotExist."""
    version = RoutingVersion.objects.select_for_update().get(number=number)
    if not version.is_draft:
        raise RuleRefused(f"{version} is {version.get_state_display().lower()}: only drafts are changed.")
    return version


@transaction.atomic
def save_rule(
    *, number: int, territory: Territory, conditions: Group, name: str = "", is_active: bool = True, rule_id: int | None
) -> TerritoryRule:
    """Change a rule of a draft, or add one at the end (``rule_id`` None). Raises RuleRefused."""
    version = hold_draft(number=number)
    if not conditions.items:
        raise RuleRefused("A rule without a condition would take every lead: that is the catch-all's part.")
    if territory.is_catch_all:
        raise RuleRefused(f"{territory} takes what no rule matches: choose another territory.")
    values = {"territory": territory, "conditions": to_json(conditions), "name": name, "is_active": is_active}
    if rule_id is None:
        last = version.rules.aggregate(last=Max("position"))["last"] or 0
        return TerritoryRule.objects.create(version=version, position=last + 1, **values)
    if TerritoryRule.objects.filter(pk=rule_id, version=version).update(**values) != 1:
        raise RuleRefused("The rule is not there any more.")
    return TerritoryRule.objects.get(pk=rule_id)


@transaction.atomic
def remove_rule(*, number: int, rule_id: int) -> None:
    """Take a rule out of a draft; those after it move up. Raises RuleRefused."""
    version = hold_draft(number=number)
    TerritoryRule.objects.filter(pk=rule_id, version=version).delete()
    _number(list(version.rules.order_by("position")))


@transaction.atomic
def move_rule(*, number: int, rule_id: int, place: int) -> bool:
    """Move a rule of a draft to a place, 1 is tried first; beyond the last it becomes the last. Whether it moved.

    Raises RuleRefused.
    """
    version = hold_draft(number=number)
    rules = list(version.rules.order_by("position"))
    moved = next((rule for rule in rules if rule.pk == rule_id), None)
    if moved is None:
        raise RuleRefused("The rule is not there any more.")
    before = rules.index(moved)
    rules.remove(moved)
    rules.insert(min(max(place, 1), len(rules) + 1) - 1, moved)
    _number(rules)
    return rules.index(moved) != before


def _number(rules: list[TerritoryRule]) -> None:
    """Positions are unique in a version, so rules pass through positions that nobody uses."""
    changed = [(rule, place) for place, rule in enumerate(rules, start=1) if rule.position != place]
    free = max([len(rules), *(rule.position for rule in rules)]) + 1
    for number, (rule, _) in enumerate(changed):
        TerritoryRule.objects.filter(pk=rule.pk).update(position=free + number)
    for rule, place in changed:
        TerritoryRule.objects.filter(pk=rule.pk).update(position=place)
        rule.position = place
