"""What a figure is: a registered definition, a scope, and the rows it is made of.

A number on a page is never computed beside its rows. A definition names row sets ("parts"); the value is computed from
the parts' totals, the drill-down lists the same parts, and a published report freezes them. So header and list cannot
disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from statistics import median
from typing import Any, Literal
from zoneinfo import ZoneInfo

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import TruncWeek

from leads.models import User
from leads.pure.week import Period, Week, weeks_between

Unit = Literal["count", "money", "share", "ratio", "days", "hours"]
Number = int | float


class UnknownFigure(LookupError):
    """No definition is registered under this key."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a figure is asked for.

    ``period`` is half-open. ``user`` limits rows to what that person may see; ``None`` is the company itself (reports,
    API keys with a company-wide scope). ``at`` is the moment deemed now. Keys are public: channel and method keys,
    campaign public ids, territory ids.
    """

    period: Period
    at: datetime
    tz: ZoneInfo
    currency: str
    user: User | None = None
    channel: str = ""
    campaign: str = ""
    territory: int | None = None
    method: str = "linear"
    basis: Literal["simple", "realised"] = "simple"

    def during(self, period: Period) -> Scope:
        """The same question about another period."""
        return replace(self, period=period)

    def query(self) -> dict[str, str]:
        """URL parameters that lead back to this scope (dates are local and inclusive at both ends, for people)."""
        first = self.period.start.astimezone(self.tz).date()
        last = (self.period.end.astimezone(self.tz) - _MICROSECOND).date()
        named = {
            "from": first.isoformat(),
            "to": last.isoformat(),
            "channel": self.channel,
            "campaign": self.campaign,
            "territory": "" if self.territory is None else str(self.territory),
            "method": self.method,
            "basis": self.basis if self.basis != "simple" else "",
        }
        return {name: value for name, value in named.items() if value}


_MICROSECOND = datetime.resolution


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a row set: the ``values()`` path, a heading, how to print it, and a URL name taking ``link_by``."""

    path: str
    label: str
    kind: Literal["text", "count", "money", "share", "days", "time", "date"] = "text"
    link: str = ""
    link_by: str = ""


@dataclass(frozen=True, slots=True)
class RowSet:
    """Rows of one part. Without ``amount`` each row counts 1; with it, the column is summed (or put through
    ``statistic``). ``dated_by`` is the datetime column by which the rows fall into weeks."""

    queryset: QuerySet[Any]
    columns: tuple[Column, ...]
    label: str
    amount: str = ""
    dated_by: str = ""
    statistic: Callable[[Sequence[Number]], Number | None] | None = None

    def count(self) -> int:
        """How many rows."""
        return self.queryset.count()

    def total(self) -> Number | None:
        """Count, sum or statistic of the rows; a statistic of no rows is None."""
        if self.statistic:
            return self.statistic(list(self.queryset.values_list(self.amount, flat=True)))
        if self.amount:
            return self.queryset.aggregate(total=Sum(self.amount))["total"] or 0
        return self.count()

    def weekly(self, tz: ZoneInfo) -> dict[Week, Number | None]:
        """Totals by ISO week of ``dated_by``, in one query; weeks without rows are left out."""
        weeks = self.queryset.annotate(_week=TruncWeek(self.dated_by, tzinfo=tz))
        if self.statistic:
            grouped: dict[Week, list[Number]] = {}
            for start, value in weeks.values_list("_week", self.amount):
                grouped.setdefault(Week.of_date(start.astimezone(tz).date()), []).append(value)
            return {week: self.statistic(values) for week, values in grouped.items()}
        aggregate = Sum(self.amount) if self.amount else Count("pk")
        rows = weeks.order_by().values("_week").annotate(_total=aggregate).values_list("_week", "_total")
        return {Week.of_date(start.astimezone(tz).date()): total or 0 for start, total in rows}

    def rows(self, start: int = 0, stop: int | None = None) -> list[dict[str, Any]]:
        """The rows as dictionaries keyed by column path (and by ``link_by`` paths)."""
        paths = {path for column in self.columns for path in (column.path, column.link_by) if path}
        return list(self.queryset.values(*sorted(paths))[start:stop])


Parts = Mapping[str, RowSet]
Totals = Mapping[str, Number | None]


def included(totals: Totals) -> Number | None:
    """The plain case: the value is the total of the part "included"."""
    return totals["included"]


def ratio(totals: Totals) -> float | None:
    """Part "numerator" over part "denominator"; nothing over nothing is unknown."""
    top, bottom = totals["numerator"], totals["denominator"]
    return None if top is None or not bottom else top / bottom


def middle(values: Sequence[Number]) -> Number | None:
    """Median, or None of nothing."""
    return median(values) if values else None


@dataclass(frozen=True, slots=True)
class Definition:
    """The written meaning of a figure. A change of meaning raises ``version``.

    ``parts`` gives the row sets for a scope. Parts whose name starts with "excluded" are listed with their reason but
    never counted. ``combine`` turns the other parts' totals into the value; ``None`` means unknown and is shown so.
    """

    key: str
    version: int
    name: str
    unit: Unit
    formula: str
    meaning: str
    parts: Callable[[Scope], Parts]
    combine: Callable[[Totals], Number | None] = included
    better: Literal["up", "down", "neither"] = "up"
    filters: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its definition, scope and rows."""

    definition: Definition
    scope: Scope
    parts: Parts
    totals: Totals
    value: Number | None


_registry: dict[str, Definition] = {}


def register(definition: Definition) -> Definition:
    """Add a definition; raises ValueError when the key is taken."""
    if _registry.setdefault(definition.key, definition) is not definition:
        raise ValueError(f"figure {definition.key!r} is registered twice")
    return definition


def definition(key: str) -> Definition:
    """Look a definition up; raises UnknownFigure."""
    try:
        return _registry[key]
    except KeyError:
        raise UnknownFigure(key) from None


def definitions() -> list[Definition]:
    """Every definition, by key."""
    return [_registry[key] for key in sorted(_registry)]


def figure(key: str, scope: Scope) -> Figure:
    """Compute one figure."""
    meaning = definition(key)
    parts = meaning.parts(scope)
    totals = {name: part.total() for name, part in parts.items() if not name.startswith("excluded")}
    return Figure(meaning, scope, parts, totals, meaning.combine(totals))


def series(key: str, scope: Scope, first: Week, last: Week) -> list[tuple[Week, Number | None]]:
    """The figure week by week (both weeks included), one query per part. Every counted part must be dated."""
    meaning = definition(key)
    whole = Period(first.bounds(scope.tz)[0], last.bounds(scope.tz)[1])
    parts = {name: part for name, part in meaning.parts(scope.during(whole)).items() if not name.startswith("excluded")}
    weekly = {name: part.weekly(scope.tz) for name, part in parts.items()}
    empty: dict[str, Number | None] = {name: None if part.statistic else 0 for name, part in parts.items()}
    return [
        (week, meaning.combine({name: totals.get(week, empty[name]) for name, totals in weekly.items()}))
        for week in weeks_between(first, last)
    ]
