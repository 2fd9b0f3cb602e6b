"""Values of versions in words: names for keys, labels for choices, money with its currency, times of the company."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.db.models import Field, ForeignKey, JSONField, Model

from leads.models import (
    Account,
    Campaign,
    Channel,
    ChatDestination,
    Company,
    Lead,
    NotificationPreference,
    Opportunity,
    PipelineStage,
    RoutingVersion,
    Territory,
    TerritoryRule,
    User,
    WebhookEndpoint,
)
from leads.past.steps import Values, last_known
from leads.pure.capture.bots import REASONS
from leads.pure.money import to_amount
from leads.pure.notifications import KINDS
from leads.pure.words import MISSING, money_exact

LONGEST = 300
NAMED: Mapping[type[Model], tuple[str, ...]] = {
    **dict.fromkeys(
        (
            User,
            Account,
            Campaign,
            Channel,
            ChatDestination,
            Opportunity,
            PipelineStage,
            Territory,
            WebhookEndpoint,
        ),
        ("name",),
    ),
    Lead: ("first_name", "last_name", "email", "external_id"),
    TerritoryRule: ("position", "name"),
    RoutingVersion: ("number",),
}
Wanted = dict[type[Model], set[int]]


def name_of(model: type[Model], row: int, values: Values) -> str:
    """What people call a row, from its columns alone: what it refers to may be gone."""
    if model is Lead:
        person = f"{values['first_name']} {values['last_name']}".strip()
        return person or values["email"] or f"Lead {values['external_id']}"
    if model is TerritoryRule:
        return f"{values['position']}: {values['name']}" if values["name"] else f"Rule {values['position']}"
    if model is RoutingVersion:
        return f"Version {values['number']}"
    return str(values["name"]) or f"{model._meta.verbose_name} {row}".capitalize()


class Names:
    """Names of the rows that keys point at, as last known, in one query per table."""

    def __init__(self, wanted: Mapping[type[Model], Iterable[int]]) -> None:
        self._names: dict[tuple[type[Model], int], str] = {}
        for model, ids in wanted.items():
            if columns := NAMED.get(model):
                for row, values in last_known(model, set(ids), columns).items():
                    self._names[model, row] = name_of(model, row, values)

    def name(self, model: type[Model], row: int) -> str:
        """The name; where nothing is known of the row, its number."""
        return self._names.get((model, row)) or f"{model._meta.verbose_name} {row}".capitalize()


def pointed_at(each: Field[Any, Any], values: Sequence[Any]) -> Wanted:
    """The rows whose names a field needs."""
    target = each.related_model if isinstance(each, ForeignKey) else None
    if target is None or isinstance(target, str):
        return {}
    return {target: {value for value in values if value is not None}}


@dataclass(frozen=True, slots=True)
class Wording:
    """How values read for this company."""

    company: Company
    names: Names

    def text(self, each: Field[Any, Any], values: Values | None) -> str:
        """A column of a version for people; "–" where it says nothing."""
        value = None if values is None else values[str(each.column)]
        if values is None or value in (None, "", {}, []):
            return MISSING
        if isinstance(each, ForeignKey):
            return self.names.name(_target(each), value)
        if each.name.endswith("_cents"):
            return money_exact(value, self._currency(each, values))
        text = _TEXTS[type(value)](value, self.company) if type(value) in _TEXTS else str(value)
        if each.choices:
            text = str(dict(each.flatchoices).get(value, value))
        if each.model in (ChatDestination, NotificationPreference) and each.name in ("kind", "kinds"):
            keys = value if isinstance(value, list) else [value]
            text = "; ".join(KINDS[key].label if key in KINDS else text for key in keys)
        if each.name == "exclusion":
            text = str(REASONS.get(value, value))
        return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"

    def plain(self, each: Field[Any, Any], values: Values | None) -> Any:
        """The same for programs: amounts as decimals in a text, moments in UTC, keys of choices, names for keys."""
        value = None if values is None else values[str(each.column)]
        if values is None or value is None:
            return None
        if isinstance(each, ForeignKey):
            return self.names.name(_target(each), value)
        if each.name.endswith("_cents"):
            currency = self._currency(each, values)
            return {"amount": to_amount(value, currency), "currency": currency}
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat()
        if isinstance(value, date):
            return value.isoformat()
        return value if isinstance(value, str | int | float | bool) or isinstance(each, JSONField) else str(value)

    def _currency(self, each: Field[Any, Any], values: Values) -> str:
        if each.name.startswith("reporting"):
            return self.company.currency
        return str(values.get("currency") or self.company.currency)


def moment_text(at: datetime, company: Company) -> str:
    """ "16 Nov 2026, 06:10 CET", in the company's zone."""
    there = at.astimezone(company.tz)
    return f"{there.day} {there:%b %Y, %H:%M %Z}"


def _target(each: ForeignKey[Any, Any]) -> type[Model]:
    target = each.related_model
    if isinstance(target, str):
        raise TypeError(f"{each} points at a model that is not loaded")
    return target


def _structure(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_structure(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return "; ".join(_structure(inner) for inner in value)
    return MISSING if value is None else str(value)


_TEXTS: Mapping[type, Callable[[Any, Company], str]] = {
    bool: lambda value, company: "Yes" if value else "No",
    int: lambda value, company: f"{value:,}",
    datetime: moment_text,
    date: lambda value, company: f"{value.day} {value:%b %Y}",
    dict: lambda value, company: _structure(value),
    list: lambda value, company: _structure(value),
}
