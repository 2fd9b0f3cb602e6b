"""The settings in force for capture and intake, made ready once and kept while no row of them differs.

Reading and preparing a company's rules costs more than scoring a lead by them. A copy kept by age, or by a revision
that some writer forgets to raise, would lie; so each look asks for the rows themselves as one text, which the database
makes in one statement, and the copy is used only while that text is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model

from leads.models import (
    Channel,
    ChannelRule,
    Company,
    RepAbsence,
    RoutingVersion,
    ScoringRule,
    ScoringRuleSet,
    Territory,
    TerritoryRule,
)
from leads.pure.channels.channels import ChannelRule as ReadyRule
from leads.pure.conditions.grammar import from_json

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Watched:
    """A table whose rows are settings: all of them, or those that an SQL condition names; all columns, or some."""

    model: type[Model]
    where: str = "true"
    columns: Sequence[str] = ()


_ACTIVE_SET = "rule_set_id IN (SELECT id FROM leads_scoringruleset WHERE state = 'active')"
_ACTIVE_VERSION = "version_id IN (SELECT id FROM leads_routingversion WHERE state = 'active')"
_watched = [
    Watched(Company),
    Watched(Channel),
    Watched(ChannelRule),
    Watched(ScoringRuleSet, "state = 'active'"),
    Watched(ScoringRule, _ACTIVE_SET),
    Watched(RoutingVersion, "state = 'active'"),
    Watched(TerritoryRule, _ACTIVE_VERSION),
    Watched(Territory),
    Watched(RepAbsence),
]


@dataclass(slots=True)
class InForce:
    """The settings of one text. Its rows are shared by every caller: they are read, never changed.

    ``absences`` are first and last days by rep.
    """

    company: Company
    channels: Mapping[str, Channel]
    channel_rules: Sequence[ReadyRule]
    territories: Sequence[Territory]
    absences: Mapping[int, Sequence[tuple[date, date]]]
    _text: str
    _more: dict[str, Any] = field(default_factory=dict)

    def once(self, name: str, load: Callable[[], T]) -> T:
        """What a later subject makes ready of these settings, of tables watched here or added by `watch`."""
        if name in self._more:
            kept: T = self._more[name]
            return kept
        found = load()
        if _text() == self._text:  # else changed while it was read: good for now, and not kept
            self._more[name] = found
        return found


_kept: tuple[str, InForce] | None = None


def watch(table: Watched) -> None:
    """Let a table of an app above count as settings."""
    if table not in _watched:
        _watched.append(table)


def in_force() -> InForce:
    """The settings as the current transaction sees them: one statement, and seven more when a row is another."""
    global _kept
    text = _text()
    if _kept is None or _kept[0] != text:
        found = _load(text)
        if _text() != text:  # as above
            return found
        _kept = text, found
    return _kept[1]


def _load(text: str) -> InForce:
    company = Company.current()
    absences: dict[int, list[tuple[date, date]]] = {}
    for rep_id, first, last in RepAbsence.objects.values_list("rep_id", "starts_on", "ends_on"):
        absences.setdefault(rep_id, []).append((first, last))
    rules = ChannelRule.objects.order_by("position").values_list("position", "channel__key", "conditions")
    return InForce(
        company=company,
        channels={channel.key: channel for channel in Channel.objects.all()},
        channel_rules=[ReadyRule(place, key, from_json(held)) for place, key, held in rules],
        territories=list(Territory.objects.order_by("pk")),
        absences=absences,
        _text=text,
    )


def _text() -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(_rows(each) for each in _watched)}")
        return repr(cursor.fetchone())


def _rows(table: Watched) -> str:
    """A subquery for the rows of a table as one text, in the order of their keys."""
    meta = table.model._meta
    names = table.columns or [str(each.column) for each in meta.concrete_fields]
    listed = ", ".join(f'"{name}"' for name in names)
    source = f'(SELECT {listed} FROM "{meta.db_table}" WHERE {table.where} ORDER BY id) r'  # noqa: S608
    if connection.vendor == "postgresql":
        return f"(SELECT string_agg(r::text, chr(10)) FROM {source})"  # noqa: S608  # names of models alone
    return f"(SELECT group_concat(json_array({listed}), char(10)) FROM {source})"  # noqa: S608
