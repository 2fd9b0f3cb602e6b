"""Put a territory rule at a place in the order in which rules are tried."""

from __future__ import annotations

from django.db import transaction

from leads.models import TerritoryRule


@transaction.atomic
def place_rule(*, rule_id: int, place: int) -> bool:
    """Move a rule to a place, 1 is tried first; beyond the last it becomes the last. Returns whether anything moved.

    The others keep their order. Positions are unique, so rules pass through positions that nobody uses.
    Raises TerritoryRule.DoesNotExist.
    """
    # All of them, in one order, as in move_rule: two people at once would else wait for each other.
    rules = sorted(TerritoryRule.objects.select_for_update().order_by("pk"), key=lambda row: row.position)
    moved = next((row for row in rules if row.pk == rule_id), None)
    if moved is None:
        raise TerritoryRule.DoesNotExist(f"There is no rule {rule_id}.")
    ordered = [row for row in rules if row is not moved]
    ordered.insert(min(max(place, 1), len(rules)) - 1, moved)
    positions = [row.position for row in rules]
    changed = [(row, position) for row, position in zip(ordered, positions, strict=True) if row.position != position]
    free = positions[-1] + 1
    for number, (row, _) in enumerate(changed):
        TerritoryRule.objects.filter(pk=row.pk).update(position=free + number)
    for row, position in changed:
        row.position = position
        row.save(update_fields=["position"])
    return bool(changed)
