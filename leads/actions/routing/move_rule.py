"""Change the order in which territory rules are tried."""

from __future__ import annotations

from django.db import transaction

from leads.models import TerritoryRule


@transaction.atomic
def move_rule(*, rule_id: int, is_up: bool) -> bool:
    """Swap a rule with its neighbor; False at the end of the list. Raises TerritoryRule.DoesNotExist.

    Positions are unique, so the swap passes through a position nobody uses.
    """
    # All of them, in one order: two people who swap neighbors would else wait for each other.
    rules = sorted(TerritoryRule.objects.select_for_update().order_by("pk"), key=lambda row: row.position)
    place = next((place for place, row in enumerate(rules) if row.pk == rule_id), None)
    if place is None:
        raise TerritoryRule.DoesNotExist(f"There is no rule {rule_id}.")
    aim = place - 1 if is_up else place + 1
    if not 0 <= aim < len(rules):
        return False
    rule, neighbor = rules[place], rules[aim]
    own, theirs, free = rule.position, neighbor.position, rules[-1].position + 1
    for moved, position in ((rule, free), (neighbor, own), (rule, theirs)):
        moved.position = position
        moved.save(update_fields=["position"])
    return True
