"""The mapping of a connection."""

from __future__ import annotations

from integrations.connectors import rules as vendor_rules
from integrations.connectors.base import Kind
from integrations.models import Connection, FieldMap
from integrations.pure.mapping import Direction, FieldRule, Policy

KINDS: tuple[Kind, ...] = ("person", "account", "deal")


def rules_of(connection: Connection) -> dict[Kind, tuple[FieldRule, ...]]:
    """The mapping of a connection by kind: what its admin chose, else what its connector brings."""
    chosen: dict[str, list[FieldRule]] = {}
    for row in FieldMap.objects.filter(connection=connection).order_by("position", "pk"):
        rule = FieldRule(row.local, row.remote, Direction(row.direction), Policy(row.policy))
        chosen.setdefault(row.kind, []).append(rule)
    shipped = vendor_rules(connection.kind)
    return {kind: tuple(chosen.get(kind) or shipped.get(kind, ())) for kind in KINDS}
