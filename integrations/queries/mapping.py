"""The mapping of a connection."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, cast

from integrations.connectors import rules as vendor_rules
from integrations.connectors.base import Kind, Schema, SchemaField
from integrations.models import Connection, FieldMap, RemoteSchema
from integrations.pure.mapping import Direction, FieldRule, Policy

KINDS: tuple[Kind, ...] = ("person", "account", "deal")


def rules_of(connection: Connection) -> dict[Kind, tuple[FieldRule, ...]]:
    """The mapping of a connection by kind: what its admin chose, else what its connector brings."""
    chosen: dict[str, list[FieldRule]] = {}
    for row in FieldMap.objects.filter(connection=connection).order_by("position", "pk"):
        values = tuple((str(ours), str(theirs)) for ours, theirs in row.values.items())
        rule = FieldRule(row.local, row.remote, Direction(row.direction), Policy(row.policy), values)
        chosen.setdefault(row.kind, []).append(rule)
    shipped = vendor_rules(connection.kind)
    return {kind: tuple(chosen.get(kind) or shipped.get(kind, ())) for kind in KINDS}


def schemas_of(connection: Connection) -> dict[Kind, Schema]:
    """The fields of each kind as the CRM described them last; kinds that nobody asked for are absent."""
    known = {each.name for each in fields(SchemaField)}
    found: dict[Kind, Schema] = {}
    for row in RemoteSchema.objects.filter(connection=connection):
        told = [{name: value for name, value in each.items() if name in known} for each in row.fields]
        kind = cast(Kind, row.kind)
        found[kind] = Schema(kind, tuple(_field(each) for each in told))
    return found


def _field(told: dict[str, Any]) -> SchemaField:
    choices = tuple((str(value), str(label)) for value, label in told.pop("choices", ()))
    return SchemaField(**told, choices=choices)
