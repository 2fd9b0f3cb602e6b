"""What a figure is: a registered definition, a scope, and the rows it is made of.

A number on a page is never computed beside its rows. A definition names row sets ("parts"); the value is computed from
the parts' totals, the drill-down lists the same parts, and a published report freezes them. So header and list cannot
disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from statistics import median
from typing import Literal
from zoneinfo import ZoneInfo

from leads.figures.rowset import Column, Derived, Number, Row, RowSet, Tally, making_once, whole
from leads.models import User
from leads.pure.week import Period, Week, weeks_between

Unit = Literal["count", "money", "share", "ratio", "days", "hours", "minutes", "months", "money_per_day", "points"]

NO_CAMPAIGN = "none"
"""In place of a campaign's id: what belongs to no campaign."""
NO_OWNER = "none"
"""In place of an owner's id: what nobody owns."""


class UnknownFigure(LookupError):
    """No definition is registered under this key."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a figure is asked for.

    ``period`` is half-open. ``user`` limits rows to what that person may see; ``None`` is the company itself (reports,
    API keys with a company-wide scope). ``at`` is the moment deemed now. Keys are public: channel and method keys,
    campaign public ids (or NO_CAMPAIGN), owners' public ids (or NO_OWNER), territory ids. ``journey_scope`` says whose
    touches make up a journey; empty means the company's own choice. ``as_of`` is what leads back to ``at`` in an
    address, where a past moment was asked.
    """

    period: Period
    at: datetime
    tz: ZoneInfo
    currency: str
    user: User | None = None
    channel: str = ""
    campaign: str = ""
    territory: int | None = None
    owner: str = ""
    method: str = "linear"
    basis: Literal["simple", "realised"] = "simple"
    journey_scope: str = ""
    as_of: str = ""

    def during(self, period: Period) -> Scope:
        """The same question about another period."""
        return replace(self, period=period)

    def of_company(self) -> Scope:
        """The same of every territory and owner: of what belongs to none, such as costs."""
        return replace(self, territory=None, owner="")

    def stood(self, period: Period) -> Scope | None:
        """The same question as it stood at the end of a period, or stands where that is to come; None before it."""
        return replace(self, period=period, at=min(period.end, self.at)) if period.start < self.at else None

    def query(self) -> dict[str, str]:
        """URL parameters that lead back to this scope (dates are local and inclusive at both ends, for people)."""
        first, last = _days(self.period, self.tz)
        named = {
            "from": first,
            "to": last,
            "channel": self.channel,
            "campaign": self.campaign,
            "territory": "" if self.territory is None else str(self.territory),
            "owner": self.owner,
            "method": self.method,
            "basis": self.basis if self.basis != "simple" else "",
            "scope": self.journey_scope,
            "as_of": self.as_of,
        }
        return {name: value for name, value in named.items() if value}


_MICROSECOND = datetime.resolution


@lru_cache(maxsize=1024)
def _days(period: Period, tz: ZoneInfo) -> tuple[str, str]:
    """The first and the last local day of a period, which a page names in hundreds of addresses."""
    last = period.end.astimezone(tz) - _MICROSECOND
    return period.start.astimezone(tz).date().isoformat(), last.date().isoformat()


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
    With ``is_whole`` the value is their sum, as far as it is known.
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
    is_whole: bool = False
    filters: frozenset[str] = field(default_factory=frozenset)
    arithmetic: str = ""
    weekly: Literal["grouped", "each"] = "grouped"
    is_company_wide: bool = False
    causes: Callable[[Scope, datetime | None], Sequence[Cause]] = no_causes
    revise: Callable[[Definition], Definition] | None = None
    revisions: tuple[Revision, ...] = ()

    def value_of(self, tallies: Mapping[str, Tally]) -> Number | None:
        """The value that counted parts make."""
        if self.is_whole:
            return whole(tallies.values())
        return self.combine({name: tally.total for name, tally in tallies.items()})

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
        value = definition.value_of(tallies)
        parts = {name: part.beside(tallies) if part.lacking_in else part for name, part in parts.items()}
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


def figure(key: str, scope: Scope, *, with_rows: bool = False) -> Figure:
    """Compute one figure. ``with_rows``: its parts are listed next, and those that its sums tell to be empty need not
    be asked for."""
    meaning = definition(key)
    with making_once():
        parts = meaning.parts(scope)
    tallies = {name: part.tally(with_rows=with_rows) for name, part in counted(parts).items()}
    return Figure.of(meaning, scope, parts, tallies)


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


__all__ = [
    "NO_CAMPAIGN",
    "Cause",
    "Column",
    "Definition",
    "Derived",
    "Figure",
    "Number",
    "Parts",
    "Revision",
    "Row",
    "RowSet",
    "Scope",
    "Tally",
    "Totals",
    "Unit",
    "UnknownFigure",
    "counted",
    "definition",
    "definitions",
    "figure",
    "included",
    "keys",
    "middle",
    "no_causes",
    "ratio",
    "register",
    "series",
    "written",
]
