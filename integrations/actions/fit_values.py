"""Fit values: what a connection's mapping and the CRM's described fields make of a value, either way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from integrations.connectors import vendor
from integrations.connectors.base import Kind, SchemaField
from integrations.models import Connection
from integrations.pure.mapping import FieldRule, MappingError, get_field
from integrations.pure.merging import agree
from integrations.pure.typed_values import FieldFacts, from_remote, is_same, to_remote
from integrations.queries.mapping import rules_of, schemas_of
from leads.models import Company

# Ids of the CRM's own, which nobody converts.
OPAQUE = ("owner", "stage")
# Where people live is written in many ways: one that the CRM has no code for is left out, and said.
MAY_MISS = ("region",)


@dataclass(slots=True)
class Sent:
    """One record on its way out: `problems` are (field, why) of values that the CRM's fields cannot take."""

    problems: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Fit:
    """The values of one kind of record of one connection."""

    def __init__(self, connection: Connection, kind: Kind) -> None:
        self.rules: Sequence[FieldRule] = rules_of(connection)[kind]
        schema = schemas_of(connection).get(kind)
        self.fields: dict[str, SchemaField] = schema.by_name() if schema else {}
        of_vendor = vendor(connection.kind)
        fills = of_vendor.fills
        self.absent = of_vendor.if_described - self.fields.keys()
        self.required = [each for each in self.fields.values() if each.is_required and each.is_writable]
        self.required = [each for each in self.required if each.name not in fills]
        self.asked = {each.name for each in self.required}
        self.currency = connection.currency or Company.current().currency

    def out(self, rule: FieldRule, value: Any, sent: Sent, *, as_contact: bool = False) -> tuple[str, Any] | None:
        """The name and value to send; None where the record has no place for it. Problems are noted in ``sent``."""
        if rule.remote in self.absent:
            return None
        told = self.fields.get(rule.remote)
        if as_contact and told is not None and not told.contact_name:
            return None
        name, facts = self._written(rule)
        if facts is None:
            return name, value
        if value is None or value == "":
            is_text = facts.type in ("text", "object", "choice", "choices", "mapped")
            return name, value if is_text else None
        try:
            fitted = to_remote(value, facts, currency=self.currency)
        except MappingError as error:
            why = str(error).removeprefix(f"{error.field}: ")
            if rule.local in MAY_MISS and name != rule.remote:
                sent.notes.append(f"{facts.label} was left out: {why}.")
                return None
            sent.problems.append((name, why))
            return None
        if fitted.note:
            sent.notes.append(fitted.note)
        return name, fitted.value

    def lacking(self, record: Mapping[str, Any]) -> tuple[str, str] | None:
        """The first field without which the CRM makes no record, and why, if this one does not fill it."""
        for each in self.required:
            if get_field(record, each.name) in (None, "", []):
                return each.name, f"The CRM makes no record without {each.label}."
        return None

    def back(self, rule: FieldRule, value: Any) -> Any:
        """A value of theirs in our words."""
        facts = self._facts(rule, rule.remote)
        return value if facts is None else from_remote(value, facts)

    def same(self, rule: FieldRule, ours: Any, theirs: Any) -> bool:
        """Whether ours, sent, would be what they hold."""
        if agree(ours, theirs):
            return True
        if ours in (None, "") or theirs in (None, ""):
            return False
        facts = self._facts(rule, rule.remote)
        if facts is not None and is_same(ours, theirs, facts, currency=self.currency):
            return True
        name, coded = self._written(rule)
        return name != rule.remote and coded is not None and is_same(ours, theirs, coded)

    def _written(self, rule: FieldRule) -> tuple[str, FieldFacts | None]:
        told = self.fields.get(rule.remote)
        name = told.coded_by if told and told.coded_by else rule.remote
        return name, self._facts(rule, name)

    def _facts(self, rule: FieldRule, name: str) -> FieldFacts | None:
        told = self.fields.get(name)
        if told is None:
            return FieldFacts(name, name, "mapped", values=rule.values) if rule.values else None
        if told.type in OPAQUE:
            return None
        return FieldFacts(
            name, told.label, told.type, told.length, told.decimals, told.choices, rule.values, told.is_rounded
        )
