"""What a figure is: a registered definition, a scope, and the rows it is made of.

A number on a page is never computed beside its rows. A definition names row sets ("parts"); the value is computed from
the parts' totals, the drill-down lists the same parts, and a published report freezes them. So header and list cannot
disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from statistics import median
from typing import Any, Literal
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth, TruncWeek
from django.db.models.functions.datetime import TruncBase
from django.utils import timezone

from leads.models import User
from leads.pure.week import Period, Week, weeks_between

Unit = Literal["count", "money", "share", "ratio", "days", "hours", "months", "money_per_day", "points"]
Number = int | float


NO_CAMPAIGN = "none"
"""In place of a campaign's id: what belongs to no campaign."""


class UnknownFigure(LookupError):
    """No definition is registered under this key."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a figure is asked for.

    ``period`` is half-open. ``user`` limits rows to what that person may see; ``None`` is the company itself (reports,
    API keys with a company-wide scope). ``at`` is the moment deemed now. Keys are public: channel and method keys,
    campaign public ids (or NO_CAMPAIGN), territory ids. ``journey_scope`` says whose touches make up a journey; empty
    means the company's own choice. ``as_of`` is what leads back to ``at`` in an address, where a past moment was asked.
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
    journey_scope: str = ""
    as_of: str = ""

    def during(self, period: Period) -> Scope:
        """The same question about another period."""
        return replace(self, period=period)

    def stood(self, period: Period) -> Scope | None:
        """The same question as it stood at the end of a period, or stands where that is to come; None before it."""
        return replace(self, period=period, at=min(period.end, self.at)) if period.start < self.at else None

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
            "scope": self.journey_scope,
            "as_of": self.as_of,
        }
        return {name: value for name, value in named.items() if value}


_MICROSECOND = datetime.resolution


Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Derived:
    """How to compute a cell that SQL cannot alike on every database (business hours, days between two moments).

    ``of`` gets a row holding the paths in ``needs``.
    """

    needs: tuple[str, ...]
    of: Callable[[Row], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a row set: the ``values()`` path, a heading, how to print it, and a URL name taking ``link_by``.

    Money is in the company currency unless ``currency_by`` names the path of the row's own currency. A ``derived``
    column is computed row by row; its path is only its name.
    """

    path: str
    label: str
    kind: Literal["text", "count", "money", "share", "days", "hours", "time", "date"] = "text"
    link: str = ""
    link_by: str = ""
    currency_by: str = ""
    derived: Derived | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """What rows come to, and where that is unknown because all of them lack their amount, how many they are."""

    total: Number | None
    lacking: int = 0


