"""Change the order in which territory rules are tried."""

from __future__ import annotations

from django.db import transaction

from leads.models import TerritoryRule


@transaction.atomic
def move_rule(*, rule_id: int, is_up: bool) -> bool:
    """Swap a rule with its neighbor; returns False at the end of the list.

    Positions are unique, so the swap passes through a position nobody uses.
    """
    rule = TerritoryRule.objects.select_for_update().get(pk=rule_id)
    others = TerritoryRule.objects.select_for_update()
    neighbor = (
        others.filter(position__lt=rule.position).order_by("-position").first()
        if is_up
        else others.filter(position__gt=rule.position).order_by("position").first()
    )
    if neighbor is None:
        return False
    own, theirs = rule.position, neighbor.position
    free = others.order_by("-position").values_list("position", flat=True)[0] + 1
    for moved, position in ((rule, free), (neighbor, own), (rule, theirs)):
        moved.position = position
        moved.save(update_fields=["position"])
    return True
