"""What happened to rows behind a figure, and to the rows that decide about them, from their versions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal

from django.db import connection
from django.db.models import Field, Model
from django.utils.dateparse import parse_date, parse_datetime

from attribution.models import AttributionRules, Credit, CustomMethod, JourneyScope, MethodFit, SourcedDecision
from leads.models import (
    Activity,
    Campaign,
    CampaignCost,
    Change,
    Channel,
    Company,
    ExchangeRate,
    FollowUp,
    Lead,
    LifecyclePassage,
    Opportunity,
    OpportunityContact,
    PipelineStage,
    Touchpoint,
)
from leads.past.registry import fact_of
from leads.past.snapshot import Snapshot

AT_ONCE = 500
# The columns that decide whether a row counts and how much; a change of another one is no cause.
DECIDING: Mapping[type[Model], tuple[str, ...]] = {
    Opportunity: (
        "status",
        "stage_id",
        "closed_at",
        "opened_at",
        "amount_cents",
        "currency",
        "reporting_cents",
        "account_id",
        "territory_id",
        "deleted_at",
    ),
    OpportunityContact: ("lead_id", "is_primary"),
    Lead: ("merged_into_id", "owner_id", "stage", "captured_at", "campaign_id", "channel_id", "account_id"),
    Touchpoint: ("lead_id", "channel_id", "campaign_id", "kind", "exclusion", "occurred_at"),
    LifecyclePassage: ("lead_id", "from_stage", "to_stage", "passed_at", "reason"),
    Activity: ("lead_id", "kind", "occurred_at", "outcome"),
    FollowUp: ("lead_id", "planned_at", "due_at", "done_at", "outcome"),
    CampaignCost: ("amount_cents", "currency", "reporting_cents", "spent_on", "campaign_id"),
    Campaign: ("starts_on", "ends_on", "channel_id", "parent_id"),
}
# Rows that decide about many others, and which of their columns: looked at whatever row differs.
RULES: Mapping[type[Model], tuple[str, ...]] = {
    Company: (
        "time_zone",
        "currency",
        "business_weekdays",
        "business_opens",
        "business_closes",
        "holidays",
        "holiday_country",
        "holiday_region",
        "look_back_days",
    ),
    AttributionRules: ("scope", "milestone", "half_life_days", "sourced_test"),
    AttributionRules.suppressed_channels.through: ("channel_id",),
    SourcedDecision: ("test",),
    CustomMethod: (*CustomMethod.SHARES, "excludes_self_initiated", "version"),
    MethodFit: ("method", "version", "is_current"),
    Channel: ("is_self_initiated", "is_advertising", "parent_id"),
    PipelineStage: ("probability", "status", "position"),
    ExchangeRate: ("currency", "valid_from", "rate"),
}
Ids = dict[int, set[str]]
"""By id of a row, the keys of the figure's rows about which it decides."""


@dataclass(frozen=True, slots=True)
class RowChange:
    """What one change did to one row: columns that decide, with what they were and became; ``row`` holds all of them
    as they are afterwards (of a deleted row: were before), with the ids it points at."""

    model: type[Model]
    pk: int
    change: int
    kind: Literal["came", "went", "changed"]
    columns: tuple[tuple[str, Any, Any], ...] = ()
    row: Mapping[str, Any] = field(default_factory=dict)

    def column(self, name: str) -> tuple[Any, Any] | None:
        """(before, after) of a column that changed."""
        return next(((old, new) for found, old, new in self.columns if found == name), None)


@dataclass(frozen=True, slots=True)
class Trace:
    """Changes between two moments, by key of the figure's row that they decide about, and those of rules."""

    by_key: Mapping[str, Sequence[RowChange]]
    of_rules: Sequence[RowChange]
    changes: Mapping[int, Change]

    def moments(self) -> list[int]:
        """When any of them happened, ascending, in microseconds."""
        return sorted({change.at for change in self.changes.values()})