@dataclass(frozen=True, slots=True)
class RowSet:
    """Rows of one part. Without ``amount`` each row counts 1; with it, the column is summed (or put through
    ``statistic``). ``dated_by`` is the date or datetime column by which the rows fall into weeks.

    ``nothing`` is the sum of no rows: 0, or None where nothing recorded means nothing known. ``event`` names a boolean
    column; with it the statistic gets (amount, event) pairs.

    Unknown is not zero: where there are rows and all of them lack the amount, the sum is None. ``among`` are the rows
    of which ``queryset`` lists those with an amount; ``known`` is what they must meet where a lacking amount is not
    stored as NULL.
    """

    queryset: QuerySet[Any]
    columns: tuple[Column, ...]
    label: str
    amount: str = ""
    dated_by: str = ""
    statistic: Callable[[Sequence[Any]], Number | None] | None = None
    nothing: Number | None = 0
    event: str = ""
    among: QuerySet[Any] | None = None
    known: Q = field(default_factory=Q)

    @property
    def derived(self) -> dict[str, Derived]:
        """How to compute the columns that the database does not know, by path."""
        return {column.path: column.derived for column in self.columns if column.derived}

    def count(self) -> int:
        """How many rows."""
        return self.queryset.count()

    def total(self) -> Number | None:
        """Count, sum or statistic of the rows; a statistic of no rows is None."""
        return self.tally().total

    def tally(self) -> Tally:
        """The total, and how many rows lack their amount; one query."""
        if self.statistic:
            return Tally(self.statistic([value for _, value in self._values()]))
        if self.amount:
            found = self.summed.order_by().aggregate(**self.sums())
            return self.tallied(found["total"], found["rows"])
        return Tally(self.count())

    @property
    def summed(self) -> QuerySet[Any]:
        """The rows that a sum is asked of, those without an amount among them."""
        return self.queryset if self.among is None else self.among

    def sums(self, **more: Any) -> dict[str, Sum | Count]:
        """What a query over ``summed`` must add up for `tallied`."""
        total = Sum(self.amount, filter=self.known or None, **more) if self.amount else Count("pk")
        return {"total": total, "rows": Count("pk")}

    def tallied(self, total: Number | None, rows: int) -> Tally:
        """Nothing of no rows, unknown of rows that all lack their amount."""
        if not self.amount:
            return Tally(rows)
        if not rows:
            return Tally(self.nothing)
        return Tally(total, rows if total is None else 0)

    def narrowed(self, *conditions: Q, **more: Any) -> RowSet:
        """The same of fewer rows, those without an amount narrowed alike."""
        among = None if self.among is None else self.among.filter(*conditions, **more)
        return replace(self, queryset=self.queryset.filter(*conditions, **more), among=among)

    def of_nothing(self) -> Tally:
        """The sum where no row is listed: of no rows at all, or of rows that all lack their amount."""
        lacking = 0 if self.among is None else self.among.count()
        return self.tallied(None, lacking)

    def weekly(self, tz: ZoneInfo) -> dict[Week, Number | None]:
        """Totals by ISO week of ``dated_by``, in one query; weeks without rows are left out."""
        if self.statistic:
            grouped: dict[Week, list[Any]] = {}
            for at, value in self._values():
                grouped.setdefault(_week(at, tz), []).append(value)
            return {week: self.statistic(values) for week, values in grouped.items()}
        return {_week(start, tz): total for start, total in self._grouped(TruncWeek(self.dated_by), tz)}

    def monthly(self, tz: ZoneInfo) -> dict[date, Number | None]:
        """Sums or counts by the first day of the local month of ``dated_by``, in one query; empty months are left out.

        Raises ValueError for a row set with a statistic.
        """
        if self.statistic:
            raise ValueError("only sums and counts come by month")
        return {_day(start, tz): total for start, total in self._grouped(TruncMonth(self.dated_by), tz)}

    def _grouped(self, step: TruncBase, tz: ZoneInfo) -> list[tuple[Any, Number | None]]:
        steps = self.summed.annotate(_step=step).order_by().values("_step")
        # Not tzinfo=, which a date column refuses.
        with timezone.override(tz):
            rows = list(steps.annotate(**{f"_{name}": each for name, each in self.sums().items()}).order_by())
        return [(row["_step"], self.tallied(row["_total"], row["_rows"]).total) for row in rows]

    def empty(self) -> Number | None:
        """The total of a week without rows."""
        return None if self.statistic else self.nothing

    def rows(self, start: int = 0, stop: int | None = None, sort: str = "") -> list[Row]:
        """The rows as dictionaries keyed by column path (and by ``link_by`` and ``currency_by`` paths).

        ``sort`` is a column path, with "-" before it for descending; without it the row set's own order holds.
        """
        path, is_descending = sort.removeprefix("-"), sort.startswith("-")
        shown = [path for c in self.columns for path in (c.path, c.link_by, c.currency_by) if path]
        wanted = [*shown, *([self.event] if self.event else []), *([self.amount] if self.amount else [])]
        if path in self.derived:
            # Only Python knows these values, so all rows are read before the first can be shown.
            rows = self._read(wanted, self.queryset)
            known = [row for row in rows if row[path] is not None]
            unknown = [row for row in rows if row[path] is None]
            return [*sorted(known, key=lambda row: row[path], reverse=is_descending), *unknown][start:stop]
        ordered = self.queryset.order_by(sort, "pk") if path else self.queryset
        return self._read(wanted, ordered[start:stop])

    def _values(self) -> list[tuple[Any, Any]]:
        """(moment, amount or (amount, event)) of each row."""
        wanted = [path for path in (self.amount, self.event, self.dated_by) if path]
        rows = self._read(wanted, self.queryset.order_by())
        return [
            (row.get(self.dated_by), (row[self.amount], row[self.event]) if self.event else row[self.amount])
            for row in rows
        ]

    def _read(self, wanted: Iterable[str], queryset: QuerySet[Any]) -> list[Row]:
        plain = {path for path in wanted if path not in self.derived}
        derived = {path: self.derived[path] for path in wanted if path in self.derived}
        needed = {path for column in derived.values() for path in column.needs}
        rows: list[Row] = list(queryset.values(*sorted(plain | needed)))
        for path, column in derived.items():
            for row in rows:
                row[path] = column.of(row)
        return rows


def _week(at: date, tz: ZoneInfo) -> Week:
    return Week.of(at, tz) if isinstance(at, datetime) else Week.of_date(at)


