"""Rows that a figure is made of: how they are added up, told by week, listed and exported."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import wraps
from typing import Any, Literal, ParamSpec, TypeVar, cast
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.expressions import Col
from django.db.models.functions import TruncDay, TruncMonth, TruncWeek
from django.db.models.functions.datetime import TruncBase
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from leads.pure.week import Week

Number = int | float
Row = dict[str, Any]
Dated = tuple[date, Number | None, int]
"""A local day, what its rows come to, and how many they are."""


AskedOf = ParamSpec("AskedOf")
Made = TypeVar("Made")
_made: ContextVar[dict[Any, Any] | None] = ContextVar("made", default=None)


def when_listed(make: Callable[[], QuerySet[Any]]) -> QuerySet[Any]:
    """Rows that are made when somebody first asks for them: of most figures of a page only the total is, and to make
    a queryset takes Django longer than the database needs for the answer. What was `made_once` until then stays so."""
    made = _made.get()

    def make_later() -> QuerySet[Any]:
        token = _made.set(made)
        try:
            return make()
        finally:
            _made.reset(token)

    return cast("QuerySet[Any]", SimpleLazyObject(make_later))


@contextmanager
def making_once() -> Iterator[None]:
    """Within it what is `made_once` for a scope is made once, whoever asks for it."""
    token = _made.set({})
    try:
        yield
    finally:
        _made.reset(token)


def made_once(make: Callable[AskedOf, Made]) -> Callable[AskedOf, Made]:
    """Of what several figures stand on; outside `making_once` it is made anew. Takes what can be hashed.

    All get the same rows, by which `leads.figures.together.tallies` knows that it need not ask again.
    """

    @wraps(make)
    def given(*asked: AskedOf.args, **named: AskedOf.kwargs) -> Made:
        made = _made.get()
        if made is None:
            return make(*asked, **named)
        key = (make, asked, tuple(named.items()))
        if key not in made:
            made[key] = make(*asked, **named)
        return cast("Made", made[key])

    return given


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
    kind: Literal["text", "count", "money", "share", "days", "hours", "minutes", "time", "date"] = "text"
    link: str = ""
    link_by: str = ""
    currency_by: str = ""
    derived: Derived | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """What rows come to, and where that is unknown because all of them lack their amount, how many they are;
    ``is_empty``: there are none, which is no known sum of 0. ``unpriced`` is how many lack it, where that was asked."""

    total: Number | None
    lacking: int = 0
    is_empty: bool = False
    unpriced: int | None = field(default=None, compare=False)


def whole(tallies: Iterable[Tally]) -> Number | None:
    """The sum of parts, of those that are known; unknown where rows lack their amount and no other row has one."""
    parts = [tally for tally in tallies if not tally.is_empty]
    known = [tally.total for tally in parts if tally.total is not None]
    return sum(known) if known or not parts else None


@dataclass(frozen=True, slots=True)
class RowSet:
    """Rows of one part. Without ``amount`` each row counts 1; with it, the column is summed (or put through
    ``statistic``). ``dated_by`` is the date or datetime column by which the rows fall into weeks.

    ``nothing`` is the sum of no rows: 0, or None where nothing recorded means nothing known. ``event`` names a boolean
    column; with it the statistic gets (amount, event) pairs.

    Unknown is not zero: where there are rows and all of them lack the amount, the sum is None. ``among`` are the rows
    of which ``queryset`` lists those with an amount; of counted rows the same ones, without what is only shown of them.
    ``known`` is what they must meet where a lacking amount is not stored as NULL.

    ``lacking_in`` names the parts whose sums lack these rows: where they lack none, there is nothing to ask for.
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
    lacking_in: tuple[str, ...] = ()
    is_known_empty: bool = False

    @property
    def derived(self) -> dict[str, Derived]:
        """How to compute the columns that the database does not know, by path."""
        return {column.path: column.derived for column in self.columns if column.derived}

    def count(self) -> int:
        """How many rows."""
        if self.is_known_empty:
            return 0
        return (self.queryset if self.amount else self.summed).count()

    def total(self) -> Number | None:
        """Count, sum or statistic of the rows; a statistic of no rows is None."""
        return self.tally().total

    def tally(self, *, with_rows: bool = False) -> Tally:
        """The total, and how many rows lack their amount where all do, or where its rows are listed next; one query."""
        if self.statistic:
            return Tally(self.statistic([value for _, value in self._values(is_dated=False)]))
        if self.amount:
            rows = self.summed.order_by()
            if not with_rows:
                found = rows.aggregate(**self.sums())
                return self.tallied(found["total"], found["rows"])
            if _is_looked_up(rows, self.amount):
                # Of a sub-query with a limit the look-ups are made once, not for the sum and for the number again.
                rows = rows[:_ALL]
            found = rows.aggregate(**self.sums(), priced=Count(self.amount, filter=self.known or None))
            return self.tallied(found["total"], found["rows"], found["priced"])
        return Tally(self.count())

    @property
    def summed(self) -> QuerySet[Any]:
        """The rows that a sum is asked of, those without an amount among them."""
        return self.queryset if self.among is None else self.among

    def sums(self, **more: Any) -> dict[str, Sum | Count]:
        """What a query over ``summed`` must add up for `tallied`."""
        total = Sum(self.amount, filter=self.known or None, **more) if self.amount else Count("pk")
        return {"total": total, "rows": Count("pk")}

    def tallied(self, total: Number | None, rows: int, priced: int | None = None) -> Tally:
        """Nothing of no rows, unknown of rows that all lack their amount; ``priced`` of them have one."""
        if not self.amount:
            return Tally(rows)
        if not rows:
            return Tally(self.nothing, is_empty=True, unpriced=0)
        return Tally(total, rows if total is None else 0, unpriced=None if priced is None else rows - priced)

    def beside(self, tallies: Mapping[str, Tally]) -> RowSet:
        """The same, known to be empty where the sums that would lack these rows lack none."""
        of = [tallies[name] for name in self.lacking_in if name in tallies]
        if not of or any(tally.unpriced != 0 for tally in of):
            return self
        return replace(self, queryset=when_listed(lambda: self.queryset.none()), is_known_empty=True)

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
        weeks = self.added_up(self._grouped(TruncWeek(self.dated_by), tz), lambda monday: monday)
        return {Week.of_date(monday): total for monday, total in weeks.items()}

    def monthly(self, tz: ZoneInfo) -> dict[date, Number | None]:
        """Sums or counts by the first day of the local month of ``dated_by``, in one query; empty months are left out.

        Raises ValueError for a row set with a statistic.
        """
        return self.added_up(self._grouped(TruncMonth(self.dated_by), tz), lambda month: month)

    def daily(self, tz: ZoneInfo) -> list[Dated]:
        """Of each local day of ``dated_by`` that has rows what they come to, in one query, for adding up by several
        steps with `added_up`. Raises ValueError for a row set with a statistic."""
        return self._grouped(TruncDay(self.dated_by), tz)

    def added_up(self, dated: Iterable[Dated], step: Callable[[date], date]) -> dict[date, Number | None]:
        """Totals by the step that each day falls into."""
        sums: dict[date, tuple[Number | None, int]] = {}
        for day, total, rows in dated:
            before, number = sums.get(step(day), (None, 0))
            known = [each for each in (before, total) if each is not None]
            sums[step(day)] = (sum(known) if known else None, number + rows)
        return {first: self.tallied(total, rows).total for first, (total, rows) in sums.items()}

    def _grouped(self, step: TruncBase, tz: ZoneInfo) -> list[Dated]:
        if self.statistic:
            raise ValueError("only sums and counts come by day and month")
        steps = self.summed.annotate(_step=step).order_by().values("_step")
        # Not tzinfo=, which a date column refuses.
        with timezone.override(tz):
            rows = list(steps.annotate(**{f"_{name}": each for name, each in self.sums().items()}).order_by())
        return [(_day(row["_step"], tz), row["_total"], row["_rows"]) for row in rows]

    def empty(self) -> Number | None:
        """The total of a week without rows."""
        return None if self.statistic else self.nothing

    def rows(self, start: int = 0, stop: int | None = None, sort: str = "") -> list[Row]:
        """The rows as dictionaries keyed by column path (and by ``link_by`` and ``currency_by`` paths).

        ``sort`` is a column path, with "-" before it for descending; without it the row set's own order holds.
        """
        if self.is_known_empty:
            return []
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

    def _values(self, *, is_dated: bool = True) -> list[tuple[Any, Any]]:
        """(moment, amount or (amount, event)) of each row; without the moments, which take long to read, where only
        the amounts are wanted."""
        wanted = [path for path in (self.amount, self.event, self.dated_by if is_dated else "") if path]
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


_ALL = 2**62
"""More rows than there are."""


def _is_looked_up(rows: QuerySet[Any], column: str) -> bool:
    """Whether a column is worked out for each row instead of read from it."""
    found = rows.query.annotations.get(column)
    return found is not None and not isinstance(found, Col)


def _week(at: date, tz: ZoneInfo) -> Week:
    return Week.of(at, tz) if isinstance(at, datetime) else Week.of_date(at)


def _day(at: date, tz: ZoneInfo) -> date:
    return at.astimezone(tz).date() if isinstance(at, datetime) else at