def trace(*, model: type[Model], keys: Collection[str], since: Snapshot, until: Snapshot) -> Trace:
    """Changes that were visible at ``until`` and not yet at ``since``, of the rows with these keys and of what decides
    about them."""
    found = {kind: ids for kind, ids in _related(model, keys).items() if ids}
    by_key: defaultdict[str, list[RowChange]] = defaultdict(list)

    def is_between(change: int | None) -> bool:
        return change is not None and until.sees(change) and not since.sees(change)

    for kind, ids in found.items():
        for change in _changes(kind, DECIDING[kind], "id", ids, is_between):
            for key in ids[change.pk]:
                by_key[key].append(change)
    of_rules = [change for kind, names in RULES.items() for change in _changes(kind, names, "", (), is_between)]
    ids_of = {change.change for made in (*by_key.values(), of_rules) for change in made}
    return Trace(dict(by_key), of_rules, _changes_by_id(ids_of))


def changes_between(
    model: type[Model], names: Sequence[str], column: str, values: Collection[Any], since: Snapshot, until: Snapshot
) -> list[RowChange]:
    """Changes of these columns between two moments, of the rows with one of these values in a column."""

    def is_between(change: int | None) -> bool:
        return change is not None and until.sees(change) and not since.sees(change)

    return _changes(model, names, column, values, is_between)


def _changes_by_id(ids: Collection[int]) -> dict[int, Change]:
    found: dict[int, Change] = {}
    for some in _batches(ids):
        found |= Change.objects.in_bulk(some)
    return found


# --- which rows decide about which -----------------------------------------------------------------------------------


def _related(model: type[Model], keys: Collection[str]) -> dict[type[Model], Ids]:
    if model is Credit:
        pairs = [(key, key.split(":")) for key in keys]
        found = _of_deals({deal: set(some) for deal, some in _grouped((int(deal), key) for key, (deal, _) in pairs)})
        touched = _grouped((int(touch), key) for key, (_, touch) in pairs if touch)
        for touch, some in touched:
            found[Touchpoint].setdefault(touch, set()).update(some)
        return found
    own: Ids = {int(key): {key} for key in keys}
    if model is Opportunity:
        return _of_deals(own)
    if model is LifecyclePassage or model is FollowUp:
        people = _pointed_at(model, "lead_id", own)
        among = _merged(own, _pointing(model, "lead_id", people))
        found = {model: among, Lead: _merged(people, _pointing(Lead, "merged_into_id", people))}
        if model is FollowUp:
            found |= {other: _pointing(other, "lead_id", people) for other in (Activity, LifecyclePassage)}
        return found
    if model is Campaign:
        return {Campaign: own, CampaignCost: _pointing(CampaignCost, "campaign_id", own)}
    return {model: own} if model in DECIDING else {}


def _of_deals(deals: Ids) -> dict[type[Model], Ids]:
    contacts = _pointing(OpportunityContact, "opportunity_id", deals)
    people = _pointed_at(OpportunityContact, "lead_id", contacts)
    if AttributionRules.objects.filter(scope=JourneyScope.ACCOUNT).exists():
        people = _merged(people, _pointing(Lead, "account_id", _pointed_at(Opportunity, "account_id", deals)))
    people = _merged(people, _pointing(Lead, "merged_into_id", people))
    return {
        Opportunity: deals,
        OpportunityContact: contacts,
        Lead: people,
        Touchpoint: _pointing(Touchpoint, "lead_id", people),
        FollowUp: _pointing(FollowUp, "lead_id", people),
        Activity: _pointing(Activity, "lead_id", people),
    }


def _pointing(model: type[Model], column: str, at: Ids) -> Ids:
    """Rows that pointed at these at any time."""
    return _follow(f'SELECT DISTINCT id, "{column}"', model, column, at)


def _pointed_at(model: type[Model], column: str, by: Ids) -> Ids:
    """Rows at which these pointed at any time."""
    return _follow(f'SELECT DISTINCT "{column}", id', model, "id", by)