def _day(at: date, tz: ZoneInfo) -> date:
    return at.astimezone(tz).date() if isinstance(at, datetime) else at


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a figure reads differently than it did: when it happened, and the whole of it in a sentence.

    ``kind`` is the short form that is counted where there are many ("cost changed"); ``weight`` says which to tell
    first. ``link`` is the URL name of the page that tells more, taking ``link_by``.
    """

    at: datetime
    kind: str
    text: str
    weight: Number = 0
    link: str = ""
    link_by: str = ""


@dataclass(frozen=True, slots=True)
class Revision:
    """A change of meaning that the company itself made, and so a version of the definition: when, what, by whom, why.

    ``version`` is the definition's from that moment on.
    """

    version: int
    at: datetime
    text: str
    by: str
    reason: str


def no_causes(scope: Scope, since: datetime | None) -> Sequence[Cause]:
    """Of a figure that cannot name any."""
    return ()


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
    ``arithmetic`` is the formula with part names in braces, for showing it with the values put in. ``filters`` are the
    scope's fields it obeys beside the period. ``weekly`` says how a series is made: "grouped" puts rows into weeks,
    "each" asks anew for every week (stocks, whole months). ``is_company_wide``: has no rows of one rep, so that only
    people who see everything may read it.

    ``causes`` names what restated the figure of a scope: since a moment whatever came, without one what replaced
    something known. ``revise`` returns the definition as the company's own decisions have made it, with these as
    ``revisions``, oldest first; `definition` has asked it already.
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
    arithmetic: str = ""
    weekly: Literal["grouped", "each"] = "grouped"
    is_company_wide: bool = False
    causes: Callable[[Scope, datetime | None], Sequence[Cause]] = no_causes
    revise: Callable[[Definition], Definition] | None = None
    revisions: tuple[Revision, ...] = ()

    def revised(self) -> Definition:
        """The definition in force."""
        return self.revise(self) if self.revise else self


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its definition, scope and rows; ``lacking`` is how many rows left it unknown for want of their
    amount."""

    definition: Definition
    scope: Scope
    parts: Parts
    totals: Totals
    value: Number | None
    lacking: int = 0

    @classmethod
    def of(cls, definition: Definition, scope: Scope, parts: Parts, tallies: Mapping[str, Tally]) -> Figure:
        """The figure whose counted parts come to this."""
        totals = {name: tally.total for name, tally in tallies.items()}
        value = definition.combine(totals)
        lacking = sum(tally.lacking for tally in tallies.values()) if value is None else 0
        return cls(definition, scope, parts, totals, value, lacking)


_registry: dict[str, Definition] = {}


def register(definition: Definition) -> Definition:
    """Add a definition; raises ValueError when the key is taken."""
    if _registry.setdefault(definition.key, definition) is not definition:
        raise ValueError(f"figure {definition.key!r} is registered twice")
    return definition


def definition(key: str) -> Definition:
    """Look up the definition in force; raises UnknownFigure."""
    return written(key).revised()


def written(key: str) -> Definition:
    """As it was written, without what the company decided since: enough for whoever wants only its numbers. Raises
    UnknownFigure."""
    try:
        return _registry[key]
    except KeyError:
        raise UnknownFigure(key) from None


def keys() -> list[str]:
    """The key of every definition, in order; asks nothing of the database."""
    return sorted(_registry)


def definitions() -> list[Definition]:
    """Every definition in force, by key."""
    return [_registry[key].revised() for key in keys()]


def counted(parts: Parts) -> Parts:
    """The parts that make up a figure; the others are only listed, with the reason why they are left out."""
    return {name: part for name, part in parts.items() if not name.startswith("excluded")}


def figure(key: str, scope: Scope) -> Figure:
    """Compute one figure."""
    meaning = definition(key)
    parts = meaning.parts(scope)
    return Figure.of(meaning, scope, parts, {name: part.tally() for name, part in counted(parts).items()})


def series(key: str, scope: Scope, first: Week, last: Week) -> list[tuple[Week, Number | None]]:
    """The figure week by week (both weeks included), one query per part. Every counted part must be dated.

    Definitions with ``weekly="each"`` are asked once per week, as things stood at its end.
    """
    meaning = written(key)
    if meaning.weekly == "each":
        asked = ((week, scope.stood(week.period(scope.tz))) for week in weeks_between(first, last))
        return [(week, figure(key, of_week).value if of_week else None) for week, of_week in asked]
    whole = Period(first.bounds(scope.tz)[0], last.bounds(scope.tz)[1])
    parts = counted(meaning.parts(scope.during(whole)))
    weekly = {name: part.weekly(scope.tz) for name, part in parts.items()}
    empty = {name: part.empty() for name, part in parts.items()}
    return [
        (week, meaning.combine({name: totals.get(week, empty[name]) for name, totals in weekly.items()}))
        for week in weeks_between(first, last)
    ]