def _follow(select: str, model: type[Model], column: str, ids: Ids) -> Ids:
    found: Ids = {}
    for there, here in _read(select, model, column, ids):
        if there is not None:
            found.setdefault(int(there), set()).update(ids[int(here)])
    return found


def _merged(*some: Ids) -> Ids:
    found: Ids = {}
    for ids in some:
        for pk, keys in ids.items():
            found.setdefault(pk, set()).update(keys)
    return found


def _grouped(pairs: Iterable[tuple[int, str]]) -> list[tuple[int, list[str]]]:
    found: defaultdict[int, list[str]] = defaultdict(list)
    for pk, key in pairs:
        found[pk].append(key)
    return list(found.items())


# --- versions --------------------------------------------------------------------------------------------------------


def _changes(
    model: type[Model],
    names: Sequence[str],
    column: str,
    ids: Collection[Any],
    is_between: Callable[[int | None], bool],
) -> list[RowChange]:
    fields = {name: _field(model, name) for name in names}
    listed = ", ".join(f'"{name}"' for name in names)
    by_pk: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for pk, known_by, ended_by, *values in _read(f"SELECT id, known_by, ended_by, {listed}", model, column, ids):
        row = {name: _value(fields[name], value) for name, value in zip(names, values, strict=True)}
        by_pk[int(pk)].append({**row, "known_by": known_by, "ended_by": ended_by})
    return [change for pk, versions in by_pk.items() for change in _of_row(model, pk, versions, names, is_between)]


def _of_row(
    model: type[Model],
    pk: int,
    versions: Sequence[dict[str, Any]],
    names: Sequence[str],
    is_between: Callable[[int | None], bool],
) -> Iterator[RowChange]:
    ended = {version["ended_by"]: version for version in versions if version["ended_by"] is not None}
    began = {version["known_by"] for version in versions}
    for version in versions:
        made, over = version["known_by"], version["ended_by"]
        row = {name: version[name] for name in names}
        if is_between(made):
            old = ended.get(made)
            if old is None:
                yield RowChange(model, pk, made, "came", (), row)
            else:
                columns = tuple((name, old[name], row[name]) for name in names if old[name] != row[name])
                if columns:
                    yield RowChange(model, pk, made, "changed", columns, row)
        if is_between(over) and over not in began:
            yield RowChange(model, pk, over, "went", (), row)


def _read(select: str, model: type[Model], column: str, ids: Collection[Any]) -> Iterator[tuple[Any, ...]]:
    versions = fact_of(model).versions
    with connection.cursor() as cursor:
        if not column:
            cursor.execute(f'{select} FROM "{versions}"')
            yield from cursor.fetchall()
            return
        for some in _batches(ids):
            marks = ", ".join(["%s"] * len(some))
            cursor.execute(f'{select} FROM "{versions}" WHERE "{column}" IN ({marks})', some)
            yield from cursor.fetchall()


def _batches(ids: Collection[Any]) -> Iterator[list[Any]]:
    listed = sorted(ids)
    for start in range(0, len(listed), AT_ONCE):
        yield listed[start : start + AT_ONCE]


def _field(model: type[Model], column: str) -> Field[Any, Any]:
    return next(field for field in model._meta.concrete_fields if field.column == column)


def _value(field: Field[Any, Any], value: Any) -> Any:
    """What the column means; SQLite gives moments, days and truths as it keeps them."""
    kind = field.get_internal_type()
    if kind == "BooleanField" and value is not None:
        return bool(value)
    if kind == "DateTimeField" and value is not None:
        moment = parse_datetime(value) if isinstance(value, str) else value
        return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)
    if isinstance(value, str) and kind == "DateField":
        return parse_date(value)
    return value


def is_after(value: Any, at: datetime) -> bool:
    """Whether a moment or day lies after one."""
    if isinstance(value, datetime):
        return value > at
    return isinstance(value, date) and value > at.date()


__all__ = ["DECIDING", "RULES", "RowChange", "Trace", "changes_between", "is_after", "trace"]
